"""What comes with a recording: checked before a byte of it is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.config.areas.sources import InputSettings
from pipeline.sources.metadata.submitted import submitted_metadata
from service.jobs.folder import UNNAMED, safe_name
from service.jobs.receiving import invalid

MOST_VALUES = 64
LONGEST_VALUE = 1000
LONGEST_URL = 4000
_UNREADABLE = "_unreadable"
_NAMED_OTHERWISE = {"segment": "customer_segment"}
"""By their names in remarks: fields of `CallDescription`."""

Scalar = str | int | float | bool
Priority = Annotated[
    int,
    Field(
        ge=-9,
        le=9,
        description="Higher comes first; above 0 the call overtakes those under way. A nightly run's calls have 0.",
    ),
]


class CallDescription(BaseModel):
    """What is known of a call: the fields of a sidecar. Further fields of text are kept with the call."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True, str_max_length=LONGEST_VALUE)

    started_at: str | None = Field(None, examples=["2026-11-26T09:15:02+01:00"])
    """When it began; without an offset in the time zone of `input.timezone`."""
    direction: str | None = Field(None, examples=["inbound"])
    """inbound, outbound or internal."""
    agent_id: str | None = Field(None, examples=["4711"])
    """The company's side."""
    customer_segment: str | None = Field(None, examples=["b2c"])
    """b2b or b2c."""
    language: str | None = Field(None, examples=["en"])
    """ISO 639-1; the recogniser detects it where it is not given."""
    queue: str | None = Field(None, examples=["billing"])
    extension: str | None = None
    """Of the agent's telephone."""
    related_call: str | None = None
    """The call this one was transferred from."""
    channel_roles: str | None = Field(None, examples=["agent+client"])
    """Who speaks on each channel, first channel first."""
    customer: str | None = None
    """The customer's key."""
    other: str | None = Field(None, examples=["+15550100199"])
    """Telephone number of the other side."""
    call_key: str | None = None
    """The recorder's key for the call."""


class RecordingAtAddress(BaseModel):
    """A recording to be fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    recording_url: AnyHttpUrl = Field(examples=["https://recorder.example.com/calls/1793500200.42.wav"])
    """Where the recording is: https, at a public address, or at a host that `service.trusted_hosts` names."""
    file_name: str | None = Field(None, max_length=LONGEST_VALUE)
    """Name of the recording; by default the last part of the address."""
    metadata: CallDescription = Field(default_factory=CallDescription)
    priority: Priority = 0
    callback_url: AnyHttpUrl | None = None
    """Told when the job has ended; see the callback's description."""

    @field_validator("recording_url", "callback_url")
    @classmethod
    def _not_endless(cls, value: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if value is not None and len(str(value)) > LONGEST_URL:
            raise ValueError(f"longer than {LONGEST_URL} characters")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A recording and what is said of it."""

    file_name: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Texts by field, as a sidecar has them."""
    customer_segment: str | None = None
    queue: str | None = None
    priority: int = 0
    callback_url: str | None = None
    recording_url: str | None = None

    @property
    def digest(self) -> str:
        """The same for two submissions that ask for the same, but for the recording itself."""
        values = [self.file_name, dict(self.metadata), self.priority, self.callback_url, self.recording_url]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def submission(
    given: Mapping[str, str], settings: InputSettings, file_name: str | None, media_type: str = ""
) -> Submission:
    """Of the fields of a form or a query: `metadata` as JSON, `priority`, `callback_url`.

    Raises HTTPException (422), RequestValidationError.
    """
    unknown = set(given) - {"metadata", "priority", "callback_url", "file_name"}
    if unknown:
        raise invalid(f"unknown fields: {', '.join(sorted(unknown))[:200]}")
    name = given.get("file_name") or file_name or f"{UNNAMED}{_SUFFIXES.get(media_type, '')}"
    try:
        asked = _Asked.model_validate(
            {
                "metadata": _description(given["metadata"]) if given.get("metadata") else CallDescription(),
                "priority": given.get("priority") or 0,
                "callback_url": given.get("callback_url") or None,
            }
        )
    except ValidationError as error:
        raise RequestValidationError(located(error)) from None
    return described(name, asked.metadata, settings, priority=asked.priority, callback_url=asked.callback_url)


def described(
    name: str,
    metadata: CallDescription,
    settings: InputSettings,
    *,
    priority: int,
    callback_url: AnyHttpUrl | None,
    recording_url: AnyHttpUrl | None = None,
) -> Submission:
    """Raises HTTPException (422) for metadata that cannot be read."""
    texts = texts_of(metadata)
    read = submitted_metadata(texts, settings)
    fields = [field.removesuffix(_UNREADABLE) for field in read.remarks if field.endswith(_UNREADABLE)]
    unreadable = [_NAMED_OTHERWISE.get(field, field) for field in fields]
    if unreadable:
        raise RequestValidationError([_unreadable(field) for field in unreadable])
    try:
        plain = safe_name(name)
    except ValueError as error:
        raise invalid(str(error)) from None
    return Submission(
        file_name=plain,
        metadata=texts,
        customer_segment=read.customer_segment.value if read.customer_segment else None,
        queue=read.queue,
        priority=priority,
        callback_url=str(callback_url) if callback_url else None,
        recording_url=str(recording_url) if recording_url else None,
    )


def _unreadable(name: str) -> dict[str, Any]:
    """Which field of the metadata, and what it is to be."""
    known = CallDescription.model_fields.get(name)
    meant = " ".join((known.description or "").split()) if known is not None else ""
    example = f" (such as {known.examples[0]})" if known is not None and known.examples else ""
    return {"loc": ("metadata", name), "msg": f"cannot be read; expected{example}: {meant}".rstrip(": ")}


def texts_of(metadata: CallDescription) -> dict[str, str]:
    """Raises HTTPException (422) for values that are no texts or numbers, and for too many of them."""
    values = metadata.model_dump(exclude_none=True)
    if len(values) > MOST_VALUES:
        raise invalid(f"metadata: {len(values)} fields; at most {MOST_VALUES} are kept")
    texts: dict[str, str] = {}
    for key, value in values.items():
        if not isinstance(value, Scalar):
            raise invalid(f"metadata.{key[:100]}: expected a text or a number")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if len(text) > LONGEST_VALUE or len(key) > 100:
            raise invalid(f"metadata.{key[:100]}: longer than {LONGEST_VALUE} characters")
        texts[key] = text
    return texts


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True)

    metadata: CallDescription
    priority: Priority
    callback_url: Annotated[AnyHttpUrl, Field(max_length=LONGEST_URL)] | None


def _description(text: str) -> CallDescription:
    """Of JSON in a field. Deep nesting is refused by the parser."""
    try:
        return CallDescription.model_validate_json(text)
    except ValidationError as error:
        raise RequestValidationError(located(error, "metadata")) from None


def located(error: ValidationError, *before: str) -> list[dict[str, Any]]:
    """Its faults, each with where it is: below `before`. Without what was sent."""
    return [
        {**fault, "loc": (*before, *fault["loc"])}
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


_SUFFIXES = {
    "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/wave": ".wav", "audio/vnd.wave": ".wav", "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg", "audio/opus": ".opus", "audio/flac": ".flac", "audio/x-flac": ".flac", "audio/mp4": ".m4a",
    "audio/aac": ".aac", "audio/amr": ".amr", "audio/webm": ".webm", "video/mp4": ".mp4", "audio/basic": ".ulaw",
    "audio/pcmu": ".ulaw", "audio/pcma": ".alaw", "audio/g722": ".g722",
}  # fmt: skip
"""By media type, for a recording without a name."""
