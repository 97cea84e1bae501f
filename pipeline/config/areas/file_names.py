"""The file names of common recorders, as named patterns for `input.patterns`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

from pipeline.config.areas.call_metadata import TIME_STAMP, FileNamePattern

AUTO = "auto"
_STAMP = rf"(?P<started_at>{TIME_STAMP})"
_NUMBER = r"\+?[\d*#]{3,}"
_UNIQUE_ID = r"(?:[A-Za-z]\w*-)?1\d{9}\.\d+"
"""Asterisk's: the system's name, seconds since 1970, a serial number."""
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_LEG = r"(?:[-_](?P<leg>in|out))?"
"""MixMonitor's two files of one call: what was heard on the channel, and what was said into it. No direction."""
_END = rf"-{_STAMP}-(?P<call_key>{_UNIQUE_ID}){_LEG}\."
"""The end of FreePBX's names, after the caller and the called number."""


def _pattern(pattern: str, *formats: str, timezone: str | None = None, **values: str) -> FileNamePattern:
    """Not validated here: every process that is spawned would compile them all. The tests validate each."""
    return FileNamePattern.model_construct(
        pattern=pattern, started_at_formats=formats or ("stamp",), timezone=timezone, values=dict(values)
    )


SHIPPED: dict[str, tuple[FileNamePattern, ...]] = {
    "android": (
        # Basic Call Recorder; Samsung; Xiaomi; Huawei; ACR; Cube.
        _pattern(
            rf"^{_STAMP}_(?:(?P<direction>in|out|incoming|outgoing)|conference)(?:_sim\d+)?(?:_(?P<other>{_NUMBER}))?"
            r"(?:_(?P<label>.+?))?\.\w+$"
        ),
        _pattern(
            rf"^Call recording (?:(?P<other>{_NUMBER})|(?P<label>.+))_(?P<started_at>\d{{6}}_\d{{6}})\.",
            "%y%m%d_%H%M%S",
        ),
        _pattern(rf"^(?P<label>[^@]*?)[(@](?P<other>{_NUMBER})\)?_{_STAMP}\."),
        _pattern(rf"^(?P<other>{_NUMBER})_{_STAMP}\."),
        _pattern(rf"^(?:phone|call)_{_STAMP}_(?P<other>{_NUMBER})\."),
    ),
    "freepbx": (
        _pattern(rf"^(?:in|external)-(?P<extension>[^-]+)-(?P<other>[^-]+){_END}", direction="inbound"),
        _pattern(rf"^out-(?P<other>[^-]+)-(?P<extension>[^-]+){_END}", direction="outbound"),
        _pattern(rf"^internal-(?P<extension>[^-]+)-(?P<other>[^-]+){_END}", direction="internal"),
        _pattern(rf"^q-(?P<queue>[^-]+)-(?P<other>[^-]+){_END}", direction="inbound"),
        _pattern(rf"^rg-(?P<ring_group>[^-]+)-(?P<other>[^-]+){_END}", direction="inbound"),
        _pattern(rf"^conf-(?P<conference>[^-]+)-(?P<other>[^-]+){_END}"),
        _pattern(rf"^exten-(?P<extension>[^-]+)-(?P<other>[^-]+){_END}"),
        _pattern(rf"^(?:force|ondemand)-(?P<other>[^-]+)-(?P<extension>[^-]+){_END}"),
        _pattern(rf"^OUT(?P<extension>\d+){_END}", direction="outbound"),
        _pattern(rf"^q(?P<queue>\d+){_END}", direction="inbound"),
        _pattern(rf"^g(?P<ring_group>\d+){_END}", direction="inbound"),
    ),
    "asterisk": (
        _pattern(rf"^{_STAMP}[-_](?P<call_key>{_UNIQUE_ID}){_LEG}\."),
        _pattern(r"^auto-(?P<started_at>1\d{9})-(?P<from>[^-]+)-(?P<to>[^-.]+)\.", "epoch_s"),
        _pattern(rf"^(?P<call_key>(?:[A-Za-z]\w*-)?(?P<started_at>1\d{{9}})\.\d+){_LEG}\.", "epoch_s"),
    ),
    "3cx": (
        _pattern(
            rf"^(?:\[(?P<label>.*)\]_)?(?P<extension>\d{{2,6}})-(?P<other>\+?\d{{7,}})_{_STAMP}(?:\((?P<call_key>\w+)\))?\.",
            direction="outbound",
        ),
        _pattern(
            rf"^(?:\[(?P<label>.*)\]_)?(?P<other>\+?\d{{7,}})-(?P<extension>\d{{2,6}})_{_STAMP}(?:\((?P<call_key>\w+)\))?\.",
            direction="inbound",
        ),
        _pattern(
            rf"^(?:\[(?P<label>.*)\]_)?(?P<other>\d{{2,6}})-(?P<extension>\d{{2,6}})_{_STAMP}(?:\((?P<call_key>\w+)\))?\.",
            direction="internal",
        ),
        _pattern(rf"^\[(?P<label>.*)\]_(?P<from>[^-_]*)-(?P<to>[^_]*)_{_STAMP}(?:\((?P<call_key>\w+)\))?\."),
    ),
    "amazon_connect": (
        _pattern(
            rf"^(?P<call_key>{_UUID})_(?P<started_at>\d{{8}}T\d\d[:_-]?\d\d)_UTC\.",
            "%Y%m%dT%H:%M",
            "%Y%m%dT%H_%M",
            "%Y%m%dT%H-%M",
            "%Y%m%dT%H%M",
            timezone="UTC",
        ),
    ),
    "genesys": (
        # Genesys Interaction Recording (its names are in UTC); Genesys Cloud: conversation and recording.
        _pattern(rf"^(?P<call_key>[0-9A-Z]{{24,40}})_{_STAMP}(?:-[0-9A-Fa-f]+)*\.", timezone="UTC"),
        _pattern(
            rf"^(?P<call_key>{_UUID})(?:[_-](?P<recording_key>{_UUID}))?(?:[_-]{_STAMP})?(?:_(?P<label>.+?))?\.\w+$"
        ),
    ),
    "twilio": (
        _pattern(rf"^(?P<call_key>CA[0-9a-f]{{32}})(?:[-_.](?P<recording_key>RE[0-9a-f]{{32}}))?(?:[-_]{_STAMP})?\."),
        _pattern(rf"^(?:AC[0-9a-f]{{32}}[-_.])?(?P<call_key>RE[0-9a-f]{{32}})(?:[-_]{_STAMP})?\."),
    ),
    "earshot": (
        # 20260914-101502_inbound_agent-4711_b2c_q-billing_x-204_from-8812_ch-agent+client_anything.wav
        _pattern(
            rf"^{_STAMP}"
            r"(?:_(?P<direction>inbound|outbound|internal))?"
            r"(?:_agent-(?P<agent_id>[^_.]+))?"
            r"(?:_(?P<segment>b2b|b2c))?"
            r"(?:_q-(?P<queue>[^_.]+))?"
            r"(?:_x-(?P<extension>[^_.]+))?"
            r"(?:_from-(?P<related_call>[^_.]+))?"
            r"(?:_ch-(?P<channel_roles>[^_.]+))?"
            r"(?:_(?P<label>[^.]*))?\."
        ),
    ),
    "stamp": (
        _pattern(
            rf"(?<![0-9A-Za-z]){_STAMP}(?![0-9A-Za-z])"
            r"(?:.*[^0-9A-Za-z](?P<direction>(?i:inbound|outbound|incoming|outgoing|internal))(?![0-9A-Za-z]))?"
        ),
    ),
}
"""By name, the most telling first; `stamp` is a date and time anywhere in the name."""


def _of_text(value: object) -> object:
    """A text is a shipped name, `auto`, or a regular expression with a named group. Raises ValueError."""
    if not isinstance(value, str):
        return value
    if value == AUTO or value in SHIPPED:
        return FileNamePattern.model_construct(pattern=value)
    if "(?P<" in value:
        return {"pattern": value}
    raise ValueError(
        f"{value!r} is not a shipped pattern; choices: {AUTO}, {', '.join(SHIPPED)}, or a regular expression with "
        "named groups such as (?P<agent_id>...)"
    )


class _OrText:
    """The JSON schema of both forms."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


NamedPattern = Annotated[FileNamePattern, BeforeValidator(_of_text), _OrText()]
"""A pattern of one's own, or the name of one that ships."""


def expanded(patterns: Iterable[FileNamePattern]) -> list[FileNamePattern]:
    """Names replaced by the patterns they stand for; `auto` by all that ship."""
    found: list[FileNamePattern] = []
    for pattern in patterns:
        if pattern.pattern == AUTO:
            found += [each for shipped in SHIPPED.values() for each in shipped]
        else:
            found += SHIPPED.get(pattern.pattern, (pattern,))
    return found
