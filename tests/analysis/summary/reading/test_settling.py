"""What stays open at the end of a call."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.summary.reading.readings import Reading, read
from analysis.summary.reading.sentences import Sentence, sentences_of
from analysis.summary.reading.settling import open_points, takes_up
from analysis.summary.reading.wording import Act
from pipeline.records import Role
from tests.analysis.calls import call


def reading(place: int, role: Role, text: str, *acts: Act) -> Reading:
    sentence = Sentence(
        text=text, role=role, channel=0, chunk=place, start_s=2.0 * place, end_s=2.0 * place + 1, turn=place
    )
    return Reading(
        place=place,
        sentence=sentence,
        acts=frozenset(acts),
        small_talk=-1.0,
        vector=np.zeros(4, dtype=np.float32),
        stems=frozenset(text.split()),
    )


def unknown(place: int) -> Reading:
    return reading(place, Role.AGENT, "we do not know when the part comes", Act.UNKNOWN)


WISH = reading(0, Role.CLIENT, "when does the part come", Act.REQUEST)


@pytest.mark.parametrize(("points", "told"), [(1, [1]), (2, [1, 2]), (3, [2, 3]), (4, [3, 4])])
def test_the_last_two_open_points_are_told(points: int, told: list[int]) -> None:
    said = [WISH, *(unknown(place) for place in range(1, points + 1))]
    assert [point.place for point in open_points(said, [WISH], [])] == told


@pytest.mark.parametrize(("result_at", "told"), [(1, [2]), (3, [])], ids=["settled before", "settled after"])
def test_what_an_agent_does_not_know_is_open_where_no_result_follows(result_at: int, told: list[int]) -> None:
    result = reading(result_at, Role.AGENT, "the part has arrived", Act.RESULT)
    said = sorted([WISH, result, unknown(2)], key=lambda one: one.place)
    assert [point.place for point in open_points(said, [WISH], [result])] == told


@pytest.mark.parametrize(("text", "told"), [("I will tell the ombudsman", [2]), ("I will tell all", [])])
def test_a_threat_after_the_outcome_is_open_where_it_has_five_words(text: str, told: list[int]) -> None:
    result = reading(1, Role.AGENT, "the part has arrived", Act.RESULT)
    said = [WISH, result, reading(2, Role.CLIENT, text, Act.THREAT)]
    assert [point.place for point in open_points(said, [WISH], [result])] == told
    assert open_points(said, [WISH], []) == []


@pytest.mark.parametrize(
    ("talk", "taken_up"),
    [
        ((("client", "Friday at four would be good."), ("agent", "Friday at four it is.")), True),
        ((("client", "Friday at four would be good."), ("agent", "Friday at five it is.")), False),
        ((("agent", "Friday at four is free."), ("agent", "Friday at four it is.")), False),
        (
            (("client", "Friday at four."), ("agent", "Hm."), ("client", "Yes."), ("agent", "Friday at four it is.")),
            False,
        ),
        ((("client", "Friday at four would be good."), ("agent", "That it is.")), False),
    ],
)
def test_an_agent_takes_up_what_the_client_has_just_chosen(talk: tuple[tuple[str, str], ...], taken_up: bool) -> None:
    readings = read(sentences_of(call(*talk).transcript.chunks), None)
    assert takes_up(readings[-1], readings) is taken_up
