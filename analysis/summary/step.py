"""The step `summary`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis.asking import ask_about, paid, unanswered
from analysis.calls import NOBODY_SPEAKS, language_of, speaks
from analysis.encoder.vectors import WITHOUT, EncoderChoice, SentenceEncoder
from analysis.fingerprints import Written, fingerprint_of
from analysis.injection.sifting import Sifted, Sifter
from analysis.injection.telling import told_of_doubt, told_of_orders
from analysis.llm.provider import Completes, LLMAnswer, LLMRequest
from analysis.prompting import prompts_hash
from analysis.records import Summary, SummaryEvidence, SummaryPart
from analysis.results import done, missing
from analysis.summary.composing import Composed, as_far_as_written, compose, wants_model_promises
from analysis.summary.drafts import (
    NAMES,
    Draft,
    Piece,
    draft_of,
    first_failure,
    in_order_of_need,
    out_of_time,
    parts_not_read,
    promises_request,
    text_request,
)
from analysis.summary.extractive import choose_lines, lines_of
from analysis.summary.language_check import language_that_came
from analysis.summary.promises import promises_in
from analysis.summary.reading.substance import Substance
from analysis.summary.spoken import is_english, spoken_summary
from analysis.summary.templates import SummaryTemplate, call_values
from pipeline.config.areas.language import SummarySettings
from pipeline.config.influence import SUMMARY, Result, counted, over
from pipeline.records import CallForAnalysis, StepResult

EXTRACTIVE = "extractive"
_VERSION = 9
"""Of summaries by a model: 2 checks more of who did what; 3 asks about all parts of a long call at
once, in one form; 4 checks who confirms, and what is only announced; 5 has the call's own sentences where
a statement is not verified, a point with its time for each part of a long call, and drops only what is contradicted;
6 promises only what is still to be done; 7 leaves out what is said to whoever sums the call up, 8 says so of more;
9 has promises by what was learned, too."""
_EXTRACTIVE_VERSION = 10
"""Of summaries without a model: the method, not its settings, encoder and template, which count by themselves. 3 hears
that something works again; 4 what is dictated for the matter, and no recorded greeting; 5 who calls is no reason, and
what the client is told to do no outcome; 6 cuts sentences at commas that stand for stops; 7 tells only what is still
to be done as promised, and no reason or outcome where nobody is spoken to; 8 leaves out what is said to whoever sums
the call up, 9 says where it quotes what may be; 10 has promises by what was learned, too."""
_FIRST = {"method": "auto", "templates_dir": None}
"""Part of fingerprints since before settings were marked by their influence (`first_recipe`)."""


def _told(sifted: Sifted, result: StepResult) -> StepResult:
    """With what its row has to say of words that may be meant for whoever sums the call up."""
    summary = result.payload
    if isinstance(summary, Summary) and sifted.doubts(sentence.text for sentence in summary.evidence):
        result = told_of_doubt(result)
    return told_of_orders(result) if sifted.orders else result


class SummaryStep:
    """What was said and agreed: by a model as checked fields, else as the call's own lines."""

    name = "summary"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(
        self,
        settings: SummarySettings,
        router: Completes | None = None,
        encoder: EncoderChoice = WITHOUT,
    ) -> None:
        """
        Args:
            settings: of the step.
            router: the language models; None where none is to be asked.
            encoder: of sentences, for summaries without a model.

        Raises:
            ConfigurationError: a wrong template.
        """
        self._settings = settings
        self._router = router
        self._encoder = encoder
        self._sifter = Sifter(encoder)
        self._template = SummaryTemplate(settings)
        self._spoken_template = SummaryTemplate(settings, settings.extractive.template)
        self._substance = Substance(encoder.encoder) if encoder.encoder is not None else None
        # Planning asks for the fingerprint of every call, so what the calls share is computed once.
        self._options = Written.of(over(_FIRST, counted(settings, Result.SUMMARY, inherited=SUMMARY)))

    def fingerprint(self, call: CallForAnalysis) -> str:
        if self._router is None:
            return self._extractive_hash(call, self._encoder.identity)
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.language,
            self._options,
            (self._router.models[0], prompts_hash(NAMES), *self._template.of_call(call)),
        )

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """See `pipeline.ports.KnowsFormerResults`."""
        if self._router is None:
            return tuple(self._extractive_hash(call, identity) for identity in self._encoder.accepted[1:])
        return ()

    def _extractive_hash(self, call: CallForAnalysis, encoder: str) -> str:
        return fingerprint_of(
            self.name,
            EXTRACTIVE,
            _EXTRACTIVE_VERSION,
            call.transcript.fingerprint,
            call.metadata.language,
            self._options,
            encoder,
            *self._spoken_template.of_call(call),
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        sifted = [self._sifter.sift(call) for call in calls]
        if self._router is not None:
            return self._by_model(sifted, self._router)
        return [_told(each, self._extractive(each.call)) for each in sifted]

    def _by_model(self, sifted: Sequence[Sifted], router: Completes) -> list[StepResult]:
        """The texts of all calls; then promises, where they are asked of the model."""
        spoken = [each for each in sifted if speaks(each.call)]
        drafts = [draft_of(each.call, self._settings) for each in spoken]
        texts = self._asked(drafts, router, lambda piece, key: text_request(piece, key, self._settings), {})
        asking = [draft for draft in drafts if wants_model_promises(draft)]
        items = self._asked(asking, router, lambda piece, key: promises_request(piece, key, self._settings), texts)
        results = {
            id(each): self._read(draft, each, (texts[id(draft)], items.get(id(draft), [])), router)
            for each, draft in zip(spoken, drafts, strict=True)
        }
        return [_told(each, results.get(id(each)) or self._silent(each.call)) for each in sifted]

    def _asked(
        self,
        drafts: Sequence[Draft],
        router: Completes,
        request: Callable[[Piece, str], LLMRequest],
        before: Mapping[int, Sequence[LLMAnswer]],
    ) -> dict[int, list[LLMAnswer]]:
        """The answers about each draft, in the order of its pieces; all pieces of a call have its time together.

        All are asked in one go: a model on this machine writes many answers nearly as fast as one.

        Args:
            before: answers about the same calls whose time counts.
        """
        ranked = [
            (number, draft, rank, piece)
            for number, draft in enumerate(drafts)
            for rank, piece in enumerate(in_order_of_need(draft))
        ]

        def within_time(asked: tuple[int, Draft, int, Piece], key: str) -> LLMRequest:
            number, draft, rank, piece = asked
            spent = sum(answer.share_s for answer in before.get(id(draft), ()))
            return replace(request(piece, key), spent_s=spent, about=str(number), need=rank)

        found: dict[int, dict[int, LLMAnswer]] = {id(draft): {} for draft in drafts}
        for (_, draft, _, piece), answer in zip(ranked, ask_about(router, ranked, within_time), strict=True):
            found[id(draft)][piece.number] = answer
        return {draft: [answers[number] for number in sorted(answers)] for draft, answers in found.items()}

    def _read(
        self, draft: Draft, sifted: Sifted, given: tuple[Sequence[LLMAnswer], Sequence[LLMAnswer]], router: Completes
    ) -> StepResult:
        """`given`: the texts, and the promises where they were asked for."""
        fingerprint = self.fingerprint(draft.call)
        texts, items = given
        answers = (*texts, *items)
        without_model = lambda: self._extractive(draft.call)  # noqa: E731
        failure = first_failure(texts)
        partly = out_of_time(texts)
        if failure is not None and not partly:
            return unanswered(router, (self.name, fingerprint), failure.reason, answers, without_model)
        said = [as_far_as_written(answer) for answer in texts]
        other = language_that_came([str(text) for fields in said for text in fields.values()], draft.language)
        if other is not None:
            reason = f"the model wrote in {other}, not in {draft.language}"
            return unanswered(router, (self.name, fingerprint), reason, answers, without_model)
        promised = [item for answer in items for item in (answer.data or {}).get("promises", ())] if items else None
        composed = self._composed(draft, said, promised, sifted)
        steered = composed.orders and sifted.doubted is not None
        if composed.orders and sifted.doubted is not None:
            draft = draft.by(sifted.doubted.call)
            composed = self._composed(draft, said, promised, sifted.doubted)
        if composed.summary is None:
            # Asked again the model would say the same: the call's own sentences stand, and no later run asks.
            reason = f"nothing of the model's summary is supported by the transcript: {composed.note}"
            own_words = replace(self._extractive(draft.call), reason=None)
            stands = replace(paid(own_words, *answers), provider=EXTRACTIVE, model=None, reason=reason)
            return told_of_orders(stands) if steered else stands
        text = self._template.render(composed.summary, call_values(draft.call), draft.language)
        summary, note = replace(composed.summary, text=text), composed.note
        if partly:
            # Of the unread parts nothing is owed to a later run: on the same machine it would have no more time.
            note = "; ".join(filter(None, (parts_not_read(texts), note)))
            summary = replace(summary, flags=(*summary.flags, "parts_not_read"))
        read_ones = [answer for answer in answers if answer.data is not None]
        result = done(self.name, fingerprint, summary, read_ones[-1].provider or "llm", note)
        return paid(told_of_orders(result) if steered else result, *read_ones)

    def _composed(
        self,
        draft: Draft,
        said: Sequence[Mapping[str, Any]],
        items: Sequence[Mapping[str, Any]] | None,
        sifted: Sifted,
    ) -> Composed:
        """Promises in English calls are told with what was learned, where the encoder knows English."""
        knows = self._encoder.for_language(language_of(draft.call) or "en") is not None
        encoder, own = self._encoder_for(draft), self._own_sentences(draft)
        substance = self._substance if knows else None
        return compose(draft, said, self._settings, encoder, items=items, own=own, sifted=sifted, substance=substance)

    def _own_sentences(self, draft: Draft) -> list[Sequence[SummaryEvidence]]:
        """Those that sum each part of the call up without a model."""
        calls = [draft.call]
        if len(draft.parts) > 1:
            transcript = draft.call.transcript
            calls = [replace(draft.call, transcript=replace(transcript, chunks=chunks)) for chunks in draft.chunks]
        without_model = (self._extractive(call).payload for call in calls)
        return [summary.evidence if isinstance(summary, Summary) else () for summary in without_model]

    def _encoder_for(self, draft: Draft) -> SentenceEncoder | None:
        """The encoder, where it knows both the call's language and the summary's."""
        spoken = self._encoder.for_language(language_of(draft.call))
        return spoken if self._encoder.for_language(draft.language) is not None else None

    def _silent(self, call: CallForAnalysis) -> StepResult:
        return missing(self.name, self.fingerprint(call), NOBODY_SPEAKS)

    def _extractive(self, call: CallForAnalysis) -> StepResult:
        fingerprint = self.fingerprint(call)
        chunks, language = call.transcript.believed, language_of(call)
        if not speaks(call):
            return missing(self.name, fingerprint, NOBODY_SPEAKS, EXTRACTIVE)
        if not is_english(chunks, language):
            return self._lines(
                call, f"the parts of a summary are told apart in English only, not in {language or 'this'}"
            )
        if self._substance is None:
            return self._lines(call, f"without the sentence encoder parts are not told apart ({self._encoder.reason})")
        if self._encoder.for_language(language or "en") is None:
            return self._lines(call, "the sentence encoder does not know English, so parts are not told apart")
        summary, note = spoken_summary(chunks, self._substance, self._settings.extractive)
        if summary is None:
            return missing(self.name, fingerprint, note or "no summary", EXTRACTIVE)
        text = self._spoken_template.render(summary, call_values(call), "en")
        return done(self.name, fingerprint, replace(summary, text=text), EXTRACTIVE, note)

    def _lines(self, call: CallForAnalysis, why: str) -> StepResult:
        """The lines that sum the call up, without telling apart what they say to it."""
        chunks, language = call.transcript.believed, language_of(call)
        settings = self._settings.extractive
        chosen = choose_lines(lines_of(chunks, language), settings)
        items = promises_in(chunks, "en", settings.max_action_items) if is_english(chunks, language) else ()
        summary = Summary(
            text="\n".join(f"{line.chunk.role.value}: {line.text}" for line in chosen),
            action_items=items,
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
            flags=("parts_not_told",),
        )
        return done(self.name, self.fingerprint(call), summary, EXTRACTIVE, why)

    def close(self) -> None:
        """Nothing to close: whoever built the router closes the router."""
