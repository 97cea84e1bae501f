"""The step `topic`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.fingerprints import fingerprint_of
from analysis.glossary.choice import Catalogues
from analysis.results import done, missing
from analysis.topics.keywords import METHOD as KEYWORDS
from analysis.topics.keywords import KeywordTopics
from pipeline.config.language import TopicSettings
from pipeline.records import CallForAnalysis, StepResult

_VERSION = 1


class TopicStep:
    """A label of the call's catalogue, never one outside it; none with the reason where nothing fits."""

    name = "topic"
    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, catalogues: Catalogues, settings: TopicSettings) -> None:
        self._catalogues = catalogues
        self._settings = settings
        self._keywords = KeywordTopics(tuple(catalogues.by_segment.values()), settings)

    def fingerprint(self, call: CallForAnalysis) -> str:
        return fingerprint_of(
            self.name,
            _VERSION,
            call.transcript.fingerprint,
            call.metadata.customer_segment,
            call.metadata.language,
            self._catalogues.content_hash,
            self._catalogues.when_unknown,
            self._settings.model_dump(mode="json"),
        )

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        return [self._by_keywords(call) for call in calls]

    def _by_keywords(self, call: CallForAnalysis) -> StepResult:
        segment = call.metadata.customer_segment
        topic, reason = self._keywords.classify(call, self._catalogues.for_call(segment))
        fingerprint = self.fingerprint(call)
        if topic is None:
            return missing(self.name, fingerprint, reason or "no topic", KEYWORDS)
        return done(self.name, fingerprint, topic, KEYWORDS)

    def close(self) -> None:
        """Holds nothing."""
