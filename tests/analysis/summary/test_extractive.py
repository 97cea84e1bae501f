"""Which of a call's own lines sum it up."""

from __future__ import annotations

import pytest

from analysis.summary.extractive import Line, choose_lines, lines_of
from pipeline.config.areas.language import ExtractiveSummarySettings
from tests.analysis.calls import call

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
