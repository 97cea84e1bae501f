"""What every configuration area is built on.

Adding a setting: write the field with its default and a docstring in its area, then run `make schema`. That writes
`docs/configuration.md` and `config.schema.json`; a test fails until it is done. `config.yaml` holds only what people
change: see `short_file.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

FOR_TESTS = "for tests"
"""Annotation of a field that only tests and measurements use: accepted everywhere, not in the documents people see."""


class Area(BaseModel):
    """A typed part of the configuration: unknown keys are refused, values are frozen and finite, every field is
    described.

    Validators are built when the first settings are read, and descriptions are read from the source when they are shown
    (`descriptions.py`): a spawned process receives settings that are made already and needs neither.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True, allow_inf_nan=False)


class _OneOrList:
    """Takes a text for the tuple that holds it alone, and tells the JSON schema so."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def as_tuple(value: Any) -> Any:
            return (value,) if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(as_tuple, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        items = handler(schema)
        return {"anyOf": [items, items["items"]]}


def ends_in(*suffixes: str) -> AfterValidator:
    """Annotation of a file's path that must have one of these suffixes."""

    def check(path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in suffixes:
            raise ValueError(f"{path} must end in one of {', '.join(suffixes)}")
        return path

    return AfterValidator(check)


T = TypeVar("T")
OneOrList = Annotated[T, _OneOrList()]
"""A tuple that may also be written as its only item: `engines: faster_whisper`."""
