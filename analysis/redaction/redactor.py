"""Takes personal data out of texts and puts it back."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from analysis.redaction.address_turns import find_address_turns
from analysis.redaction.belonging import find_belonging
from analysis.redaction.email_turns import find_email_turns
from analysis.redaction.emails import find_addresses
from analysis.redaction.exchanges import Exchanges
from analysis.redaction.free_answers import find_free_answers
from analysis.redaction.learned.tagger import Tagger
from analysis.redaction.name_turns import find_name_turns
from analysis.redaction.names import find_names
from analysis.redaction.numbers import NumberFinder
from analysis.redaction.other_numbers import Others, find_others
from analysis.redaction.postal import find_streets
from analysis.redaction.references import find_references
from analysis.redaction.repeats import find_repeats
from analysis.redaction.spans import PersonalSpan, without_overlaps
from analysis.redaction.spoken_emails import find_spoken_addresses
from analysis.redaction.talk import Talk
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.roles import Role

_LINE = re.compile(r"\n#\d+ (?:agent|client|unknown): ")
_EDGES = " \t,.;:"
_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_]*)_(\d+)\]")


class Redacted(NamedTuple):
    """A text with placeholders, and what each stands for."""

    text: str
    mapping: Mapping[str, str]
    """`[CARD_1]` -> the very words that stood there."""


class TextStretch(NamedTuple):
    """Where in a text personal data is (characters), and the placeholder that stands for it."""

    start: int
    end: int
    mark: str


class Redactor:
    """Finds personal data and replaces it by `[KIND_n]`. Stateless: the same text gives the same placeholders."""

    def __init__(self, settings: RedactionSettings, tagger: Tagger | None = None) -> None:
        """`tagger`: what was learned, beside the rules; None for the rules alone."""
        self._settings, self._tagger = settings, tagger
        self._numbers = NumberFinder(settings)
        self._patterns = [(custom.name, re.compile(custom.pattern, re.IGNORECASE)) for custom in settings.patterns]
        self._kept = frozenset(_plain(text) for text in settings.keep)

    @property
    def kinds(self) -> Collection[str]:
        """Of `redaction.kinds`."""
        return self._settings.kinds

    def redact(self, text: str) -> Redacted:
        """The text with placeholders; equal words get equal ones, numbered in order of appearance per kind.

        A placeholder that is already in the text (somebody dictated or wrote it) is never used for something else.
        """
        return self._replaced(text)[0]

    def _replaced(self, text: str) -> tuple[Redacted, list[TextStretch]]:
        """The redacted text, and where in the given one personal data was."""
        if not self._settings.enabled:
            return Redacted(text, MappingProxyType({})), []
        stretches: list[TextStretch] = []
        taken = {match.group(0) for match in _PLACEHOLDER.finditer(text)}
        by_value: dict[tuple[str, str], str] = {}
        named: dict[str, str] = {}
        counters: dict[str, int] = {}
        parts: list[str] = []
        position = 0
        for found in self.find(text):
            value = text[found.start : found.end]
            name = named.setdefault(_plain(value), found.name)
            mark = by_value.get((name, value))
            if mark is None:
                mark = _next_mark(name, counters, taken)
                by_value[name, value] = mark
            stretches.append(TextStretch(found.start, found.end, mark))
            parts += [text[position : found.start], mark]
            position = found.end
        parts.append(text[position:])
        mapping = MappingProxyType({mark: value for (_, value), mark in by_value.items()})
        return Redacted("".join(parts), mapping), stretches

    def redact_lines(
        self, texts: Sequence[str], roles: Sequence[Role] | None = None
    ) -> tuple[list[str], Mapping[str, str]]:
        """The same for the lines of one call together: a number dictated over several lines is found.

        `roles`: who says each line. Where it is known, the side that asks is not taken for the one that answers.
        """
        redacted = self.redact(_joined(texts, roles))
        return _LINE.split(redacted.text)[1:], redacted.mapping

    def stretches_of(
        self, texts: Sequence[str], roles: Sequence[Role] | None = None
    ) -> tuple[list[str], list[list[TextStretch]]]:
        """The lines of one call without personal data, and where in each line it was; `roles` as in `redact_lines`."""
        joined = _joined(texts, roles)
        redacted, stretches = self._replaced(joined)
        begins = [match.end() for match in _LINE.finditer(joined)]
        found: list[list[TextStretch]] = [[] for _ in texts]
        for stretch in stretches:
            line = bisect_right(begins, stretch.start) - 1
            start, end = stretch.start - begins[line], stretch.end - begins[line]
            found[line].append(TextStretch(start, end, stretch.mark))
        return _LINE.split(redacted.text)[1:], found

    def find(self, text: str) -> list[PersonalSpan]:
        """What would be replaced, in order, without overlaps."""
        talk = Talk(text, self._settings.spoken_languages)
        others = find_others(talk)
        found = self._wanted(text, self._all(talk, others))
        if self._tagger is not None:
            learned = self._tagger.read(talk, self._settings.kinds, others)
            found = [*filter(learned.allows, found), *self._wanted(text, iter(learned.personal))]
        known = without_overlaps(found)
        found += self._wanted(text, find_repeats(talk, known))
        if "postal_address" in self._settings.kinds:
            found += self._wanted(text, find_address_turns(talk, known))
        if "email" in self._settings.kinds:
            found += self._wanted(text, find_email_turns(talk, known))
        found += self._wanted(text, find_belonging(talk, without_overlaps(found), others))
        if "name" in self._settings.kinds:
            found += self._wanted(text, find_name_turns(talk, known))
        return [piece for span in without_overlaps(found) if (piece := _trimmed(text, span)) is not None]

    def _wanted(self, text: str, found: Iterator[PersonalSpan]) -> list[PersonalSpan]:
        """Without what is to be kept."""
        return [span for span in found if _plain(text[span.start : span.end]) not in self._kept]

    def _all(self, talk: Talk, others: Others) -> Iterator[PersonalSpan]:
        text = talk.original
        for name, pattern in self._patterns:
            for match in pattern.finditer(text):
                group: str | int = "value" if "value" in pattern.groupindex else 0
                if match.end(group) > match.start(group):
                    yield PersonalSpan(match.start(group), match.end(group), name, -1)
        if "email" in self._settings.kinds:
            yield from find_addresses(text)
        kinds = self._settings.kinds
        yield from self._numbers.find(text, others)
        if "email" in kinds:
            yield from find_spoken_addresses(talk)
        for language in talk.languages:
            yield from Exchanges(talk, language, kinds, self._numbers.recognise, others).find()
            yield from find_free_answers(talk, language, kinds)
        if "reference" in kinds:
            yield from find_references(talk, others)
        if "name" in kinds:
            yield from find_names(talk)
        if "postal_address" in kinds:
            yield from find_streets(talk.text)


def _trimmed(text: str, span: PersonalSpan) -> PersonalSpan | None:
    """Without spaces and commas at its ends; None where nothing else is left beside another span."""
    start, end = span.start, span.end
    while start < end and text[start] in _EDGES:
        start += 1
    while end > start and text[end - 1] in _EDGES:
        end -= 1
    return replace(span, start=start, end=end) if start < end else None


def restore(text: str, mapping: Mapping[str, str]) -> str:
    """The text with every placeholder put back; unknown placeholders stay."""
    return _PLACEHOLDER.sub(lambda match: mapping.get(match.group(0), match.group(0)), text)


def _next_mark(name: str, counters: dict[str, int], taken: set[str]) -> str:
    while True:
        counters[name] = counters.get(name, 0) + 1
        mark = f"[{name}_{counters[name]}]"
        if mark not in taken:
            return mark


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _joined(texts: Sequence[str], roles: Sequence[Role] | None) -> str:
    """The lines as a transcript."""
    said_by = roles or [Role.UNKNOWN] * len(texts)
    lines = zip(said_by, texts, strict=True)
    return "".join(f"\n#{number} {role.value}: {_one_line(text)}" for number, (role, text) in enumerate(lines))


def _one_line(text: str) -> str:
    """As long as it was, but nothing said can look like the start of another line."""
    return text.replace("\n", " ")
