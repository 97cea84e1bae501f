"""The figures of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.conversation.spans import gaps, intersection, merged, total
from analysis.conversation.speech import PAUSE_S, Utterance, speech_in, utterances
from analysis.conversation.turns import Turn, by_channel, interruptions, turns_of, without_backchannels
from analysis.records import Conversation, TalkQuarter
from analysis.text import words
from pipeline.records import Role, SpeechSpan, TranscriptChunk

MIN_OVERTALK_S = 0.2
"""Shorter overlaps are within the error of finding speech."""

SIDES = (Role.AGENT, Role.CLIENT)
QUARTERS = 4


def measure(chunks: Sequence[TranscriptChunk], duration_s: float, language: str | None = None) -> Conversation:
    """Metrics of one call; at least one chunk with words, duration over 0. Words per minute are of speaking time.

    Where a chunk's speech is not known (`speech_in`), whatever needs it is None; turns need only the order.
    """
    spoken = [chunk for chunk in chunks if words(chunk.text)]
    known = {channel: all(speech_in(c) is not None for c in spoken if c.channel == channel) for channel in _of(spoken)}
    said = utterances(spoken, duration_s, language)
    floor = without_backchannels(said)
    turns = turns_of(floor)
    times = _Times(said, floor, turns, duration_s) if all(known.values()) else None
    talk = {role: _talk_s(spoken, role, said, known) for role in SIDES}
    both = {utterance.role for utterance in said} >= set(SIDES)
    cut = times.interruptions if times is not None and both else {}
    return Conversation(
        agent_talk_s=talk[Role.AGENT],
        client_talk_s=talk[Role.CLIENT],
        agent_talk_share=_share(talk[Role.AGENT], duration_s),
        client_talk_share=_share(talk[Role.CLIENT], duration_s),
        silence_s=_rounded(sum(times.quiet)) if times else None,
        silence_share=_share(sum(times.quiet), duration_s) if times else None,
        longest_silence_s=_rounded(max(times.quiet, default=0.0)) if times else None,
        overtalk_s=_rounded(times.overtalk_s()) if times else None,
        agent_interruptions=len(cut[Role.AGENT]) if cut else None,
        client_interruptions=len(cut[Role.CLIENT]) if cut else None,
        turns=len(turns),
        agent_words_per_minute=_words_per_minute(spoken, Role.AGENT, talk[Role.AGENT]),
        client_words_per_minute=_words_per_minute(spoken, Role.CLIENT, talk[Role.CLIENT]),
        agent_longest_turn_s=times.longest_turn_s(Role.AGENT) if times else None,
        client_longest_turn_s=times.longest_turn_s(Role.CLIENT) if times else None,
        first_response_s=times.first_response_s() if times else None,
        extra=_extra(spoken, turns, times),
        quarters=times.quarters(cut) if times else None,
    )


class _Times:
    """What can be measured where the speech of all chunks is known."""

    def __init__(
        self, said: Sequence[Utterance], floor: Sequence[Utterance], turns: Sequence[Turn], duration_s: float
    ) -> None:
        self._turns = turns
        self._duration_s = duration_s
        self._sides = {channel: _talk(own) for channel, own in by_channel(said).items()}
        self._roles = {role: _talk([utterance for utterance in said if utterance.role is role]) for role in SIDES}
        self._anyone = merged([span for spans in self._sides.values() for span in spans])
        self.interruptions = interruptions(floor)
        self.quiet = gaps(self._anyone, duration_s)
        self.first_speech_s = self._anyone[0][0] if self._anyone else None

    def overtalk_s(self) -> float:
        return total(self._overtalk())

    def quarters(self, cut: Mapping[Role, Sequence[float]]) -> tuple[TalkQuarter, ...]:
        """The same figures in each quarter of the call.

        Args:
            cut: when each of agent and client interrupts; empty where that cannot be told.
        """
        overtalk = self._overtalk()
        found = []
        for number in range(QUARTERS):
            span = (self._duration_s * number / QUARTERS, self._duration_s * (number + 1) / QUARTERS)
            talk = {role: total(intersection(spans, [span])) if spans else None for role, spans in self._roles.items()}
            begun = {role: sum(span[0] <= moment < span[1] for moment in moments) for role, moments in cut.items()}
            agent_s, client_s = talk[Role.AGENT], talk[Role.CLIENT]
            found.append(
                TalkQuarter(
                    start_s=_rounded(span[0]),
                    end_s=_rounded(span[1]),
                    agent_talk_s=None if agent_s is None else _rounded(agent_s),
                    client_talk_s=None if client_s is None else _rounded(client_s),
                    silence_s=_rounded(span[1] - span[0] - total(intersection(self._anyone, [span]))),
                    overtalk_s=_rounded(total(intersection(overtalk, [span]))),
                    agent_interruptions=begun.get(Role.AGENT),
                    client_interruptions=begun.get(Role.CLIENT),
                    turns=sum(span[0] <= turn.start_s < span[1] for turn in self._turns),
                )
            )
        return tuple(found)

    def _overtalk(self) -> list[SpeechSpan]:
        """When at least two channels speak, overlaps under MIN_OVERTALK_S left out; in order, apart."""
        channels = sorted(self._sides)
        overlaps: list[SpeechSpan] = []
        for index, channel in enumerate(channels):
            for other in channels[index + 1 :]:
                both = intersection(self._sides[channel], self._sides[other])
                overlaps.extend(span for span in both if span[1] - span[0] >= MIN_OVERTALK_S)
        return merged(overlaps)

    def longest_turn_s(self, role: Role) -> float | None:
        lengths = [turn.length_s for turn in self._turns if turn.role is role]
        return _rounded(max(lengths)) if lengths else None

    def first_response_s(self) -> float | None:
        """From the end of the client's first turn to the agent's answer; 0 where the agent began before it ended."""
        first = next((index for index, turn in enumerate(self._turns) if turn.role is Role.CLIENT), None)
        if first is None:
            return None
        answer = next((turn for turn in self._turns[first + 1 :] if turn.role is Role.AGENT), None)
        return None if answer is None else _rounded(max(0.0, answer.start_s - self._turns[first].end_s))


def _of(chunks: Sequence[TranscriptChunk]) -> set[int]:
    return {chunk.channel for chunk in chunks}


def _talk(said: Sequence[Utterance]) -> list[SpeechSpan]:
    return merged([utterance.span for utterance in said], PAUSE_S)


def _talk_s(
    spoken: Sequence[TranscriptChunk], role: Role, said: Sequence[Utterance], known: Mapping[int, bool]
) -> float | None:
    """None where no channel has this role (roles unknown, or that side never spoke on a one-sided recording)."""
    channels = _of([chunk for chunk in spoken if chunk.role is role])
    if not channels or not all(known[channel] for channel in channels):
        return None
    return _rounded(total(_talk([utterance for utterance in said if utterance.role is role])))


def _rounded(value: float) -> float:
    return round(float(value), 3)


def _share(part: float | None, whole: float) -> float | None:
    return None if part is None else _rounded(min(1.0, part / whole))


def _words_per_minute(chunks: Sequence[TranscriptChunk], role: Role, talk_s: float | None) -> float | None:
    if not talk_s:
        return None
    count = sum(len(words(chunk.text)) for chunk in chunks if chunk.role is role)
    return round(count / talk_s * 60.0, 1)


def _extra(chunks: Sequence[TranscriptChunk], turns: Sequence[Turn], times: _Times | None) -> dict[str, float]:
    """Word counts and turns per role, and when somebody first speaks."""
    counts = {role: sum(len(words(c.text)) for c in chunks if c.role is role) for role in Role}
    extra = {f"{role.value}_words": float(count) for role, count in counts.items() if count}
    extra |= {f"{role.value}_turns": float(n) for role in Role if (n := sum(t.role is role for t in turns))}
    if times is not None and times.first_speech_s is not None:
        extra["first_speech_s"] = _rounded(times.first_speech_s)
    return extra
