"""The step `topic`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from analysis.asking import ask_about, paid, unanswered
from analysis.calls import speaks
from analysis.fingerprints import fingerprint_of
from analysis.glossary.choice import Catalogues
from analysis.llm.provider import Completes, LLMAnswer
from analysis.prompting import prompts_hash
from analysis.records import Topic
from analysis.results import done, missing
from analysis.topics.keywords import METHOD as KEYWORDS
from analysis.topics.keywords import KeywordTopics
from analysis.topics.questions import NAMES, Question, account_request, question_about, read_topic, topic_request
from pipeline.config.areas.language import TopicSettings
from pipeline.config.influence import TOPIC, Result, counted, over
from pipeline.records import CallForAnalysis, StepResult

_VERSION = 1
_FIRST = {"method": "auto", "trained": {"model_dir": None}}
"""Part of fingerprints since before settings were marked by their influence (`first_recipe`)."""


class Classifies(Protocol):
    """What the step needs of a trained model (`analysis.topics.trained`)."""

    identity: str

    def classify(self, calls: Sequence[CallForAnalysis]) -> Sequence[tuple[Topic | None, str | None]]: ...


@dataclass(frozen=True, slots=True)
class TopicMethods:
    """How topics are found, first choice first; keywords are always there."""

    router: Completes | None = None
    trained: Classifies | None = None
    former_model: str | None = None
    """What earlier versions called the router's first model, where that differs."""


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
        # Planning asks for the fingerprint of every call, so what the calls share is computed once.
        self._options = over(_FIRST, counted(settings, Result.TOPIC, inherited=TOPIC))
        self._former_options = settings.model_dump(mode="json")

    def fingerprint(self, call: CallForAnalysis) -> str:
        router = self._methods.router
        return self._hash(call, self._options, router.models[0] if router else None)

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """See `pipeline.ports.KnowsFormerResults`."""
        router = self._methods.router
        model = (self._methods.former_model or router.models[0]) if router else None
        return (self._hash(call, self._former_options, model),)

    def _hash(self, call: CallForAnalysis, options: Mapping[str, object], model: str | None) -> str:
        trained = self._methods.trained
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.customer_segment,
            call.metadata.language,
            self._catalogues.content_hash,
            self._catalogues.when_unknown,
            options,
            (model, prompts_hash(NAMES)) if model else None,
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
            found = self._methods.trained.classify(calls)
            return [self._found(call, topic, "trained") for call, topic in zip(calls, found, strict=True)]
        return [self._by_keywords(call) for call in calls]

    def _by_keywords(self, call: CallForAnalysis) -> StepResult:
        segment = call.metadata.customer_segment
        return self._found(call, self._keywords.classify(call, self._catalogues.for_call(segment)), KEYWORDS)

    def _found(self, call: CallForAnalysis, found: tuple[Topic | None, str | None], provider: str) -> StepResult:
        topic, reason = found
        if topic is None:
            return missing(self.name, self.fingerprint(call), reason or "no topic", provider)
        return done(self.name, self.fingerprint(call), topic, provider)

    def _by_model(self, calls: Sequence[CallForAnalysis], router: Completes) -> list[StepResult]:
        """First accounts, where they are wanted, then topics; each for all calls at once."""
        results = {number: self._unaskable(call) for number, call in enumerate(calls)}
        places = [number for number, result in results.items() if result is None]
        askable = [calls[number] for number in places]
        accounts: Sequence[LLMAnswer | None] = [None] * len(askable)
        if self._settings.pre_summary:
            accounts = ask_about(
                router, askable, lambda call, key: account_request(call, key, self._catalogues, self._settings)
            )
        questions = [
            question_about(call, account, self._catalogues, self._keywords)
            for call, account in zip(askable, accounts, strict=True)
        ]
        answers = ask_about(router, questions, lambda question, key: topic_request(question, key, self._settings))
        for number, question, answer in zip(places, questions, answers, strict=True):
            results[number] = self._read(question, answer, router)
        return [result for result in results.values() if result is not None]

    def _unaskable(self, call: CallForAnalysis) -> StepResult | None:
        """The result of a call about which nothing can be asked; None for any other call."""
        segment = call.metadata.customer_segment
        if not self._catalogues.for_call(segment):
            return missing(self.name, self.fingerprint(call), f"no glossary for customers of segment {segment}")
        return None if speaks(call) else missing(self.name, self.fingerprint(call), "nobody speaks in this call")

    def _read(self, question: Question, answer: LLMAnswer, router: Completes) -> StepResult:
        answers = [given for given in (question.account, answer) if given is not None]
        fingerprint = self.fingerprint(question.call)
        reason = answer.reason
        if answer.data is not None:
            topic = read_topic(question, answer, self._settings)
            if topic is not None:
                return paid(done(self.name, fingerprint, topic, answer.provider or "llm"), *answers)
            reason = "the model's label is not in the glossary"
        return unanswered(router, (self.name, fingerprint), reason, answers, lambda: self._by_keywords(question.call))

    def close(self) -> None:
        """Nothing to close: whoever built the router closes the router."""
