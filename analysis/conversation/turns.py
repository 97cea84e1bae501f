"""Who has the floor: turns and interruptions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.conversation.backchannels import is_backchannel
from analysis.conversation.spans import merged
from analysis.conversation.speech import PAUSE_S, Utterance
from pipeline.records import Role, SpeechSpan

SILENCE_S = 2.0
"""A longer silence is no part of the turn it lies in."""
LONGEST_BACKCHANNEL_S = 1.5
GOES_ON_AFTER_S = 1.0
"""A pause of the speaker up to this long, during or right after a backchannel, does not end what he is saying."""
MIN_CUT_S = 0.5
"""Who begins less than this before the other's end has waited for the end (terminal overlap: Jefferson 1984)."""
MIN_INTERRUPTION_S = 0.8
"""Who interrupts goes on at least this long after the other has stopped."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said until another began."""

    role: Role
    channel: int
    utterances: tuple[Utterance, ...]

    @property
    def start_s(self) -> float:
        return self.utterances[0].start_s

    @property
    def end_s(self) -> float:
        return max(utterance.end_s for utterance in self.utterances)

    @property
    def length_s(self) -> float:
        """Silences of over SILENCE_S left out."""
        return sum(end - start for start, end in merged([utterance.span for utterance in self.utterances], SILENCE_S))


def by_channel(said: Sequence[Utterance]) -> dict[int, list[Utterance]]:
    sides: dict[int, list[Utterance]] = {}
    for utterance in said:
        sides.setdefault(utterance.channel, []).append(utterance)
    return sides


def without_backchannels(said: Sequence[Utterance]) -> list[Utterance]:
    """`said` without what a listener says inside another side's turn: short, of a listener's words, begun while the
    other speaks, who goes on after it."""
    sides = by_channel(said)
    speaking = {channel: merged([utterance.span for utterance in own], PAUSE_S) for channel, own in sides.items()}
    going_on = {channel: merged(spans, GOES_ON_AFTER_S) for channel, spans in speaking.items()}

    def inside(utterance: Utterance) -> bool:
        return any(
            _around(speaking[other], utterance.start_s) is not None
            and (stretch := _around(going_on[other], utterance.start_s)) is not None
            and stretch[1] > utterance.end_s
            for other in sides
            if other != utterance.channel
        )

    return [
        utterance
        for utterance in said
        if not (
            utterance.end_s - utterance.start_s <= LONGEST_BACKCHANNEL_S
            and utterance.text is not None
            and is_backchannel(utterance.text, utterance.language)
            and inside(utterance)
        )
    ]


def turns_of(said: Sequence[Utterance]) -> list[Turn]:
    """Turns in order: each begins where the speaker changes, by the order in which utterances begin."""
    turns: list[Turn] = []
    for utterance in said:
        last = turns[-1] if turns else None
        if last is not None and last.channel == utterance.channel:
            turns[-1] = Turn(last.role, last.channel, (*last.utterances, utterance))
        else:
            turns.append(Turn(utterance.role, utterance.channel, (utterance,)))
    return turns


def interruptions(said: Sequence[Utterance]) -> Mapping[Role, tuple[float, ...]]:
    """When each of agent and client begins while the other speaks, well before its end, and goes on after it.

    `said` has no backchannels any more.
    """
    talk: dict[Role, list[SpeechSpan]] = {
        role: merged([utterance.span for utterance in said if utterance.role is role], PAUSE_S)
        for role in (Role.AGENT, Role.CLIENT)
    }
    return {
        Role.AGENT: _interrupted(talk[Role.AGENT], talk[Role.CLIENT]),
        Role.CLIENT: _interrupted(talk[Role.CLIENT], talk[Role.AGENT]),
    }


def _interrupted(who: Sequence[SpeechSpan], whom: Sequence[SpeechSpan]) -> tuple[float, ...]:
    longer = merged(who, GOES_ON_AFTER_S)
    begun = [(start, _around(whom, start), _around(longer, start, at_start=True)) for start, _ in who]
    return tuple(
        start
        for start, cut, stretch in begun
        if cut is not None and cut[1] - start >= MIN_CUT_S
        if stretch is not None and stretch[1] - cut[1] >= MIN_INTERRUPTION_S
    )


def _around(spans: Sequence[SpeechSpan], moment_s: float, *, at_start: bool = False) -> SpeechSpan | None:
    """The span that began before the moment (or at it) and goes on; `spans` are in order and apart."""
    index = (bisect_right if at_start else bisect_left)(spans, moment_s, key=lambda span: span[0]) - 1
    return spans[index] if index >= 0 and moment_s < spans[index][1] else None
