"""What tells how well each label fits, in numbers: likeness by the encoder, and the words that are said."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.glossary.catalogue import Label
from analysis.topics.likelihood import LEAST_NARROWNESS, Features, words_feature
from analysis.topics.likeness import LabelLikeness, Likenesses
from analysis.topics.matching import path_keywords, path_scores


def features_of(
    catalogue: LabelLikeness, likenesses: Likenesses, scores: Mapping[Label, float], found: Mapping[Label, float]
) -> Features:
    """Shape (labels, features), in the order of `likelihood.FEATURES[WITH_ENCODER]`.

    A label that has nothing but its name was given no words to be said: half of "street light" in "my car on the
    street" tells nothing that the encoder has not heard, so only how much of the whole name is said counts (`name`). In
    a catalogue of names a lead in likeness says the more the farther apart they are (`apart`).

    Args:
        likenesses: what `catalogue` gives of the lines, or of one.
        scores: `TopicMatcher.scores` of each label, without the stems.
        found: `TopicMatcher.keyword_found`.
    """
    labels = catalogue.labels
    bare = {label for label in labels if label.is_bare}
    words = path_scores({label: 0.0 if label in bare else scores[label] for label in labels})
    keyword = path_keywords({label: 0.0 if label in bare else found[label] for label in labels})
    name = path_keywords({label: found[label] ** 2 if label in bare else 0.0 for label in labels})
    said = np.asarray([[words_feature(words[label]), keyword[label], name[label]] for label in labels])
    apart = likenesses[:, :1] * catalogue.names_alone * LEAST_NARROWNESS / catalogue.narrowness
    return np.asarray(np.concatenate([likenesses, said, apart], axis=1))
