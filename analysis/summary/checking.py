"""Statements of a summary, compared with the transcript: what nobody said or did is dropped or marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from analysis.calls import language_of
from analysis.encoder.vectors import SentenceEncoder
from analysis.injection.patterns import gives_orders
from analysis.injection.sifting import Sifted
from analysis.summary.facts import Claim, SpokenFacts
from analysis.summary.support.figures import without_idioms
from analysis.summary.support.heard import Utterance
from analysis.summary.support.verdict import Judge, Verdict, reads
from analysis.text import content_stems, words
from pipeline.records import ORDERS_FLAG, CallForAnalysis, Role, TranscriptChunk

_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]*_\d+\]")
_WORDS = {
    "other_did": "the other side did it",
    "other_said": "the other side said it",
    "unsaid": "nobody said such a thing",
    "false_denial": "nobody denied it",
    "owner": "it is the other side's",
    "turned_round": "it went the other way round",
    "opposite": "the call says the opposite",
    "open": "it was only asked for",
    "to_come": "it was only announced",
    "denied": "the call says that it is not so",
    "refused": "it was asked, and answered with no",
    "miscounted": "the number belongs to something else",
    "misdated": "the time belongs to something else",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement and what became of it."""

    text: str
    verdict: Verdict
    probability: float | None
    """0..1, that the call supports it; None where only its facts were compared."""
    reasons: tuple[str, ...] = ()
    """What is wrong with it, without its words: reasons hold no words of a reply."""
    flags: tuple[str, ...] = ()
    strange: float = 1.0
    """0..1: 1 where a word of it has nothing like it in the call, or where that was not looked for."""
    subject: Role | None = None
    """Whom it is about."""
    said_in: Utterance | None = None
    """The sentence of the call nearest to it; None where that is not looked for."""


def _one_role(text: str) -> str:
    """Its words, with one name for who calls."""
    return " ".join("client" if word in ("caller", "customer") else word for word in words(text))


def _stems(texts: Iterable[str], language: str | None) -> frozenset[str]:
    return frozenset(stem for text in texts for stem in content_stems(text, language))


def _part(call: CallForAnalysis, numbers: Set[tuple[int, int]]) -> CallForAnalysis:
    chunks = tuple(chunk for chunk in call.transcript.chunks if (chunk.channel, chunk.ordinal) in numbers)
    return replace(call, transcript=replace(call.transcript, chunks=chunks))


class StatementChecker:
    """Checks statements about one call, in their order: `she` is whom the one before was about."""

    def __init__(
        self,
        call: CallForAnalysis,
        language: str | None,
        encoder: SentenceEncoder | None,
        sifted: Sifted | None = None,
    ) -> None:
        """
        Args:
            call: whose transcript they are about.
            language: of the statements, ISO 639-1; None is taken for English.
            encoder: where it knows the languages of both.
            sifted: tells what may be meant for whoever sums the call up: what only that bears out is not verified, and
                what nobody but that speaks of is dropped.
        """
        self._of = (call, language, encoder, sifted)
        metadata = call.metadata
        also = [metadata.agent_id] if metadata.agent_id else []
        self._facts = SpokenFacts(call.transcript.believed, language_of(call), also)
        self._language = language
        self.reads = reads(language) and reads(language_of(call))
        """Whether who did what is compared, beyond numbers, dates, names and links."""
        self._judge = Judge(call.transcript.believed, (language or "en")[:2], encoder) if self.reads else None
        self._before: Role | None = None
        doubted = sifted.doubted if sifted is not None and self.reads else None
        self._surer = StatementChecker(doubted.call, language, encoder) if doubted is not None else None
        said_to_it = sifted.left_out if sifted is not None else ()
        said = (chunk.text for chunk in call.transcript.believed)
        self._ordered = _stems(said_to_it, language) - _stems(said, language) if said_to_it else frozenset()
        """What only whoever sums the call up was told of."""
        self._said = " / ".join(f" {_one_role(chunk.text)} " for chunk in call.transcript.believed)

    def within(self, chunks: Sequence[TranscriptChunk]) -> StatementChecker:
        """The same for statements about these chunks alone."""
        call, language, encoder, sifted = self._of
        numbers = {(chunk.channel, chunk.ordinal) for chunk in chunks}
        part = _part(call, numbers)
        if sifted is not None:
            surer = part if sifted.surer is sifted.call else _part(sifted.surer, numbers)
            sifted = replace(sifted, call=part, surer=surer)
        return StatementChecker(part, language, encoder, sifted)

    def check(self, text: str) -> Checked:
        found = self._checked(text)
        if found.verdict is Verdict.NOT_VERIFIED and self._ordered & set(content_stems(text, self._language)):
            why = ("nobody says so but to whoever sums the call up",)
            return replace(found, verdict=Verdict.CONTRADICTED, reasons=why)
        return found

    def _checked(self, text: str) -> Checked:
        if gives_orders(text):
            why = ("it repeats words meant for a language model",)
            return Checked(text, Verdict.CONTRADICTED, 0.0 if self.reads else None, why, (ORDERS_FLAG,))
        without = self._surer.check(text) if self._surer is not None else None
        faults = self.unsupported(text)
        flags = tuple(dict.fromkeys(f"unsupported_{fault.kind}" for fault in faults))
        reasons = tuple(dict.fromkeys(f"a {fault.kind} that is not in the transcript" for fault in faults))
        if self._judge is None:
            verdict = Verdict.CONTRADICTED if faults else Verdict.NOT_VERIFIED
            return Checked(text, verdict, None, reasons, flags)
        judged = self._judge.judge(text, self._before)
        self._before = judged.subject
        found = Checked(text, judged.verdict, judged.probability, strange=judged.strange, subject=judged.subject,
                        said_in=judged.said_in)  # fmt: skip
        if faults:
            return replace(found, verdict=Verdict.CONTRADICTED, probability=0.0, reasons=reasons, flags=flags)
        if judged.verdict is Verdict.SUPPORTED:
            if without is None or without.verdict is Verdict.SUPPORTED:
                return found
            # Words meant for the model would otherwise vouch for what they made it write.
            why = ("only words that may be meant for whoever sums the call up say so",)
            return replace(found, verdict=Verdict.NOT_VERIFIED, reasons=why, flags=(ORDERS_FLAG,))
        reasons = tuple(_WORDS[fault] for fault in judged.faults) or ("too little of it was said",)
        return replace(found, reasons=reasons, flags=("unsupported_statement",))

    def repeats(self, text: str) -> bool:
        """Whether it is word for word what somebody said, whatever the caller is called."""
        return f" {_one_role(text)} " in self._said

    def unsupported(self, text: str) -> list[Claim]:
        """Numbers, dates, names and links that nobody said."""
        # A placeholder stands for something that was said; its name and number are not claims.
        return self._facts.unsupported(without_idioms(_PLACEHOLDER.sub(" ", text)), self._language)
