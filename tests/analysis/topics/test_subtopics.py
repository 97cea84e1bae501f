"""Which subtopic is given, and why none is."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.glossary.catalogue import Glossary, Label
from analysis.records import Topic
from analysis.topics.subtopics import Below, likeliest_subtopic, with_reasons

LABELS = (
    Label(topic="Orders"),
    Label(topic="Orders", subtopic="New order"),
    Label(topic="Orders", subtopic="Late"),
    Label(topic="Orders", subtopic="Change"),
    Label(topic="Cancellation"),
)
GLOSSARY = Glossary(name="b2b", languages=("en",), labels=LABELS)


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        # A little for each of the others does not take the subtopic away; one near rival does.
        ((0.08, 0.30, 0.12, 0.12), Below("New order")),
        ((0.02, 0.50, 0.30, 0.01),
         Below(None, "two are nearly as likely: New order (0.60 of the topic) and Late (0.36 of the topic)")),
        ((0.40, 0.25, 0.10, 0.05), Below(None, "the topic alone is likelier than New order (0.31 of the topic)")),
    ],
)  # fmt: skip
def test_a_subtopic_leads_the_others_or_there_is_none_with_the_reason(shares: tuple[float, ...], found: Below) -> None:
    assert likeliest_subtopic("Orders", LABELS, np.asarray([*shares, 0.1])) == found


def test_a_topic_without_subtopics_needs_no_reason() -> None:
    assert likeliest_subtopic("Cancellation", LABELS, np.asarray([0.1, 0.1, 0.1, 0.1, 0.5])) == Below(None)


@pytest.mark.parametrize(
    ("topic", "reasons"),
    [
        (Topic(topic="Orders", subtopic=None, confidence=None, catalogue="b2b"), (True, False)),
        (Topic(topic="Orders", subtopic="Late", confidence=None, catalogue="b2b"), (False, False)),
        (
            Topic(topic="Cancellation", subtopic=None, confidence=0.5, catalogue="b2b", second_topic="Orders"),
            (False, True),
        ),
        (Topic(topic="other", subtopic=None, confidence=None, catalogue="b2b"), (False, False)),
    ],
)
def test_whatever_chose_the_topic_a_missing_subtopic_has_a_reason(topic: Topic, reasons: tuple[bool, bool]) -> None:
    told = with_reasons(topic, (GLOSSARY,))
    assert (told.subtopic_missing is not None, told.second_subtopic_missing is not None) == reasons


def test_a_reason_that_is_known_stays() -> None:
    topic = Topic(topic="Orders", subtopic=None, confidence=0.5, catalogue="b2b", subtopic_missing="two are near")
    assert with_reasons(topic, (GLOSSARY,)).subtopic_missing == "two are near"
