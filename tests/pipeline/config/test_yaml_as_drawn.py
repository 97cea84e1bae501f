"""Drawn texts of every construction of YAML, many of them wrong: value, lines and complaint, as they were."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from pipeline.config import yaml_reader
from pipeline.config.yaml_reader import YamlFault, parse_yaml
from tests.pinned import assert_pinned

SCALARS = (
    "7", "007", "-1.5", ".5e3", "0x1f", "0o17", "0o8", "true", "True", "no", "~", "", "null", "NULL", "text", "'7'",
    '"a b"', "! 7", "!!str 7", "!!int 7", "!!int x", "!!float 7", "!!float .inf", "!!bool 1", "!!bool true", "!!null ~",
    "!!null x", "!own 7", "*a", "*b", "&a 7", "&b word", "1" * 41, "1" * 40, "x" * 90, "!" + "t" * 90 + " 7",
    ".nan", "-.INF",
)  # fmt: skip
KEYS = ("a", "b", "c", "7", "'d'", "*a", "?", "true")


def drawn_value(draw: random.Random, depth: int) -> str:
    """In flow style."""
    kind = draw.random()
    if depth == 0 or kind < 0.5:
        return draw.choice(SCALARS)
    before = draw.choice(("",) * 6 + ("&a ", "&b ", "!!map ", "!!seq ", "!own "))
    parts = [drawn_value(draw, depth - 1) for _ in range(draw.randrange(3))]
    if kind < 0.75:
        return f"{before}[{', '.join(parts)}]"
    return (
        f"{before}{{{', '.join(f'{key}: {part}' for key, part in zip(draw.choices(KEYS, k=2), parts, strict=False))}}}"
    )


def drawn_text(draw: random.Random) -> str:
    lines = []
    for number in range(draw.randrange(1, 5)):
        value = drawn_value(draw, 3)
        key = draw.choice((f"k{number}",) * 5 + KEYS)
        lines.append(
            draw.choice((f"{key}: {value}", f"{key}: {value}", f"{key}:\n  - {value}\n  - {value}", "# nothing"))
        )
    return "\n".join([*draw.choice(([],) * 9 + (["---"], ["--- 1", "---"])), *lines])


def lines_of_texts() -> Iterable[str]:
    draw = random.Random(1)
    texts = [*SCALARS, *(f"- {scalar}" for scalar in SCALARS), *(drawn_text(draw) for _ in range(220))]
    for text in texts:
        try:
            found = parse_yaml(text)
        except YamlFault as fault:
            yield f"{text!r}: line {fault.line}: {fault}"
            continue
        places = " ".join(f"{'.'.join(path)}={line}" for path, line in found.lines.items())
        yield f"{text!r}: {found.value!r} {places}; as text {parse_yaml(text, as_text=True).value!r}"


def test_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With limits so low that some of these texts are beyond them."""
    for name, limit in (("MAX_DEPTH", 4), ("MAX_ALIASED_NODES", 5), ("_MAX_DIGITS", 40)):
        monkeypatch.setattr(yaml_reader, name, limit)
    assert_pinned("yaml.txt", "\n".join(lines_of_texts()))
