"""Which of a call's own lines sum it up, and which are promises."""

from __future__ import annotations

import pytest

from analysis.summary.extractive import Line, choose_lines, lines_of
from analysis.summary.promises import promises
from pipeline.config.areas.language import ExtractiveSummarySettings
from pipeline.records import Role
from tests.analysis.calls import call, chunk

SETTINGS = ExtractiveSummarySettings()


def lines(*said: tuple[str, str]) -> list[Line]:
    return lines_of(call(*said).transcript.chunks, "en")


def chosen(*said: tuple[str, str], most: int = 8) -> list[str]:
    return [line.text for line in choose_lines(lines(*said), SETTINGS, most)]


def test_a_statement_is_taken_before_the_same_words_as_a_question() -> None:
    assert chosen(("client", "My parcel arrived broken at home?"), ("client", "My parcel arrived broken at home.")) == [
        "My parcel arrived broken at home."
    ]


def test_the_clients_line_is_taken_before_the_agents() -> None:
    said = [("agent", "The parcel arrived broken at home."), ("client", "A router arrived broken at work.")]
    assert chosen(*said) == ["A router arrived broken at work."]


@pytest.mark.parametrize(("redundancy", "second"), [(0.0, 1), (5.0, 2)])
def test_what_is_said_already_makes_room_for_what_is_not(redundancy: float, second: int) -> None:
    said = [
        ("client", "The parcel arrived broken at home yesterday."),
        ("client", "The parcel arrived broken at home yesterday."),
        ("client", "The technician charged ninety euros for nothing."),
    ]
    settings = SETTINGS.model_copy(update={"redundancy": redundancy})
    assert [line.chunk.ordinal for line in choose_lines(lines(*said), settings, 14)] == [0, second]


def test_small_talk_is_taken_last() -> None:
    assert chosen(("client", "Yes please, thank you."), ("client", "The router burned down last night."), most=6) == [
        "The router burned down last night."
    ]


def test_one_line_is_taken_however_long_it_is() -> None:
    assert len(chosen(("client", "The router burned down last night after the storm came."), most=2)) == 1


@pytest.mark.parametrize(
    ("text", "by_when"),
    [
        ("I'll send you a new one by Friday.", "by Friday"),
        ("We will refund it within three working days.", "within three working days"),
        ("A technician will come tomorrow morning.", "tomorrow morning"),
        ("Your card will be blocked this week.", "this week"),
        ("I'll send it.", None),
    ],
)
def test_promises_are_told_with_their_time(text: str, by_when: str | None) -> None:
    found = promises(lines(("agent", text)), "en", 5)
    assert [(item.what, item.who, item.by_when) for item in found] == [(text, "agent", by_when)]


@pytest.mark.parametrize(
    "text", ["I'll send it on Friday?", "I'll just check that.", "I'll be happy to help.", "You said so on Friday."]
)
def test_questions_and_what_every_agent_says_are_no_promises(text: str) -> None:
    assert promises(lines(("agent", text)), "en", 5) == ()


def test_promises_are_told_once_up_to_the_limit_in_english_only() -> None:
    said = lines(("agent", "I'll send one."), ("agent", "I'll send one."), ("agent", "I'll call him."))
    assert [item.what for item in promises(said, "en", 5)] == ["I'll send one.", "I'll call him."]
    assert len(promises(said, "en", 1)) == 1
    assert promises(said, "de", 5) == ()
    unknown = lines_of([chunk(0, Role.UNKNOWN, "I'll send one.")], "en")
    assert [item.who for item in promises(unknown, None, 5)] == [None]
