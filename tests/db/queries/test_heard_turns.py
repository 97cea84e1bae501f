"""What a person corrects of a call: what was heard, and a side on which nothing was."""

from __future__ import annotations

import pytest

from db.queries.references import heard_turns
from pipeline.records import Role
from tests.pages.samples import shown_call, shown_chunk

AGENT, CLIENT, UNKNOWN = Role.AGENT, Role.CLIENT, Role.UNKNOWN


@pytest.mark.parametrize(
    ("channels", "flags", "spoken", "silent"),
    [
        (2, (), [(0, CLIENT)], [(1, AGENT)]),
        (2, (), [(1, AGENT), (1, AGENT)], [(0, CLIENT)]),
        (2, (), [(0, UNKNOWN)], [(1, UNKNOWN)]),
        (2, (), [(0, CLIENT), (1, AGENT)], []),
        (3, (), [(0, CLIENT)], [(1, UNKNOWN), (2, UNKNOWN)]),
        (3, (), [(0, CLIENT), (1, AGENT)], [(2, UNKNOWN)]),
        (2, (), [], [(0, UNKNOWN), (1, UNKNOWN)]),
        (None, (), [(0, CLIENT)], []),
        (2, ("diarised",), [(0, CLIENT)], []),
        (2, ("dual_mono", "clipped"), [(0, CLIENT)], []),
        (2, ("clipped",), [(0, CLIENT)], [(1, AGENT)]),
    ],
)
def test_a_side_on_which_nothing_was_heard_can_be_written(
    channels: int | None, flags: tuple[str, ...], spoken: list[tuple[int, Role]], silent: list[tuple[int, Role]]
) -> None:
    chunks = [
        shown_chunk(float(n), n + 0.5, " one\n two ", channel=channel, role=role, ordinal=n)
        for n, (channel, role) in enumerate(spoken)
    ]
    turns = heard_turns(shown_call(channels=channels, flags=flags, duration_s=9.0), chunks)
    heard, empty = turns[: len(chunks)], turns[len(chunks) :]
    assert [(turn.channel, turn.role, turn.ordinal, turn.start_s, turn.end_s, turn.text) for turn in heard] == [
        (channel, role, n, float(n), n + 0.5, "one two") for n, (channel, role) in enumerate(spoken)
    ]
    assert [(turn.channel, turn.role, turn.ordinal, turn.start_s, turn.end_s, turn.text) for turn in empty] == [
        (channel, role, 0, 0.0, 9.0, "") for channel, role in silent
    ]
