"""Topic by the glossary's words alone: the best match, or none with the reason, and the lines that show it."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.calls import language_of, speaks
from analysis.evidence import find_quote
from analysis.glossary.catalogue import Glossary
from analysis.records import Evidence, Topic
from analysis.text import sentences
from analysis.topics.matching import NOT_SPACED, Candidate, TopicMatcher, counted_words
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, Role, TranscriptChunk

METHOD = "keywords"


class KeywordTopics:
    """Matches calls with the catalogues it was given."""

    def __init__(self, glossaries: Sequence[Glossary], settings: TopicSettings) -> None:
        self._matchers = {glossary.name: TopicMatcher(glossary, settings.keywords) for glossary in glossaries}
        self._settings = settings

    def classify(self, call: CallForAnalysis, glossaries: Sequence[Glossary]) -> tuple[Topic | None, str | None]:
        """The topic, or None with the reason. Of several catalogues the one that matches best is taken."""
        language = language_of(call)
        if language in NOT_SPACED:
            return None, f"keywords cannot be matched in {language}: it is written without spaces between words"
        fitting = [glossary for glossary in glossaries if glossary.speaks(language)]
        if not fitting:
            names = ", ".join(f"{glossary.name} ({', '.join(glossary.languages)})" for glossary in glossaries) or "none"
            return None, f"no glossary for this call: language {language}, catalogues: {names}"
        chunks = call.transcript.believed
        if not speaks(call):
            return None, "nobody speaks in this call"
        best: tuple[Candidate, list[Candidate], Glossary] | None = None
        for glossary in fitting:
            ranked = self._matchers[glossary.name].candidates(chunks, language)
            if ranked and (best is None or ranked[0].score > best[0].score):
                best = (ranked[0], ranked, glossary)
        if best is None:
            return None, "nothing in this call matches the glossary"
        return self._decide(*best, chunks, language)

    def _decide(
        self,
        first: Candidate,
        ranked: Sequence[Candidate],
        glossary: Glossary,
        chunks: Sequence[TranscriptChunk],
        language: str | None,
    ) -> tuple[Topic | None, str | None]:
        settings = self._settings.keywords
        if first.score < settings.min_score:
            return None, f"no topic matches well enough: {first.topic} scores {first.score:.2f} of {settings.min_score}"
        if len(ranked) > 1 and first.score - ranked[1].score <= settings.min_margin * first.score:
            return None, f"two topics match equally well: {first.topic} and {ranked[1].topic}"
        topic = Topic(
            topic=first.topic,
            subtopic=first.subtopic,
            confidence=None,
            evidence=self._evidence(first, chunks, language),
            catalogue=glossary.name,
            glossary_hash=glossary.content_hash,
        )
        return topic, None

    def _evidence(
        self, found: Candidate, chunks: Sequence[TranscriptChunk], language: str | None
    ) -> tuple[Evidence, ...]:
        """The lines with the most of the words that counted; the client's and the earlier ones first."""
        worth = [(counted_words(chunk.text, found.matched, language), chunk) for chunk in chunks]
        ranked = sorted(
            ((count, chunk) for count, chunk in worth if count),
            key=lambda pair: (-pair[0], pair[1].role == Role.AGENT, pair[1].start_s),
        )
        quotes = []
        for _, chunk in ranked[: self._settings.max_evidence]:
            best = max(sentences(chunk.text), key=lambda line: counted_words(line, found.matched, language))
            evidence = find_quote(best, (chunk,))
            if evidence is not None:
                quotes.append(evidence)
        return tuple(sorted(quotes, key=lambda quote: quote.start_s))
