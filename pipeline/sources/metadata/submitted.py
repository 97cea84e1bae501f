"""Metadata that comes with a single recording, read as a sidecar beside it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from pipeline.config.areas.sources import InputSettings
from pipeline.records import CallMetadata
from pipeline.sources.metadata.fields import fields_of
from pipeline.sources.metadata.reader import MetadataReader

_UTC = ZoneInfo("UTC")


def submitted_metadata(values: Mapping[str, str], settings: InputSettings) -> CallMetadata:
    """What the values say of a call; what cannot be read is among its remarks."""
    fields = fields_of(list(values.items()), settings.sidecar.columns)
    ours = {name: value for name, value in fields.values.items() if name != "file_name"}
    zone = _UTC if fields.in_utc else None
    return MetadataReader(settings).from_values(ours, settings.sidecar.started_at_formats, zone)


def sidecar_name(file_name: str) -> str:
    return f"{file_name}.json"


def sidecar_of(file_name: str, values: Mapping[str, str]) -> tuple[str, bytes]:
    """Name and content of the sidecar that says the same of a recording."""
    content = json.dumps({**values, "file_name": file_name}, ensure_ascii=False, indent=1)
    return sidecar_name(file_name), content.encode()
