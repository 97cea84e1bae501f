"""Pictures of a call, whole, and where a stretch stands in its timeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pages.svg.charts import quarters
from pages.svg.timeline import lanes_of, timeline
from pages.svg.waveform import waveform
from pages.talk import Pause, Said
from pipeline.records import Role
from tests.pinned import assert_pinned

SAID = Said(
    number=0, role=Role.CLIENT, start_s=1.0, end_s=3.0, text="a", mood=None, voice=None, doubts=(), remarks=(),
    same_speaker=False,
)  # fmt: skip


def test_a_waveform_has_a_lane_for_each_channel() -> None:
    peaks = [[0.0, 0.5, 1.0, 0.25], [0.01, 0.02], [], [0.0]]
    assert_pinned("waveform.svg", waveform(peaks, (Role.CLIENT, Role.AGENT, Role.UNKNOWN, Role.UNKNOWN)))


def test_a_waveform_of_no_channel_and_of_an_empty_one() -> None:
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 32" preserveAspectRatio="none"></svg>'
    assert waveform([], ()) == waveform([[]], (Role.AGENT,)) == head


def test_the_moods_of_quarters_are_bars_up_and_down() -> None:
    assert_pinned("quarters.svg", str(quarters((0.1, -0.1, 0.0999, -1.0, None, 0.0, 1.0))))


def test_a_timeline_has_a_lane_for_each_side() -> None:
    said = [
        SAID,
        replace(SAID, role=Role.AGENT, start_s=2.5, end_s=6.0, mood="positive"),
        replace(SAID, role=Role.UNKNOWN, start_s=6.0, end_s=6.001, mood="negative", doubts=("loop",)),
        replace(SAID, start_s=9.5, end_s=12.0, mood="negative"),
        replace(SAID, start_s=11.0, end_s=12.0),
    ]
    pauses = [Pause(kind="overtalk", start_s=2.5, end_s=3.0), Pause(kind="silence", start_s=6.5, end_s=9.5)]
    assert_pinned("timeline.svg", str(timeline(said, pauses, 10.0)))
    assert_pinned("timeline_nothing.svg", str(timeline([], [], 10.0)))
    assert_pinned("timeline_of_no_length.svg", str(timeline(said[:1], [], 0.0)))


@pytest.mark.parametrize(
    ("roles", "lanes"),
    [((), []), ((Role.UNKNOWN, Role.AGENT, Role.CLIENT, Role.AGENT), [Role.CLIENT, Role.AGENT, Role.UNKNOWN])],
)
def test_the_customer_comes_first(roles: tuple[Role, ...], lanes: list[Role]) -> None:
    assert lanes_of([replace(SAID, role=role) for role in roles]) == lanes
