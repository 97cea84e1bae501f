"""Values as PostgreSQL takes them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg.types.json import Json


def clean(value: Any) -> Any:
    """The value without what PostgreSQL cannot store in text: NUL dropped, lone surrogates written as \\udcXX."""
    if isinstance(value, str):
        if "\x00" in value:
            value = value.replace("\x00", "")
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def json_parameter(value: Any) -> Json:
    """A value as a json or jsonb parameter.

    What PostgreSQL cannot store is replaced (see `clean`); NaN and infinities become null.
    """
    from psycopg.types.json import Json

    return Json(value, dumps=_dumps)


UNSTORABLE = re.compile(r"\\u0000|\\u[dD][89a-fA-F]")
"""Escapes of NUL and of surrogates (paired ones are fine, but rare enough to look closer)."""


def _dumps(value: Any) -> str:
    try:
        text = json.dumps(value, allow_nan=False, default=str)
    except ValueError:
        text = json.dumps(_finite(value), allow_nan=False, default=str)
    if UNSTORABLE.search(text) is None:
        return text
    return json.dumps(clean(json.loads(text)), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
