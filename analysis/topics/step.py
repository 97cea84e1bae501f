"""The step `topic`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from analysis.fingerprints import fingerprint_of
from analysis.glossary.choice import Catalogues
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import prompts_hash
from analysis.results import as_fallback, done, failed, missing, paid
from analysis.text import words
from analysis.topics import asking
from analysis.topics.keywords import METHOD as KEYWORDS
from analysis.topics.keywords import KeywordTopics
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, StepResult

_VERSION = 1


class Completes(Protocol):
    """What the step needs of `analysis.llm.router.Router`."""

    extractive: bool

    @property
    def models(self) -> tuple[str, ...]: ...

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]: ...


class Classifies(Protocol):
    """What the step needs of a trained model (`analysis.topics.trained`)."""

    identity: str

    def classify(self, calls: Sequence[CallForAnalysis]) -> Sequence[tuple[object | None, str | None]]: ...


@dataclass(frozen=True, slots=True)
class TopicMethods:
    """How topics are found, first choice first; keywords are always there."""

    router: Completes | None = None
    trained: Classifies | None = None


class TopicStep:
    """A label of the call's catalogue, never one outside it; none with the reason where nothing fits."""

    name = "topic"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, catalogues: Catalogues, settings: TopicSettings, methods: TopicMethods | None = None) -> None:
        self._catalogues = catalogues
        self._settings = settings
        self._methods = methods or TopicMethods()
        self._keywords = KeywordTopics(tuple(catalogues.by_segment.values()), settings)
        # Planning asks for the fingerprint of every call there is: what all of them share is worked out once.
        self._shared = (catalogues.content_hash, catalogues.when_unknown, settings.model_dump(mode="json"))

    def fingerprint(self, call: CallForAnalysis) -> str:
        router, trained = self._methods.router, self._methods.trained
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.customer_segment,
            call.metadata.language,
            *self._shared,
            (router.models[0], prompts_hash(asking.NAMES)) if router else None,
            trained.identity if trained else None,
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        if self._methods.router is not None:
            return self._by_model(calls, self._methods.router)
        if self._methods.trained is not None:
            return self._by_training(calls, self._methods.trained)
        return [self._by_keywords(call) for call in calls]

    def _by_keywords(self, call: CallForAnalysis) -> StepResult:
        segment = call.metadata.customer_segment
        topic, reason = self._keywords.classify(call, self._catalogues.for_call(segment))
        fingerprint = self.fingerprint(call)
        if topic is None:
            return missing(self.name, fingerprint, reason or "no topic", KEYWORDS)
        return done(self.name, fingerprint, topic, KEYWORDS)

    def _by_training(self, calls: Sequence[CallForAnalysis], trained: Classifies) -> list[StepResult]:
        results = []
        for call, (topic, reason) in zip(calls, trained.classify(calls), strict=True):
            fingerprint = self.fingerprint(call)
            if topic is None:
                results.append(missing(self.name, fingerprint, reason or "no topic", "trained"))
            else:
                results.append(done(self.name, fingerprint, topic, "trained"))
        return results

    def _by_model(self, calls: Sequence[CallForAnalysis], router: Completes) -> list[StepResult]:
        """Both questions for all calls at once, so that a local model decodes them together."""
        asked = asking.questions(calls, self._catalogues, self._settings)
        speaking = [
            (str(place), question)
            for place, question in enumerate(asked)
            if question.glossaries and any(words(chunk.text) for chunk in question.call.transcript.chunks)
        ]
        if self._settings.pre_summary:
            requests = [asking.account_request(question, key, self._settings) for key, question in speaking]
            for (_, question), answer in zip(speaking, router.complete(requests), strict=True):
                asking.take_account(question, answer, self._keywords)
        else:
            for _, question in speaking:
                asking.settle_catalogue(question, self._keywords)
        requests = [asking.topic_request(question, key, self._settings) for key, question in speaking]
        for (_, question), answer in zip(speaking, router.complete(requests), strict=True):
            question.answers.append(answer)
        places = {id(question) for _, question in speaking}
        return [
            self._read(question, router) if id(question) in places else self._silent(question) for question in asked
        ]

    def _silent(self, question: asking.Question) -> StepResult:
        fingerprint = self.fingerprint(question.call)
        if not question.glossaries:
            segment = question.call.metadata.customer_segment
            return missing(self.name, fingerprint, f"no glossary for customers of segment {segment}")
        return missing(self.name, fingerprint, "nobody speaks in this call")

    def _read(self, question: asking.Question, router: Completes) -> StepResult:
        answer = question.answers[-1]
        fingerprint = self.fingerprint(question.call)
        if answer.data is not None:
            topic = asking.read_topic(question, answer, self._settings)
            if topic is not None:
                return paid(done(self.name, fingerprint, topic, answer.provider or "llm"), *question.answers)
            answer = _refused(answer)
        if router.extractive:
            return as_fallback(self._by_keywords(question.call), answer.reason, question.answers)
        return paid(failed(self.name, fingerprint, answer.reason or "no answer"), *question.answers[:-1], answer)

    def close(self) -> None:
        """Holds nothing; whoever built the router closes it."""


def _refused(answer: LLMAnswer) -> LLMAnswer:
    return replace(answer, data=None, reason="the model's label is not in the glossary")
