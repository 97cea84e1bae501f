"""The step `rules`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.calls import language_of
from analysis.fingerprints import fingerprint_of
from analysis.results import done
from analysis.rules.book import RuleFile
from analysis.rules.heard import Heard
from analysis.rules.judge import judge_call
from analysis.rules.scorecards import score
from pipeline.records import CallForAnalysis, StepResult

_VERSION = 1
_VERSION_FRENCH = 2
"""Elisions are spelled out."""


class RulesStep:
    """Judges every rule of the rule file; reads words, moods, topic and the figures of the talk."""

    name = "rules"
    needs_audio = False
    after: tuple[str, ...] = ("text", "fusion", "topic", "conversation")

    def __init__(self, book: RuleFile) -> None:
        self._book = book
        self._rules_hash = fingerprint_of(book.model_dump(mode="json", exclude={"lists"}, exclude_defaults=True))

    def fingerprint(self, call: CallForAnalysis) -> str:
        """Comments, order of keys and shared lists of the file count only by what they make the rules say."""
        method = (_VERSION, _VERSION_FRENCH) if language_of(call) == "fr" else (_VERSION,)
        return fingerprint_of(self.name, *method, self._rules_hash, call.transcript.fingerprint)

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        return [self._of_call(call, known) for call, known in zip(calls, earlier, strict=True)]

    def _of_call(self, call: CallForAnalysis, known: Mapping[str, StepResult]) -> StepResult:
        attention, verdicts = judge_call(self._book, Heard(call, known))
        scored = tuple(score(card, verdicts) for card in self._book.scorecards)
        return done(self.name, self.fingerprint(call), replace(attention, scorecards=scored))

    def close(self) -> None:
        """Holds nothing."""
