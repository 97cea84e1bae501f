"""The step `summary`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.fingerprints import fingerprint_of
from analysis.llm.provider import LLMAnswer
from analysis.prompting import prompts_hash
from analysis.records import Evidence, Summary
from analysis.results import as_fallback, done, failed, missing, paid
from analysis.summary import asking
from analysis.summary.checking import read_summary
from analysis.summary.extractive import choose_lines, lines_of
from analysis.summary.promises import promises
from analysis.summary.templates import SummaryTemplate, call_values
from analysis.text import words
from analysis.topics.keywords import language_of
from analysis.topics.step import Completes
from pipeline.config.areas.language import SummarySettings
from pipeline.records import CallForAnalysis, StepResult

EXTRACTIVE = "extractive"
_VERSION = 1


class SummaryStep:
    """What was said and agreed: by a model as checked fields, else as the call's own lines."""

    name = "summary"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, settings: SummarySettings, router: Completes | None = None) -> None:
        """Raises ConfigurationError for a wrong template."""
        self._settings = settings
        self._router = router
        self._template = SummaryTemplate(settings)
        self._settings_content = settings.model_dump(mode="json")  # planning asks for every call there is

    def fingerprint(self, call: CallForAnalysis) -> str:
        by_model: tuple[object, ...] | None = None
        if self._router is not None:
            by_model = (self._router.models[0], prompts_hash(asking.NAMES), *self._template.of_call(call))
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.language,
            self._settings_content,
            by_model,
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        if self._router is None:
            return [self._extractive(call) for call in calls]
        return self._by_model(calls, self._router)

    def _by_model(self, calls: Sequence[CallForAnalysis], router: Completes) -> list[StepResult]:
        """All calls at once: notes of the long ones first, then one summary each."""
        waiting = asking.drafts(calls, self._settings)
        speaking = [
            (str(place), draft)
            for place, draft in enumerate(waiting)
            if any(words(chunk.text) for chunk in draft.call.transcript.chunks)
        ]
        self._shorten(speaking, router)
        ready = [(key, draft) for key, draft in speaking if draft.failed is None and draft.parts]
        requests = [asking.summary_request(draft, key, self._settings) for key, draft in ready]
        for (_, draft), answer in zip(ready, router.complete(requests), strict=True):
            draft.answers.append(answer)
            if answer.data is None:
                draft.failed = answer
        spoken = {id(draft) for _, draft in speaking}
        return [self._read(draft, router) if id(draft) in spoken else self._silent(draft.call) for draft in waiting]

    def _shorten(self, speaking: Sequence[tuple[str, asking.Draft]], router: Completes) -> None:
        """Map and reduce until each call fits one prompt."""
        for _ in asking.rounds():
            long = [(key, draft) for key, draft in speaking if len(draft.parts) > 1 and draft.failed is None]
            if not long:
                return
            requests = asking.note_requests(long)
            answers = dict(zip((request.key for request in requests), router.complete(requests), strict=True))
            for key, draft in long:
                own = [answers[f"{key}/{number}"] for number in range(len(draft.parts))]
                asking.take_notes(draft, own, self._settings)

    def _read(self, draft: asking.Draft, router: Completes) -> StepResult:
        fingerprint = self.fingerprint(draft.call)
        answers: Sequence[LLMAnswer] = draft.answers
        last = answers[-1] if answers else None
        if draft.failed is None and last is not None and last.data is not None:
            summary, note = read_summary(draft, last.data, self._settings)
            if summary is not None:
                text = self._template.render(summary, call_values(draft.call), draft.language)
                result = done(self.name, fingerprint, replace(summary, text=text), last.provider or "llm", note)
                return paid(result, *answers)
            reason = f"nothing of the model's summary is supported by the transcript: {note}"
        else:
            reason = (draft.failed.reason if draft.failed else None) or "the model took no notes"
        if router.extractive:
            return as_fallback(self._extractive(draft.call), reason, answers)
        result = failed(self.name, fingerprint, reason)
        return paid(result, *answers) if answers else result

    def _silent(self, call: CallForAnalysis) -> StepResult:
        return missing(self.name, self.fingerprint(call), "nobody speaks in this call")

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
        """Holds nothing; whoever built the router closes it."""
