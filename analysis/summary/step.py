"""The step `summary`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.fingerprints import fingerprint_of
from analysis.records import Evidence, Summary
from analysis.results import done, missing
from analysis.summary.extractive import choose_lines, lines_of
from analysis.summary.promises import promises
from analysis.topics.keywords import language_of
from pipeline.config.language import SummarySettings
from pipeline.records import CallForAnalysis, StepResult

EXTRACTIVE = "extractive"
_VERSION = 1


class SummaryStep:
    """What was said and agreed."""

    name = "summary"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, settings: SummarySettings) -> None:
        self._settings = settings

    def fingerprint(self, call: CallForAnalysis) -> str:
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.language,
            self._settings.model_dump(mode="json"),
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        return [self._extractive(call) for call in calls]

    def _extractive(self, call: CallForAnalysis) -> StepResult:
        fingerprint = self.fingerprint(call)
        language = language_of(call)
        settings = self._settings.extractive
        lines = lines_of(call.transcript.chunks, language)
        if not lines:
            return missing(self.name, fingerprint, "nobody speaks in this call", EXTRACTIVE)
        chosen = choose_lines(lines, settings)
        summary = Summary(
            text="\n".join(f"{line.chunk.role.value}: {line.text}" for line in chosen),
            action_items=promises(lines, language, settings.max_action_items),
            evidence=tuple(
                Evidence(
                    quote=line.text,
                    channel=line.chunk.channel,
                    ordinal=line.chunk.ordinal,
                    start_s=line.chunk.start_s,
                )
                for line in chosen
            ),
            language=language,
        )
        return done(self.name, fingerprint, summary, EXTRACTIVE)

    def close(self) -> None:
        """Holds nothing."""
