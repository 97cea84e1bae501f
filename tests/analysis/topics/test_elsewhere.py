"""What people call about that no label is about speaks against a topic; the answers that callers get speak for one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.encoder.vectors import SentenceEncoder
from analysis.glossary.catalogue import Label
from analysis.topics.asked import Asked, asked_in
from analysis.topics.elsewhere import elsewhere_ahead, everyday_reasons, reason_vectors
from analysis.topics.likelihood import WITH_ENCODER, fitted
from analysis.topics.likeness import LabelLikeness
from pipeline.config.areas.language import KeywordTopicSettings
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import HashEncoder, real_encoder  # noqa: F401 - a fixture

PARCEL = Label(topic="Parcel", keywords=("parcel", "courier"), definition="A parcel that has not come.")
HOURS = Label(topic="Opening hours", definition="When the shop is open.")


def asked(*said: tuple[str, str], language: str = "en") -> Asked:
    return asked_in(call(*said).transcript.chunks, language, KeywordTopicSettings())


@pytest.mark.parametrize(
    ("likeness", "near_labels", "best_label", "expected"),
    [
        ([5.0, 1.0], [0.0, 0.0], 4.0, 3.0),  # ahead by one, and it counts from two behind
        ([5.0, 1.0], [0.0, 0.0], 9.0, 0.0),  # far behind
        ([5.0, 4.5], [6.0, 2.0], 4.0, 2.5),  # the nearest one is a label's own
    ],
)
def test_only_what_no_label_is_about_is_ahead(
    likeness: list[float], near_labels: list[float], best_label: float, expected: float
) -> None:
    assert elsewhere_ahead(np.asarray(likeness), np.asarray(near_labels), best_label) == expected


def test_every_everyday_reason_has_a_vector_of_length_one() -> None:
    reasons = everyday_reasons()
    assert all(said and len(set(said)) == len(said) for said in reasons.values())
    rows = reason_vectors(HashEncoder())
    assert len(rows) == len(reasons)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_what_a_glossary_lacks_is_elsewhere_until_a_label_is_about_it(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    one = asked(("client", "Hi, until when is your shop open on Saturdays?"))
    without, with_hours = (LabelLikeness(labels, real_encoder) for labels in ([PARCEL], [PARCEL, HOURS]))
    assert without.elsewhere(one.lines, one.dialogue) > 3
    assert with_hours.elsewhere(one.lines, one.dialogue) < without.elsewhere(one.lines, one.dialogue) - 2


def test_what_is_elsewhere_makes_none_likelier() -> None:
    features = np.ones((3, 8))
    likelihood = fitted(WITH_ENCODER)
    assert likelihood.none_per_elsewhere > 0
    assert likelihood.shares(features, elsewhere=4.0)[1] > likelihood.shares(features)[1]


def test_the_answer_tells_what_a_caller_means(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    likeness = LabelLikeness([PARCEL, HOURS], real_encoder)
    one = asked(
        ("client", "I've stayed in all day and there's still no sign of it."),
        ("agent", "Is that the parcel that our courier should have brought?"),
    )
    assert likeness.of(one.lines, one.dialogue)[0, 0] > likeness.of(one.lines)[0, 0]


def test_the_dialogue_is_the_opening_without_recordings() -> None:
    said = ("agent", "Thank you for calling. Your call may be recorded. For billing press one.")
    one = asked(said, ("client", "My parcel has not come."), ("agent", "word " * 100))
    assert one.dialogue.startswith("My parcel has not come. word word")
    assert len(one.dialogue.split()) == 80
    assert asked(("client", "Mon colis n'est pas arrivé."), language="fr").dialogue == ""
