"""From a rule file to checked rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from analysis.rules.book import RuleFile
from pipeline.config.faults import Places, explained, place_of
from pipeline.config.yaml_reader import read_yaml_file
from pipeline.errors import ConfigurationError

_SHOWN_FAULTS = 20


def load_rules(path: Path | None) -> RuleFile:
    """Read and check a rule file; no rules where the path is None.

    Raises:
        ConfigurationError: not readable, no YAML, unknown keys or values: each fault with file, line, key and choices.
    """
    if path is None:
        return RuleFile()
    read = read_yaml_file(path)
    if not isinstance(read.value, dict):
        raise ConfigurationError(f"{path}: must hold the keys {', '.join(RuleFile.model_fields)}")
    places = {at: f"{path}:{line}" for at, line in read.lines.items()}
    try:
        book = RuleFile.model_validate(read.value)
    except ValidationError as error:
        raise ConfigurationError(_listed(explained(error, RuleFile, places, str(path)), path)) from None
    faults = list(_names(book, places, str(path)))
    if not book.rules:
        faults.append(f"{path}: holds no rule; give at least one, or set attention.rules to null")
    if faults:
        raise ConfigurationError(_listed(iter(faults), path))
    return book


def _listed(faults: Iterator[str], path: Path) -> str:
    lines = [line.replace(": the configuration: ", ": ") for line in faults]
    more = [f"and {len(lines) - _SHOWN_FAULTS} more faults in {path}"] if len(lines) > _SHOWN_FAULTS else []
    return "\n".join([*lines[:_SHOWN_FAULTS], *more])


def _names(book: RuleFile, places: Places, where: str) -> Iterator[str]:
    """Names that stand twice."""
    first: dict[str, str] = {}
    for place, rule in enumerate(book.rules):
        here = place_of(where, places, ("rules", str(place), "name"))
        if rule.name in first:
            yield f"{here}: rules.{place}.name: {rule.name!r} is another rule's name ({first[rule.name]})"
        first.setdefault(rule.name, here)
