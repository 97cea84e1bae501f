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
from pipeline.roles import ROLE_NAMES

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

    statements: Sequence[str]
    promises: Sequence[str]
    parts: Collection[SummaryPart]
    """Those that a verified statement has."""
    language: str | None
    """Of the texts and of the call."""


def untold(own: Sequence[SummaryEvidence], told: Told) -> list[SummaryEvidence]:
    """Those of the sentences that nothing tells, by their figures and words; of a detail both question and answer, and
    of the reason all or none."""
    by_all = _Words([*told.statements, *told.promises], told.language)
    by_statements = _Words(told.statements, told.language)

    def is_told(sentence: SummaryEvidence) -> bool:
        if sentence.part is SummaryPart.LINE:
            return by_all.figures_of(sentence.text)
        if sentence.part is SummaryPart.DETAIL:
            # "My checking account" is not told by "checked the account".
            return by_all.figures_of(sentence.text) and by_all.every_word_of(sentence.text)
        # Every summary has its outcome, also where a promise holds the same words.
        known = by_statements if sentence.part is SummaryPart.OUTCOME else by_all
        return known.figures_of(sentence.text) and known.share_of(sentence.text) >= _TOLD

    reason = [sentence for sentence in own if sentence.part is SummaryPart.REASON]
    words_of_reason = " ".join(sentence.text for sentence in reason)
    if (
        SummaryPart.REASON in told.parts
        and by_all.figures_of(words_of_reason)
        and by_all.share_of(words_of_reason) >= _REASON_TOLD
    ):
        reason = []
    # A detail is a question with its answer: each stands for nothing without the other.
    details = [sentence for sentence in own if sentence.part is SummaryPart.DETAIL]
    pairs = zip(details[::2], details[1::2], strict=False)
    wanted = [*reason, *(sentence for pair in pairs if not all(map(is_told, pair)) for sentence in pair)]
    parts = (SummaryPart.DONE, SummaryPart.OUTCOME, SummaryPart.OPEN, SummaryPart.LINE)
    wanted += [sentence for sentence in own if sentence.part in parts and not is_told(sentence)]
    return sorted(wanted, key=lambda sentence: (sentence.start_s, sentence.channel))


class _Words:
    """What is said in these texts."""

    def __init__(self, texts: Sequence[str], language: str | None) -> None:
        self._language = language
        self._facts = SpokenFacts([_as_chunk(index, text) for index, text in enumerate(texts)], language)
        self._stems = {stem for text in texts for stem in content_stems(text, language)}
        self._words = {word for text in texts for word in words(text)}

    def figures_of(self, text: str) -> bool:
        """Whether every number and date of the text is said."""
        return not any(claim.kind in ("number", "date") for claim in self._facts.unsupported(text, self._language))

    def every_word_of(self, text: str) -> bool:
        return set(words(text)) - stop_words(self._language) <= self._words

    def share_of(self, text: str) -> float:
        """Of its words that carry meaning; 1 where there is none."""
        stems = set(content_stems(text, self._language))
        return len(stems & self._stems) / len(stems) if stems else 1.0


def quoted(sentences: Sequence[SummaryEvidence], language: str | None) -> str:
    """Who said them, word for word; what one side says in a row stands together."""
    first, last = _QUOTES.get(language or "en", ("“", "”"))
    return " ".join(
        f"{_speaker(role, language)}: {first}{' '.join(as_sentence(sentence.text) for sentence in said)}{last}"
        for role, said in groupby(sentences, key=lambda sentence: sentence.role)
    )


def answers(sentences: Sequence[SummaryEvidence], language: str | None) -> Iterator[str]:
    """Each detail: a question with its answer."""
    for index in range(0, len(sentences) - 1, 2):
        yield quoted(sentences[index : index + 2], language)


def _speaker(role: Role, language: str | None) -> str:
    return _SPEAKERS.get(language or "en", {}).get(role, ROLE_NAMES[role])


def _as_chunk(number: int, text: str) -> TranscriptChunk:
    return TranscriptChunk(
        channel=0, ordinal=number, role=Role.UNKNOWN, start_s=float(number), end_s=float(number) + 1.0, text=text
    )
