"""The step `summary`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from analysis.asking import ask_about, paid, unanswered
from analysis.calls import language_of, speaks
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.fingerprints import fingerprint_of
from analysis.llm.provider import Completes, LLMAnswer
from analysis.prompting import prompts_hash
from analysis.records import Summary, SummaryEvidence, SummaryPart
from analysis.results import done, missing
from analysis.summary.checking import read_summary
from analysis.summary.drafts import MAX_ROUNDS, NAMES, Draft, draft_of, notes_request, summary_request, with_notes
from analysis.summary.extractive import choose_lines, lines_of
from analysis.summary.promises import promises
from analysis.summary.templates import SummaryTemplate, call_values
from pipeline.config.areas.language import SummarySettings
from pipeline.config.influence import SUMMARY, Result, counted, over
from pipeline.records import CallForAnalysis, StepResult

EXTRACTIVE = "extractive"
_VERSION = 1
_FIRST = {"method": "auto", "templates_dir": None}
"""Part of fingerprints since before settings were marked by their influence (`first_recipe`)."""


class SummaryStep:
    """What was said and agreed: by a model as checked fields, else as the call's own lines."""

    name = "summary"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(
        self,
        settings: SummarySettings,
        router: Completes | None = None,
        former_model: str | None = None,
        encoder: EncoderChoice = WITHOUT,
    ) -> None:
        """
        Args:
            settings: of the step.
            router: the language models; None where none is to be asked.
            former_model: what earlier versions called the router's first model, where that differs.
            encoder: of sentences, for summaries without a model.

        Raises:
            ConfigurationError: a wrong template.
        """
        self._settings = settings
        self._router = router
        self._former_model = former_model
        self._encoder = encoder
        self._template = SummaryTemplate(settings)
        # Planning asks for the fingerprint of every call, so what the calls share is computed once.
        self._options = over(_FIRST, counted(settings, Result.SUMMARY, inherited=SUMMARY))
        self._former_options = settings.model_dump(mode="json")

    def fingerprint(self, call: CallForAnalysis) -> str:
        return self._hash(call, self._options, self._router.models[0] if self._router else None)

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """See `pipeline.ports.KnowsFormerResults`."""
        model = (self._former_model or self._router.models[0]) if self._router else None
        return (self._hash(call, self._former_options, model),)

    def _hash(self, call: CallForAnalysis, options: Mapping[str, object], model: str | None) -> str:
        by_model: tuple[object, ...] | None = None
        if model is not None:
            by_model = (model, prompts_hash(NAMES), *self._template.of_call(call))
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.language,
            options,
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
        drafts = self._shortened([draft_of(call, self._settings) for call in calls if speaks(call)], router)
        askable = [draft for draft in drafts if draft.askable]
        answers = iter(ask_about(router, askable, lambda draft, key: summary_request(draft, key, self._settings)))
        results = iter([self._read(draft, next(answers) if draft.askable else None, router) for draft in drafts])
        return [next(results) if speaks(call) else self._silent(call) for call in calls]

    def _shortened(self, drafts: list[Draft], router: Completes) -> list[Draft]:
        """Map and reduce until each call fits one prompt."""
        for _ in range(MAX_ROUNDS):
            pieces = [(draft, part) for draft in drafts if draft.wants_notes for part in draft.parts]
            answers = iter(ask_about(router, pieces, lambda piece, key: notes_request(*piece, key)))
            drafts = [
                with_notes(draft, list(islice(answers, len(draft.parts))), self._settings)
                if draft.wants_notes
                else draft
                for draft in drafts
            ]
        return drafts

    def _read(self, draft: Draft, answer: LLMAnswer | None, router: Completes) -> StepResult:
        """`answer` is None where no summary could be requested because a piece has no notes."""
        fingerprint = self.fingerprint(draft.call)
        answers = draft.answers if answer is None else (*draft.answers, answer)
        failed = draft.failed or answer
        reason = failed.reason if failed else "the model took no notes"
        if answer is not None and answer.data is not None:
            summary, note = read_summary(draft, answer.data, self._settings)
            if summary is not None:
                text = self._template.render(summary, call_values(draft.call), draft.language)
                result = done(self.name, fingerprint, replace(summary, text=text), answer.provider or "llm", note)
                return paid(result, *answers)
            reason = f"nothing of the model's summary is supported by the transcript: {note}"
        return unanswered(router, (self.name, fingerprint), reason, answers, lambda: self._extractive(draft.call))

    def _silent(self, call: CallForAnalysis) -> StepResult:
        return missing(self.name, self.fingerprint(call), "nobody speaks in this call")

    def _extractive(self, call: CallForAnalysis) -> StepResult:
        fingerprint = self.fingerprint(call)
        language = language_of(call)
        settings = self._settings.extractive
        lines = lines_of(call.transcript.believed, language)
        if not lines:
            return missing(self.name, fingerprint, "nobody speaks in this call", EXTRACTIVE)
        chosen = choose_lines(lines, settings)
        summary = Summary(
            text="\n".join(f"{line.chunk.role.value}: {line.text}" for line in chosen),
            action_items=promises(lines, language, settings.max_action_items),
            evidence=tuple(
                SummaryEvidence(
                    part=SummaryPart.LINE,
                    text=line.text,
                    role=line.chunk.role,
                    start_s=line.chunk.start_s,
                    end_s=line.chunk.end_s,
                    channel=line.chunk.channel,
                    chunk=line.chunk.ordinal,
                )
                for line in chosen
            ),
            language=language,
        )
        return done(self.name, fingerprint, summary, EXTRACTIVE)

    def close(self) -> None:
        """Nothing to close: whoever built the router closes the router."""
