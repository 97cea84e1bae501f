"""A transcript inside a prompt: data between two marks, one line per chunk, never an instruction.

Prompts are files in `analysis/templates/prompts`. What was said appears only in the user's part, on lines
`#7 client: …` between `<transcript>` and `</transcript>`. What could end the transcript, begin a line or a turn of its
own, or pass for the answer is taken out of it: line breaks, angle brackets, marks of chat formats, JSON's braces.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.calls import in_order
from pipeline.records import TranscriptChunk

PROMPTS_DIR = Path(__file__).parent / "templates" / "prompts"
_MARKS = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")", "|": "/", "`": "'", "#": " ", "\x00": " "})
_ROLE = re.compile(r"\b(system|assistant|user|developer|tool|instructions?|agent|client)\s*:", re.IGNORECASE)
_CHAT_TAG = re.compile(r"\[(/?[A-Za-z_ ]{2,20})\]")
"""`[INST]`, `[/SYSTEM]`, `[noise]`; placeholders of personal data end in a number (`[CARD_1]`) and stay."""
_LEFT_OUT = "#… (the middle of the call is left out)"


def as_data(text: str) -> str:
    """One line in which nothing stands for more than words; every kind of space and separator is one space."""
    plain = " ".join(text.translate(_MARKS).split())
    return _CHAT_TAG.sub(r"(\1)", _ROLE.sub(r"\1,", plain))


def transcript_lines(chunks: Sequence[TranscriptChunk]) -> list[str]:
    """`#number role: text` in order of time; chunks without text are left out but counted."""
    ordered = in_order(chunks)
    return [
        f"#{number} {chunk.role.value}: {as_data(chunk.text)}"
        for number, chunk in enumerate(ordered, start=1)
        if as_data(chunk.text)
    ]


def opening_and_end(lines: Sequence[str], max_chars: int) -> list[str]:
    """All lines; where they are too long, two thirds of the limit go to the opening and the rest to the end."""
    if sum(len(line) + 1 for line in lines) <= max_chars:
        return list(lines)
    budget = max_chars - len(_LEFT_OUT) - 1
    head = _until(lines, budget * 2 // 3)
    tail = _until(lines[len(head) :][::-1], budget - sum(len(line) + 1 for line in head))[::-1]
    return [*head, _LEFT_OUT, *tail]


def pieces(lines: Sequence[str], max_chars: int) -> list[list[str]]:
    """Lines in pieces of at most `max_chars`; a longer line is cut at a word."""
    result: list[list[str]] = []
    size = max_chars + 1
    for line in lines:
        for part in _cut(line, max_chars):
            if size + len(part) + 1 > max_chars:
                result.append([])
                size = 0
            result[-1].append(part)
            size += len(part) + 1
    return result


def _until(lines: Sequence[str], budget: int) -> list[str]:
    taken: list[str] = []
    for line in lines:
        budget -= len(line) + 1
        if budget < 0:
            if not taken:
                taken.append(line[: max(0, budget + len(line))])
            break
        taken.append(line)
    return taken


def _cut(line: str, max_chars: int) -> list[str]:
    parts = []
    rest = line
    while len(rest) >= max_chars:
        space = rest.rfind(" ", 1, max_chars - 1)
        end = space if space > 0 else max_chars - 1
        parts.append(rest[:end])
        rest = rest[end:].lstrip()
    return [*parts, rest]


def fenced(tag: str, lines: Sequence[str]) -> str:
    """The lines between `<tag>` and `</tag>`."""
    return "\n".join((f"<{tag}>", *lines, f"</{tag}>"))


def prompt(name: str, language: str | None, values: Mapping[str, Any]) -> str:
    """The prompt `name` in the language, else in English, filled in."""
    return str(_environment().select_template([f"{name}.{language}.j2", f"{name}.j2"]).render(values)).strip()


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Prompts are plain text, not HTML.
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(PROMPTS_DIR),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


def language_name(code: str | None) -> str:
    """`French` for fr, for prompts in English; the code itself where it is unknown."""
    if code is None:
        return "the language of the call"
    from babel import Locale, UnknownLocaleError  # type: ignore[import-untyped,unused-ignore]

    try:
        return Locale.parse(code).get_language_name("en") or code
    except (UnknownLocaleError, ValueError):
        return code


def prompts_hash(names: Sequence[str], folder: Path = PROMPTS_DIR) -> str:
    """SHA-256 (16 hex digits) of these prompts in all their languages: part of a step's fingerprint."""
    digest = hashlib.sha256()
    for name in names:
        for path in sorted(folder.glob(f"{name}*.j2")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
