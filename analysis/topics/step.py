"""The step `topic`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from analysis.asking import also_paid, ask_about, paid, unanswered
from analysis.calls import NOBODY_SPEAKS, language_of, speaks
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.fingerprints import Written, fingerprint_of
from analysis.glossary.catalogue import OTHER
from analysis.glossary.choice import Catalogues
from analysis.injection.sifting import Sifter
from analysis.injection.telling import told_of_doubt, told_of_orders
from analysis.llm.provider import Completes, LLMAnswer
from analysis.prompting import prompts_hash
from analysis.records import Topic
from analysis.results import done, missing
from analysis.topics.keywords import KeywordTopics
from analysis.topics.questions import (
    NAMES,
    Question,
    opening,
    read_terms,
    read_topic,
    terms_request,
    topic_request,
)
from analysis.topics.shortlist import shortlist
from analysis.topics.subtopics import with_reasons
from pipeline.config.areas.language import TopicSettings
from pipeline.config.influence import TOPIC, Result, counted, over
from pipeline.records import CallForAnalysis, StepResult

_VERSION, _VERSION_OF_QUESTIONS = 14, 1
"""Of what is found without a language model, and of what one is asked. 4 reads what the agent says is the matter, and
labels with their definitions; 5 what is denied in common words ("I didn't make that"); 6 that who talks on has not
misdialled; 7 a request after what was settled as another reason, and no subtopic where another is nearly as likely; 8
how much of a keyword is said, and narrowness by the nearest fifth of the labels; 9 a subtopic that leads the others;
10 names alone by the encoder, and what a lead in likeness says where labels are far apart; 11 leaves out what is said
to whoever sums the call up; 12 compares with what is found without what may be; 13
the two nearest examples, and how near the labels after the nearest are; 14 the dialogue as a whole, and what people
call about that no label is about."""
_FIRST = {"method": "auto", "trained": {"model_dir": None}}
"""Part of fingerprints since before settings were marked by their influence (`first_recipe`)."""
_LATER = {"scoring", "min_confidence", "min_confidence_of_second"}
"""Settings that there were none of then."""
_FORMER_PROMPTS = "29041679c1b963a1"
"""`prompts_hash` of what was asked while the whole glossary was in the prompt."""


class Classifies(Protocol):
    """What the step needs of a trained model (`analysis.topics.trained`)."""

    identity: str

    def classify(self, calls: Sequence[CallForAnalysis]) -> Sequence[tuple[Topic | None, str | None]]: ...


@dataclass(frozen=True, slots=True)
class TopicMethods:
    """How topics are found, first choice first; keywords are always there. Where a language model chooses, what the
    others would have chosen is told in the row if it is another topic."""

    router: Completes | None = None
    trained: Classifies | None = None
    former_model: str | None = None
    """What earlier versions called the router's first model, where that differs."""
    encoder: EncoderChoice = WITHOUT
    """Compares what is said with the labels: to choose one, or those that a model is asked about, and to show why."""


def _not_swayed(result: StepResult, without: StepResult) -> StepResult:
    """What is found in a call, unless what may be meant for a model makes a difference: then what is found without it.

    Where nothing is found without it, it stands and the row says so. Both were paid for.
    """
    first, second = result.payload, without.payload
    if not isinstance(first, Topic) or (isinstance(second, Topic) and _named(first) == _named(second)):
        return also_paid(result, without)
    if isinstance(second, Topic) and second.topic != OTHER:
        return told_of_orders(also_paid(without, result))
    return told_of_doubt(also_paid(result, without))


def _named(topic: Topic) -> tuple[str | None, ...]:
    return topic.topic, topic.subtopic, topic.second_topic, topic.second_subtopic


