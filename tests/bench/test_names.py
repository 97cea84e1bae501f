"""The measure of glossaries of names alone."""

from __future__ import annotations

from bench.materials.names import OUTSIDE, half_of_names, names_glossary
from bench.names import right_where_left
from bench.topics import Answer


def test_the_halves_share_no_question_and_no_name() -> None:
    developed, apart = half_of_names(0), half_of_names(1)
    intents = [{question.intent for question in half} for half in (developed, apart)]
    assert intents[0] & intents[1] == {OUTSIDE}
    assert not {question.text for question in developed} & {question.text for question in apart}
    assert (intents[0] | intents[1]) - {OUTSIDE} == {label.topic for label in names_glossary().topics}


def test_right_is_counted_above_what_leaves_four_of_five_outside() -> None:
    outside = [Answer("a", confidence, right=False, in_scope=False) for confidence in (0.1, 0.2, 0.3, 0.4, 0.9)]
    inside = [Answer("a", 0.95, right=True, in_scope=True), Answer("a", 0.45, right=True, in_scope=True)]
    found = right_where_left([*outside, *inside])
    assert (found["share"], found["of"], found["at"]) == (0.5, 2, 0.5)
