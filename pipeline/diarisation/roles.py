"""Which of two speakers is the agent: by phrases, by who speaks first, by who asks.

Evidence is added up as log likelihood ratios with weights from the configuration. They are set by hand, from what
the words mean, and not fitted to any calls: `bench/mono_roles.py` reports how often the answer is right and how
sure it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.config.areas.speech.diarisation import RoleSettings
from pipeline.diarisation.phrases import KINDS, SHIPPED, Kind, longest_said, plain, read_phrases
from pipeline.records import Direction, Role

_LATER_KINDS = tuple(kind for kind in KINDS if kind != "greeting")
_LARGEST = 6.0
"""No call is surer than this log ratio (99.8 %)."""
_QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "en": ("what", "which", "how", "when", "where", "who", "why", "can you", "could you", "can i", "may i", "do you",
           "did you", "are you", "is there", "would you", "will you", "have you"),
    "fr": ("que", "quel", "quelle", "comment", "quand", "ou est", "qui", "pourquoi", "combien", "est ce que",
           "pouvez vous", "pourriez vous", "puis je", "avez vous", "voulez vous"),
    "de": ("was", "welche", "welcher", "wie", "wann", "wo", "wer", "warum", "konnen sie", "konnten sie", "darf ich",
           "haben sie", "mochten sie", "kann ich"),
    "ar": ("ما", "ماذا", "كيف", "متي", "اين", "من", "لماذا", "هل", "كم", "واش", "شنو", "فين", "علاش"),
}  # fmt: skip
"""How questions begin, in the form of `plain`; recognisers often leave the question mark out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One chunk of one of the two speakers."""

    speaker: int
    start_s: float
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGuess:
    """Who is who, and how sure."""

    roles: tuple[Role, Role]
    """Roles of speakers 0 and 1; both unknown where nothing tells them apart."""
    confidence: float
    """Probability that the roles are right, 0.5 to 1."""
    evidence: tuple[str, ...]
    """The reasons, in words: `speaker 0 says "thank you for calling" (greeting)`."""


def guess_roles(chunks: Sequence[Said], settings: RoleSettings, direction: Direction | None = None) -> RoleGuess:
    """Roles of speakers 0 and 1. Both unknown at 0.5 when one speaker is silent or there is no evidence.

    Raises ConfigurationError for a phrases file that cannot be read.
    """
    spoken = sorted((chunk for chunk in chunks if plain(chunk.text)), key=lambda chunk: chunk.start_s)
    if {chunk.speaker for chunk in spoken} != {0, 1}:
        return RoleGuess(roles=(Role.UNKNOWN, Role.UNKNOWN), confidence=0.5, evidence=())
    evidence: list[str] = []
    score = (
        _of_phrases(spoken, settings, evidence)
        + _of_first(spoken[0], settings, direction, evidence)
        + _of_questions(spoken, settings, evidence)
    )
    score = min(max(score, -_LARGEST), _LARGEST)
    if abs(score) < 1e-9:
        return RoleGuess(roles=(Role.UNKNOWN, Role.UNKNOWN), confidence=0.5, evidence=tuple(evidence))
    roles = (Role.AGENT, Role.CLIENT) if score > 0 else (Role.CLIENT, Role.AGENT)
    return RoleGuess(roles=roles, confidence=1.0 / (1.0 + math.exp(-abs(score))), evidence=tuple(evidence))


def _of_phrases(spoken: Sequence[Said], settings: RoleSettings, evidence: list[str]) -> float:
    """Positive for speaker 0 as the agent.

    A chunk gives one phrase of a kind, the longest: phrases that resemble each other are not independent evidence.
    A phrase counts once for each speaker, and for neither when both say it.
    """
    phrases = read_phrases(settings.phrases_file or SHIPPED)
    found: dict[tuple[int, Kind], dict[str, None]] = {}
    for turn, chunk in zip(_turn_numbers(spoken), spoken, strict=True):
        languages = [chunk.language] if chunk.language in phrases else list(phrases)
        for kind in KINDS if turn < settings.opening_turns else _LATER_KINDS:
            known = tuple(phrase for language in languages for phrase in phrases[str(language)][kind])
            phrase = longest_said(plain(chunk.text), known, settings.min_similarity)
            if phrase is not None:
                found.setdefault((chunk.speaker, kind), {})[phrase] = None
    weights: dict[Kind, tuple[float, int]] = {
        "greeting": (settings.greeting_weight, 1),
        "service": (settings.service_weight, settings.max_count),
        "client": (-settings.client_weight, settings.max_count),
    }
    score = 0.0
    for (speaker, kind), said in sorted(found.items()):
        said_by_one = [phrase for phrase in said if phrase not in found.get((1 - speaker, kind), {})]
        weight, most = weights[kind]
        score += (1 if speaker == 0 else -1) * weight * min(len(said_by_one), most)
        evidence.extend(f'speaker {speaker} says "{phrase}" ({kind})' for phrase in said_by_one[:most])
    return score


def _of_first(first: Said, settings: RoleSettings, direction: Direction | None, evidence: list[str]) -> float:
    """The one who is called answers: the agent of an inbound call, the client of an outbound one."""
    if direction is Direction.INTERNAL or not settings.first_weight:
        return 0.0
    factor = {Direction.INBOUND: 1.0, Direction.OUTBOUND: -1.0}.get(direction, 0.5) if direction else 0.5
    evidence.append(f"speaker {first.speaker} speaks first ({direction.value if direction else 'direction unknown'})")
    return settings.first_weight * factor * (1 if first.speaker == 0 else -1)


def _of_questions(spoken: Sequence[Said], settings: RoleSettings, evidence: list[str]) -> float:
    """Agents ask more: compare the speakers' shares of chunks that are questions."""
    shares = []
    for speaker in (0, 1):
        own = [chunk for chunk in spoken if chunk.speaker == speaker]
        shares.append(sum(_is_question(chunk) for chunk in own) / len(own))
    if shares[0] != shares[1]:
        evidence.append(f"questions: {shares[0]:.0%} of speaker 0, {shares[1]:.0%} of speaker 1")
    return settings.question_weight * (shares[0] - shares[1])


def _is_question(chunk: Said) -> bool:
    if chunk.text.rstrip().endswith(("?", "؟")):
        return True
    text = f"{plain(chunk.text)} "
    languages = [chunk.language] if chunk.language in _QUESTIONS else list(_QUESTIONS)
    return any(text.startswith(f"{opening} ") for language in languages for opening in _QUESTIONS[str(language)])


def _turn_numbers(spoken: Sequence[Said]) -> list[int]:
    """The number of each chunk's turn, from 0: a turn ends where the other speaker begins."""
    numbers: list[int] = []
    for index, chunk in enumerate(spoken):
        new = index > 0 and spoken[index - 1].speaker != chunk.speaker
        numbers.append((numbers[-1] if numbers else 0) + new)
    return numbers
