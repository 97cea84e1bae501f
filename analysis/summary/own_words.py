"""The call's own sentences beside a model's: quoted where no verified statement tells what they say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from analysis.records import SummaryEvidence, SummaryPart
from analysis.summary.facts import SpokenFacts
from analysis.summary.templates import as_sentence
from analysis.text import content_stems, stop_words, words
from pipeline.records import Role, TranscriptChunk

_TOLD = 0.7
"""Share of a sentence's words that the statements must hold for it not to be quoted."""
_REASON_TOLD = 0.4
"""Of the reason, for which a model finds other words."""
_QUOTES = {"fr": ("« ", " »"), "de": ("„", "“")}
_SPEAKERS = {
    "fr": {Role.CLIENT: "Client", Role.AGENT: "Agent"},
    "de": {Role.CLIENT: "Kunde", Role.AGENT: "Mitarbeiter"},
}


@dataclass(frozen=True, slots=True)
class Told:
    """What verified statements and promises say."""

    texts: Sequence[str]
    parts: Collection[SummaryPart]
    """Those that a verified statement has."""
    language: str | None
    """Of the texts and of the call."""


def untold(own: Sequence[SummaryEvidence], told: Told) -> list[SummaryEvidence]:
    """Those of the sentences that nothing tells, by their figures and words; of a detail both question and answer."""
    facts = SpokenFacts([_as_chunk(place, text) for place, text in enumerate(told.texts)], told.language)
    stems = {stem for text in told.texts for stem in content_stems(text, told.language)}
    spoken, ordinary = {word for text in told.texts for word in words(text)}, stop_words(told.language)

    def is_told(one: SummaryEvidence) -> bool:
        if any(claim.kind in ("number", "date") for claim in facts.unsupported(one.text, told.language)):
            return False
        if one.part is SummaryPart.LINE:
            return True
        if one.part is SummaryPart.DETAIL:
            # "My checking account" is not told by "checked the account".
            return set(words(one.text)) - ordinary <= spoken
        if one.part in (SummaryPart.REASON, SummaryPart.OUTCOME) and one.part not in told.parts:
            return False  # a promise may hold the same words, but every summary has its reason and its outcome
        said = set(content_stems(one.text, told.language))
        return len(said & stems) >= (_REASON_TOLD if one.part is SummaryPart.REASON else _TOLD) * len(said)

    # A detail is a question with its answer: each stands for nothing without the other.
    details = [one for one in own if one.part is SummaryPart.DETAIL]
    wanted = [
        one for pair in zip(details[::2], details[1::2], strict=False) if not all(map(is_told, pair)) for one in pair
    ]
    parts = (SummaryPart.REASON, SummaryPart.DONE, SummaryPart.OUTCOME, SummaryPart.OPEN, SummaryPart.LINE)
    wanted += [one for one in own if one.part in parts and not is_told(one)]
    return sorted(wanted, key=lambda one: (one.start_s, one.channel))


def quoted(sentences: Sequence[SummaryEvidence], language: str | None) -> str:
    """Who said them, word for word; what one side says in a row stands together."""
    first, last = _QUOTES.get(language or "en", ("“", "”"))
    return " ".join(
        f"{_speaker(role, language)}: {first}{' '.join(as_sentence(one.text) for one in said)}{last}"
        for role, said in groupby(sentences, key=lambda one: one.role)
    )


def answers(sentences: Sequence[SummaryEvidence], language: str | None) -> Iterator[str]:
    """Each detail: a question with its answer."""
    for place in range(0, len(sentences) - 1, 2):
        yield quoted(sentences[place : place + 2], language)


def _speaker(role: Role, language: str | None) -> str:
    return _SPEAKERS.get(language or "en", {}).get(role, role.value.capitalize())


def _as_chunk(place: int, text: str) -> TranscriptChunk:
    return TranscriptChunk(
        channel=0, ordinal=place, role=Role.UNKNOWN, start_s=float(place), end_s=float(place) + 1.0, text=text
    )
