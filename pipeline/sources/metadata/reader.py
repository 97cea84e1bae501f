"""What a file name, a path or a sidecar row says about a call. Unknown stays None; what cannot be read is kept in
`extra` under `<field>_unreadable`, so that nothing is lost and nothing is invented."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from pipeline.config.areas.call_metadata import FileNamePattern
from pipeline.config.areas.file_names import expanded
from pipeline.config.areas.sources import InputSettings
from pipeline.records import REMARKS, CallMetadata, Role
from pipeline.sources.addresses import shown
from pipeline.sources.metadata.times import read_time

Word = TypeVar("Word")

_LANGUAGE = re.compile(r"^[A-Za-z]{2}$")
_PLAIN = ("agent_id", "queue", "related_call", "extension")
_STRUCTURED = ("started_at", "date", "time", "direction", "segment", "language", "channel_roles")
_BETWEEN_ROLES = re.compile(r"[-+,;/| ]+")
_LONGEST = 1000
"""Characters of a value; no field of a call is longer."""


@dataclass(frozen=True, slots=True)
class _CompiledPattern:
    expression: re.Pattern[str]
    on_path: bool
    formats: tuple[str, ...]
    zone: ZoneInfo
    values: Mapping[str, str]


class MetadataReader:
    """`input.patterns` and the word lists, compiled once."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        patterns = [_compile(pattern, settings.timezone) for pattern in expanded(settings.patterns)]
        self._patterns = [(pattern.expression.search, pattern.on_path, pattern) for pattern in patterns]
        self._zone = ZoneInfo(settings.timezone)

    def from_name(self, name: str, relative: str) -> CallMetadata:
        """Metadata by the first pattern that matches; empty when none does."""
        for search, on_path, pattern in self._patterns:
            match = search(relative if on_path else name)
            if match:
                values = {key: value for key, value in match.groupdict().items() if value}
                return self.from_values({**pattern.values, **values}, pattern.formats, pattern.zone)
        return CallMetadata(extra={})

    def from_values(
        self,
        values: Mapping[str, str],
        formats: Sequence[str],
        zone: ZoneInfo | None = None,
        day_first: bool | None = None,
    ) -> CallMetadata:
        """Metadata of named texts (pattern groups, sidecar columns); names that are not ours go to `extra`."""
        values = {_clean(key): _clean(value) for key, value in values.items()}
        extra = {key: value for key, value in values.items() if key not in _PLAIN and key not in _STRUCTURED}
        language = values.get("language")
        roles = values.get("channel_roles")
        words = self._settings
        return CallMetadata(
            started_at=_started_at(values, formats, zone or self._zone, day_first, extra),
            direction=_word("direction", values, words.direction_words, extra),
            customer_segment=_word("segment", values, words.segment_words, extra),
            language=_language(language, extra) if language else None,
            channel_roles=_roles(roles, words.role_words, extra) if roles else None,
            agent_id=values.get("agent_id"),
            queue=values.get("queue"),
            related_call=values.get("related_call"),
            extension=values.get("extension"),
            extra=extra,
        )


def merged(stronger: CallMetadata, weaker: CallMetadata) -> CallMetadata:
    """The stronger's values, filled up from the weaker; extras are joined."""
    fields = (
        "started_at",
        "direction",
        "agent_id",
        "customer_segment",
        "language",
        "queue",
        "related_call",
        "extension",
        "channel_roles",
    )
    missing = {name: getattr(weaker, name) for name in fields if getattr(stronger, name) is None}
    settled = {f"{name}{remark}" for name in fields if name not in missing for remark in REMARKS}
    kept = {key: value for key, value in weaker.extra.items() if key not in settled}
    return replace(stronger, extra={**kept, **stronger.extra}, **missing)


def _clean(text: str) -> str:
    """Text that a database and a file can hold: no NUL, no half of a surrogate pair, a limited length."""
    if len(text) <= _LONGEST and text.isascii() and "\0" not in text:
        return text
    plain = shown(text).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


def _compile(pattern: FileNamePattern, default_zone: str) -> _CompiledPattern:
    return _CompiledPattern(
        expression=re.compile(pattern.pattern),
        on_path=pattern.match == "path",
        formats=pattern.started_at_formats,
        zone=ZoneInfo(pattern.timezone or default_zone),
        values=pattern.values,
    )


def _started_at(
    values: Mapping[str, str],
    formats: Sequence[str],
    zone: ZoneInfo,
    day_first: bool | None,
    extra: dict[str, str],
) -> datetime | None:
    text = values.get("started_at") or " ".join(filter(None, (values.get("date"), values.get("time"))))
    if not text:
        return None
    read = read_time(text, formats, zone, day_first)
    if read.remark is not None:
        extra[f"started_at_{read.remark}"] = text
    return read.moment


def _word(field: str, values: Mapping[str, str], words: Mapping[str, Word], extra: dict[str, str]) -> Word | None:
    text = values.get(field)
    if not text:
        return None
    found = words.get(text.strip().lower())
    if found is None:
        extra[f"{field}_unreadable"] = text
    return found


def _language(text: str, extra: dict[str, str]) -> str | None:
    """`de`, `DE`, `de-AT` and `de_AT` are all `de`."""
    code = re.split(r"[-_]", text.strip(), maxsplit=1)[0]
    if _LANGUAGE.match(code):
        return code.lower()
    extra["language_unreadable"] = text
    return None


def _roles(text: str, words: Mapping[str, Role], extra: dict[str, str]) -> tuple[Role, ...] | None:
    """`agent+client`, `client-agent`, `a,c`; all channels or none: a half-read map would swap sides."""
    roles = tuple(words.get(part.lower()) for part in _BETWEEN_ROLES.split(text.strip()) if part)
    known = tuple(role for role in roles if role is not None)
    if known and len(known) == len(roles):
        return known
    extra["channel_roles_unreadable"] = text
    return None
