"""A planned call as it lies in the queue of claims, in JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.config.influence import marked_settings
from pipeline.config.root import Settings
from pipeline.run.planning.plan import PlannedCall
from pipeline.transcription.fingerprint import digest

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@functools.cache
def _adapter() -> TypeAdapter[PlannedCall]:
    from pydantic import TypeAdapter

    return TypeAdapter(PlannedCall)


def as_json(planned: PlannedCall) -> str:
    """ASCII: bytes of file names that are no UTF-8 stay as they are, as escapes of lone surrogates."""
    return json.dumps(_adapter().dump_python(planned, exclude_defaults=True), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in a queue")


def planned_call(values: Mapping[str, Any]) -> PlannedCall:
    return _adapter().validate_python(values)


_PLACES = frozenset({"input.path", "input.more"})
"""Which recordings, not what becomes of them."""
_OF_STORING = ("run.reprocess", "run.allow_downgrade", "run.quarantine_after_runs", "database.store_words")


def work_hash(settings: Settings) -> str:
    """Hash of the settings that decide what becomes of a claimed call: workers with the same one do the same work."""
    paths = [setting.path for setting in marked_settings(Settings) if setting.influence and setting.influence.results]
    dump = settings.model_dump(mode="json")
    return digest({path: _at(dump, path) for path in [*paths, *_OF_STORING] if path not in _PLACES})


def _at(dump: Any, path: str) -> Any:
    for name in path.split("."):
        dump = dump[name]
    return dump