class TopicStep:
    """A label of the call's catalogue, never one outside it; none with the reason where nothing fits."""

    name = "topic"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, catalogues: Catalogues, settings: TopicSettings, methods: TopicMethods | None = None) -> None:
        self._catalogues = catalogues
        self._settings = settings
        self._methods = methods or TopicMethods()
        self._keywords = KeywordTopics(tuple(catalogues.by_segment.values()), settings, self._methods.encoder)
        # Planning asks for the fingerprint of every call, so what the calls share is computed once.
        self._options = Written.of(over(_FIRST, counted(settings, Result.TOPIC, inherited=TOPIC)))
        self._sifter = Sifter(self._methods.encoder, for_model=self._methods.router is not None)
        self._former_options = Written.of(settings.model_dump(mode="json", exclude=_LATER))

    def fingerprint(self, call: CallForAnalysis) -> str:
        router, encoder = self._methods.router, self._methods.encoder
        if router is None:
            return self._hash(call, self._options, encoder.identity)
        return self._hash(call, self._options, (router.models[0], prompts_hash(NAMES)))

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        """See `pipeline.ports.KnowsFormerResults`. What was found with the encoder stands while it is missing."""
        router = self._methods.router
        if router is None:
            return tuple(self._hash(call, self._options, identity) for identity in self._methods.encoder.accepted)
        # Answers to the former prompts were paid for: `--reprocess analysis` asks again.
        today, before = router.models[0], self._methods.former_model or router.models[0]
        return (
            self._hash(call, self._former_options, (before, _FORMER_PROMPTS)),
            self._hash(call, self._options, (today, _FORMER_PROMPTS)),
        )

    def _hash(self, call: CallForAnalysis, options: Written, made_by: str | tuple[str, str]) -> str:
        """`made_by`: the language model and the hash of its prompts; the sentence encoder where none is asked."""
        trained = self._methods.trained
        return fingerprint_of(
            self.name,
            _VERSION if isinstance(made_by, str) else _VERSION_OF_QUESTIONS,
            call.transcript.fingerprint,
            call.metadata.customer_segment,
            call.metadata.language,
            self._catalogues.content_hash,
            self._catalogues.when_unknown,
            options,
            made_by,
            # Beside a language model a trained one only has its say.
            trained.identity if trained and isinstance(made_by, str) else None,
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        sifted = [self._sifter.sift(call) for call in calls]
        surer = [each.surer for each in sifted if each.doubtful]
        found = self._results([*(each.call for each in sifted), *surer])
        without = iter(found[len(calls) :])
        kept = [
            _not_swayed(result, next(without)) if each.doubtful else result
            for each, result in zip(sifted, found, strict=False)
        ]
        return [told_of_orders(result) if each.orders else result for each, result in zip(sifted, kept, strict=True)]

    def _results(self, calls: Sequence[CallForAnalysis]) -> Sequence[StepResult]:
        if self._methods.router is not None:
            return self._by_model(calls, self._methods.router)
        if self._methods.trained is not None:
            found = self._methods.trained.classify(calls)
            return [self._found(call, topic, "trained", None) for call, topic in zip(calls, found, strict=True)]
        return [self._by_keywords(call) for call in calls]

    def _by_keywords(self, call: CallForAnalysis) -> StepResult:
        found = self._keywords.classify(call, self._catalogues.for_call(call.metadata.customer_segment))
        return self._found(call, found, self._keywords.method(call), self._keywords.note(call))

    def _found(
        self, call: CallForAnalysis, found: tuple[Topic | None, str | None], provider: str, note: str | None
    ) -> StepResult:
        """`note`: what the reader should know of a topic that was found."""
        topic, reason = found
        if topic is None:
            return missing(self.name, self.fingerprint(call), reason or "no topic", provider)
        return self._done(call, topic, provider, note)

    def _done(self, call: CallForAnalysis, topic: Topic, provider: str, note: str | None) -> StepResult:
        """Whatever chose it: a missing subtopic has its reason."""
        topic = with_reasons(topic, tuple(self._catalogues.by_segment.values()))
        return done(self.name, self.fingerprint(call), topic, provider, note)

    def _by_model(self, calls: Sequence[CallForAnalysis], router: Completes) -> list[StepResult]:
        """First the labels, for all calls at once; then words for the glossary, for the calls that fit none."""
        results = {number: self._unaskable(call) for number, call in enumerate(calls)}
        questions = {number: self._question(calls[number]) for number, result in results.items() if result is None}
        answers = ask_about(
            router, [*questions.values()], lambda question, key: topic_request(question, key, self._settings)
        )
        given = dict(zip(questions, ([answer] for answer in answers), strict=True))
        topics = {
            number: read_topic(question, given[number][0], self._settings, self._methods.encoder)
            for number, question in questions.items()
            if given[number][0].data is not None
        }
        chosen = self._with_terms(calls, topics, given, router)
        others = self._say_otherwise([calls[number] for number in chosen], [*chosen.values()])
        for (number, topic), disagrees in zip(chosen.items(), others, strict=True):
            answer = given[number][0]
            found = self._done(calls[number], topic, answer.provider or "llm", disagrees)
            results[number] = paid(found, *given[number])
        for number in questions.keys() - topics.keys():
            results[number] = self._unanswered(calls[number], given[number], router)
        return [result for result in results.values() if result is not None]

    def _question(self, call: CallForAnalysis) -> Question:
        settings = self._settings.scoring
        glossaries = self._catalogues.for_call(call.metadata.customer_segment)
        by_keywords, _ = self._keywords.classify(call, glossaries)
        topic = by_keywords.topic if by_keywords else None
        said, encoder = opening(call, settings.words), self._methods.encoder
        return Question(call, shortlist(said, language_of(call), glossaries, encoder, settings.shortlist, topic=topic))

    def _with_terms(
        self,
        calls: Sequence[CallForAnalysis],
        topics: dict[int, Topic],
        given: dict[int, list[LLMAnswer]],
        router: Completes,
    ) -> dict[int, Topic]:
        """The topics, those that are `other` with proposed terms. The answers are added to those `given`."""
        outside = [number for number, topic in topics.items() if topic.topic == OTHER]
        if not outside or self._settings.max_proposed_terms == 0:
            return topics
        asked = [calls[number] for number in outside]
        answers = ask_about(router, asked, lambda call, key: terms_request(call, key, self._settings))
        for number, answer in zip(outside, answers, strict=True):
            terms = read_terms(calls[number], answer, self._settings)
            topics[number] = replace(topics[number], proposed_terms=terms)
            if answer.data is not None:  # without terms the topic is still an answer
                given[number].append(answer)
        return topics

    def _say_otherwise(self, calls: Sequence[CallForAnalysis], topics: Sequence[Topic]) -> list[str | None]:
        """What each row says where the glossary's words or the trained model point to another topic than the model."""
        by_keywords = [
            self._keywords.classify(call, self._catalogues.for_call(call.metadata.customer_segment))[0]
            for call in calls
        ]
        trained = self._methods.trained
        by_trained = [found for found, _ in trained.classify(calls)] if trained else [None] * len(calls)
        told = []
        for topic, *others in zip(topics, by_keywords, by_trained, strict=True):
            differ = [
                f"{who} to another topic: {other.topic}"
                for who, other in zip(("keywords point", "the trained model points"), others, strict=True)
                if other is not None and other.topic != topic.topic
            ]
            told.append("; ".join(differ) or None)
        return told

    def _unaskable(self, call: CallForAnalysis) -> StepResult | None:
        """The result of a call about which nothing can be asked; None for any other call."""
        segment = call.metadata.customer_segment
        if not self._catalogues.for_call(segment):
            return missing(self.name, self.fingerprint(call), f"no glossary for customers of segment {segment}")
        return None if speaks(call) else missing(self.name, self.fingerprint(call), NOBODY_SPEAKS)

    def _unanswered(self, call: CallForAnalysis, answers: Sequence[LLMAnswer], router: Completes) -> StepResult:
        row = (self.name, self.fingerprint(call))
        return unanswered(router, row, answers[-1].reason, answers, lambda: self._by_keywords(call))

    def close(self) -> None:
        """Nothing to close: whoever built the router closes the router."""
