"""What each setting means: the docstring under its field, read from the source when it is shown."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator, Mapping

from pipeline.config.base import Area
from pipeline.config.root import Settings


@functools.cache
def described_settings() -> type[Settings]:
    """`Settings`, with a description at every field of every area, so that its JSON schema has them too."""
    for area in _areas(Area):
        texts = _inherited_descriptions(area)
        for name, field in area.model_fields.items():
            field.description = texts.get(name)
        area.model_rebuild(force=True)
    return Settings


def _areas(base: type[Area]) -> Iterator[type[Area]]:
    """Every area below `base`, in the order of definition: those that an area is made of come before it."""
    for area in base.__subclasses__():
        yield area
        yield from _areas(area)


def _inherited_descriptions(area: type[Area]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for parent in reversed(area.__mro__):
        if issubclass(parent, Area) and parent is not Area:
            found |= _descriptions(parent)
    return found


@functools.cache
def _descriptions(area: type[Area]) -> Mapping[str, str]:
    """By field. A string that stands under an annotated assignment describes it (PEP 257, attribute docstrings)."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(area))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found
