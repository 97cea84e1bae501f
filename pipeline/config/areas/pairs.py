"""Calls that a recorder writes into two files, one for each side: part of config.yaml's `input`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from pipeline.config.base import Area
from pipeline.records import Direction, Role

SIDE, KEY = "side", "key"
"""Groups of a pattern."""
_A, _C, _U = Role.AGENT, Role.CLIENT, Role.UNKNOWN
Roles = tuple[Role, Role]


class PairedFiles(Area):
    """How the names of a call's two files differ."""

    sides: tuple[str, str]
    """What stands in the names of the first and of the second file, such as [in, out]. Case does not matter."""
    pattern: str | None = None
    """Python regular expression with a group (?P<side>...), searched for in the file name without its suffix. The rest
    of both names must be the same; with a group (?P<key>...) only that group. null: the side is the end of the name,
    after one of - _ . or a blank."""
    match: Literal["name", "path"] = "name"
    """name: the file name, and both files are in one folder; path: the whole path with / between folders."""
    channel_roles: Roles = (_U, _U)
    """Who speaks in the first and in the second file: agent, client or unknown."""
    channel_roles_by_direction: dict[Direction, Roles] = Field(default_factory=dict)
    """The same by direction of the call, where file names or sidecars give it."""

    @model_serializer(mode="wrap")
    def _short(self, plain: SerializerFunctionWrapHandler) -> Any:
        """A shipped one is written as its two words."""
        return list(self.sides) if self in SHIPPED_PAIRS else plain(self)

    @field_validator("sides")
    @classmethod
    def _differ(cls, value: tuple[str, str]) -> tuple[str, str]:
        first, second = (side.strip().lower() for side in value)
        if not first or not second or first == second:
            raise ValueError("must be two different words, such as [in, out]")
        return first, second

    @model_validator(mode="after")
    def _finds_a_side(self) -> PairedFiles:
        if self.pattern is not None:
            try:
                groups = re.compile(self.pattern).groupindex
            except re.error as error:
                raise ValueError(f"pattern is not a regular expression: {error}") from None
            if SIDE not in groups:
                raise ValueError(f"pattern names no group (?P<{SIDE}>...) around what differs")
        return self


_BY_CALLER = {Direction.INBOUND: (_C, _A), Direction.OUTBOUND: (_A, _C)}
SHIPPED_PAIRS = (  # not validated here, see `file_names.py`
    PairedFiles.model_construct(sides=("in", "out"), channel_roles_by_direction=_BY_CALLER),
    PairedFiles.model_construct(sides=("rx", "tx")),
    PairedFiles.model_construct(
        sides=("caller", "callee"), channel_roles=(_C, _A), channel_roles_by_direction=_BY_CALLER
    ),
    PairedFiles.model_construct(sides=("caller", "agent"), channel_roles=(_C, _A)),
    PairedFiles.model_construct(sides=("client", "agent"), channel_roles=(_C, _A)),
    PairedFiles.model_construct(sides=("customer", "agent"), channel_roles=(_C, _A)),
    PairedFiles.model_construct(sides=("local", "remote")),
    PairedFiles.model_construct(sides=("left", "right")),
)
"""Asterisk records on the channel that runs the dial plan, the caller's: `in` is what comes from the caller. What `rx`
hears depends on where it is recorded."""


def _of_words(value: object) -> object:
    """Two words stand for the shipped pair of these sides, or for one of unknown roles."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(isinstance(word, str) for word in value):
        return value
    words = tuple(word.strip().lower() for word in value)
    return next((pair for pair in SHIPPED_PAIRS if pair.sides == words), {"sides": list(words)})


class _OrWords:
    """The JSON schema of both forms."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        words = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}
        return {"anyOf": [words, handler(schema)]}


Pair = Annotated[PairedFiles, BeforeValidator(_of_words), _OrWords()]


class PairSettings(Area):
    """Calls in two files, one for each side: `1793500200.42-in.wav` and `1793500200.42-out.wav` become one call."""

    kinds: tuple[Pair, ...] = SHIPPED_PAIRS
    """The sides by which files are joined, tried in order: two words, or a section; [] to join none. Sections set their
    own pattern and roles."""
    wait_h: Annotated[float, Field(ge=0)] = 24.0
    """A file whose name ends like one side of a recorder's pair waits this many hours, by its age, for the other side;
    then it is processed alone, with the flag `other_side_missing`."""
