"""Metrics of the talk itself, from the times of the chunks: who spoke how long, over whom, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.calls import in_order, speaks
from analysis.fingerprints import fingerprint_of
from analysis.records import Conversation
from analysis.results import done, missing
from analysis.text import words
from pipeline.records import CallForAnalysis, Role, StepResult, TranscriptChunk

_VERSION = 1
TURN_GAP_S = 2.0
"""Two chunks of one side are one turn when no more silence than this and no other chunk's start lies between them."""
MIN_OVERTALK_S = 0.2
"""Shorter overlaps are the recogniser's padding, not talk over each other."""
MIN_INTERRUPTION_S = 0.8
"""A turn that begins while the other side talks and goes on this long after it stops is an interruption."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said until the other answered."""

    role: Role
    channel: int
    start_s: float
    end_s: float


def merged(spans: Sequence[Span]) -> list[Span]:
    """Union of the spans, in order, without overlaps."""
    union: list[Span] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def total(spans: Sequence[Span]) -> float:
    """Seconds covered by spans that do not overlap."""
    return sum(end - start for start, end in spans)


def intersection(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """The spans of time that both lists cover; each list is in order and without overlaps."""
    common: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if end > start:
            common.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return common


def turns_of(chunks: Sequence[TranscriptChunk]) -> list[Turn]:
    """Chunks in order of their start, with consecutive chunks of one side joined."""
    turns: list[Turn] = []
    for chunk in in_order(chunks):
        last = turns[-1] if turns else None
        if last is not None and last.channel == chunk.channel and chunk.start_s - last.end_s <= TURN_GAP_S:
            turns[-1] = Turn(last.role, last.channel, last.start_s, max(last.end_s, chunk.end_s))
        else:
            turns.append(Turn(chunk.role, chunk.channel, chunk.start_s, chunk.end_s))
    return turns


def measure(chunks: Sequence[TranscriptChunk], duration_s: float) -> Conversation:
    """Metrics of one call; at least one chunk, duration over 0. Words per minute are of speaking time."""
    spoken = [chunk for chunk in chunks if words(chunk.text)]
    by_channel: dict[int, list[Span]] = {}
    for chunk in spoken:
        by_channel.setdefault(chunk.channel, []).append((chunk.start_s, min(chunk.end_s, duration_s)))
    sides = {channel: merged(spans) for channel, spans in by_channel.items()}
    anyone = merged([span for spans in sides.values() for span in spans])
    quiet = _gaps(anyone, duration_s)
    turns = turns_of(spoken)
    two_sided = {chunk.role for chunk in spoken} >= {Role.AGENT, Role.CLIENT}
    interruptions = _interruptions(turns) if two_sided else {}
    talk = {role: _talk_s(spoken, role, duration_s) for role in (Role.AGENT, Role.CLIENT)}
    return Conversation(
        agent_talk_s=talk[Role.AGENT],
        client_talk_s=talk[Role.CLIENT],
        agent_talk_share=_share(talk[Role.AGENT], duration_s),
        client_talk_share=_share(talk[Role.CLIENT], duration_s),
        silence_s=_rounded(sum(quiet)),
        silence_share=_rounded(min(1.0, sum(quiet) / duration_s)),
        longest_silence_s=_rounded(max(quiet, default=0.0)),
        overtalk_s=_rounded(_overtalk_s(sides)),
        agent_interruptions=interruptions.get(Role.AGENT, 0) if two_sided else None,
        client_interruptions=interruptions.get(Role.CLIENT, 0) if two_sided else None,
        turns=len(turns),
        agent_words_per_minute=_words_per_minute(spoken, Role.AGENT, talk[Role.AGENT]),
        client_words_per_minute=_words_per_minute(spoken, Role.CLIENT, talk[Role.CLIENT]),
        agent_longest_turn_s=_longest(turns, Role.AGENT),
        client_longest_turn_s=_longest(turns, Role.CLIENT),
        first_response_s=_first_response_s(turns),
        extra=_extra(spoken, turns, anyone),
    )


def _rounded(value: float) -> float:
    return round(float(value), 3)


def _share(part: float | None, whole: float) -> float | None:
    return None if part is None else _rounded(min(1.0, part / whole))


def _gaps(spans: Sequence[Span], duration_s: float) -> list[float]:
    """Lengths of the stretches in 0..duration where nobody speaks."""
    edges = [(0.0, 0.0), *spans, (duration_s, duration_s)]
    return [later[0] - earlier[1] for earlier, later in pairwise(edges) if later[0] > earlier[1]]


def _talk_s(chunks: Sequence[TranscriptChunk], role: Role, duration_s: float) -> float | None:
    """None where no channel has this role (roles unknown, or that side never spoke on a one-sided recording)."""
    spans = [(chunk.start_s, min(chunk.end_s, duration_s)) for chunk in chunks if chunk.role == role]
    return _rounded(total(merged(spans))) if spans else None


def _overtalk_s(sides: Mapping[int, Sequence[Span]]) -> float:
    """Seconds in which at least two channels speak, overlaps under MIN_OVERTALK_S left out."""
    channels = sorted(sides)
    overlaps: list[Span] = []
    for place, one in enumerate(channels):
        for other in channels[place + 1 :]:
            overlaps.extend(
                span for span in intersection(sides[one], sides[other]) if span[1] - span[0] >= MIN_OVERTALK_S
            )
    return total(merged(overlaps))


def _interruptions(turns: Sequence[Turn]) -> dict[Role, int]:
    """Per role: turns begun while the other side spoke that went on after it had stopped."""
    counts = {Role.AGENT: 0, Role.CLIENT: 0}
    for turn in turns:
        if turn.role not in counts:
            continue
        cut_off = any(
            other.role in counts
            and other.role != turn.role
            and other.start_s < turn.start_s
            and other.end_s - turn.start_s >= MIN_OVERTALK_S
            and turn.end_s - other.end_s >= MIN_INTERRUPTION_S
            for other in turns
        )
        counts[turn.role] += cut_off
    return counts


def _words_per_minute(chunks: Sequence[TranscriptChunk], role: Role, talk_s: float | None) -> float | None:
    if not talk_s:
        return None
    count = sum(len(words(chunk.text)) for chunk in chunks if chunk.role == role)
    return round(count / talk_s * 60.0, 1)


def _longest(turns: Sequence[Turn], role: Role) -> float | None:
    lengths = [turn.end_s - turn.start_s for turn in turns if turn.role == role]
    return _rounded(max(lengths)) if lengths else None


def _first_response_s(turns: Sequence[Turn]) -> float | None:
    """From the end of the client's first turn to the agent's answer; 0 where the agent began before it ended."""
    first = next((place for place, turn in enumerate(turns) if turn.role == Role.CLIENT), None)
    if first is None:
        return None
    answer = next((turn for turn in turns[first + 1 :] if turn.role == Role.AGENT), None)
    return None if answer is None else _rounded(max(0.0, answer.start_s - turns[first].end_s))


def _extra(chunks: Sequence[TranscriptChunk], turns: Sequence[Turn], anyone: Sequence[Span]) -> dict[str, float]:
    """Word counts per role, the time of the first word, and the agent's share of the talk."""
    counts = {role: sum(len(words(c.text)) for c in chunks if c.role == role) for role in Role}
    extra = {f"{role.value}_words": float(count) for role, count in counts.items() if count}
    extra |= {f"{role.value}_turns": float(n) for role in Role if (n := sum(t.role == role for t in turns))}
    if anyone:
        extra["first_speech_s"] = _rounded(anyone[0][0])
    return extra


class ConversationStep:
    """The step `conversation`. Works in any language; needs no audio."""

    name = "conversation"
    needs_audio = False
    after: tuple[str, ...] = ()

    def fingerprint(self, call: CallForAnalysis) -> str:
        return fingerprint_of(self.name, _VERSION, call.transcript.fingerprint)

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        return [self._one(call) for call in calls]

    def _one(self, call: CallForAnalysis) -> StepResult:
        fingerprint = self.fingerprint(call)
        if not speaks(call) or call.duration_s <= 0:
            return missing(self.name, fingerprint, "nobody speaks in this call")
        payload = measure(call.transcript.chunks, call.duration_s)
        reason = None if payload.agent_talk_s is not None and payload.client_talk_s is not None else _one_sided(payload)
        return done(self.name, fingerprint, payload, reason=reason)

    def close(self) -> None:
        """Holds nothing."""


def _one_sided(payload: Conversation) -> str:
    absent = [
        role.value
        for role, value in ((Role.AGENT, payload.agent_talk_s), (Role.CLIENT, payload.client_talk_s))
        if value is None
    ]
    return f"no speech of role {' or '.join(absent)}: its columns are empty"
