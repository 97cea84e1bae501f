"""From a rule file to checked rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
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
    places = {path_in_file: f"{path}:{line}" for path_in_file, line in read.lines.items()}
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
    """Names that stand twice, and items of scorecards that name no rule."""
    rules = [rule.name for rule in book.rules]
    yield from _twice("rules", rules, places, where)
    yield from _twice("scorecards", [card.name for card in book.scorecards], places, where)
    for number, card in enumerate(book.scorecards):
        for index, item in enumerate(card.items):
            named = ("scorecards", str(number), "items", str(index), "rule")
            if item.rule not in rules:
                close = difflib.get_close_matches(item.rule, rules, n=1)
                hint = f"did you mean {close[0]}? " if close else ""
                yield (
                    f"{place_of(where, places, named)}: {'.'.join(named)}: no rule is named {item.rule!r}; {hint}"
                    f"the rules are: {', '.join(rules)}"
                )
            elif item.rule in [before.rule for before in card.items[:index]]:
                yield f"{place_of(where, places, named)}: {'.'.join(named)}: {item.rule!r} answers another item already"


def _twice(kind: str, names: Sequence[str], places: Places, where: str) -> Iterator[str]:
    first: dict[str, str] = {}
    for index, name in enumerate(names):
        here = place_of(where, places, (kind, str(index), "name"))
        if name in first:
            yield f"{here}: {kind}.{index}.name: {name!r} is another one's name ({first[name]})"
        first.setdefault(name, here)
