"""What tells how well a label fits, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.glossary.catalogue import Label
from analysis.topics.features import features_of
from analysis.topics.likelihood import FEATURES, WITH_ENCODER, Features
from analysis.topics.likeness import LabelLikeness
from tests.analysis.encoder.conftest import HashEncoder

BARE, DESCRIBED = Label(topic="street light"), Label(topic="lamp", keywords=("street light",))
NAMES = FEATURES[WITH_ENCODER]


def rows_of(labels: tuple[Label, ...], scores: list[float], found: list[float], likeness: float = 1.0) -> Features:
    catalogue = LabelLikeness(labels, HashEncoder())
    given = (dict(zip(labels, values, strict=True)) for values in (scores, found))
    return features_of(catalogue, np.full((len(labels), 4), likeness), *given)


def test_half_of_a_bare_name_says_little_and_a_keyword_counts() -> None:
    half = rows_of((BARE, DESCRIBED), [1.0, 1.0], [0.5, 0.5])
    whole = rows_of((BARE, DESCRIBED), [1.0, 1.0], [2.0, 2.0])
    words, keyword, name = (NAMES.index(one) for one in ("words", "keyword", "name"))
    assert half[:, words].tolist() == pytest.approx([0.0, np.log(2)])
    assert half[:, keyword].tolist() == [0.0, 0.5]
    assert (half[:, name].tolist(), whole[:, name].tolist()) == ([0.25, 0.0], [4.0, 0.0])


def test_a_bare_subtopic_keeps_the_words_of_its_topic() -> None:
    rows = rows_of(
        (Label(topic="lamp", keywords=("bulb",)), Label(topic="lamp", subtopic="street")), [1.0, 1.0], [1.0, 0.0]
    )
    assert rows[0, NAMES.index("words")] == rows[1, NAMES.index("words")] > 0
    assert rows[:, NAMES.index("keyword")].tolist() == [1.0, 1.0]


def test_a_lead_in_likeness_says_more_in_a_catalogue_of_names() -> None:
    apart = NAMES.index("apart")
    other = Label(topic="parcel")
    names, mixed, described = (
        rows_of(labels, [0.0, 0.0], [0.0, 0.0], 6.0)[:, apart]
        for labels in ((BARE, other), (other, DESCRIBED), (DESCRIBED, Label(topic="parcel", keywords=("box",))))
    )
    assert names.tolist() == [pytest.approx(2 * mixed[0])] * 2 == pytest.approx([6.0, 6.0])
    assert described.tolist() == [0.0, 0.0]


def test_labels_of_one_topic_are_as_narrow_as_the_least() -> None:
    assert LabelLikeness((BARE, Label(topic="street light", subtopic="broken")), HashEncoder()).narrowness == 3.0
