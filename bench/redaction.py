"""Redaction: how much of each kind of personal data is found, and how many harmless numbers are taken.

    python -m bench.redaction [--data ../shared/data] [--part PART] [--rules] [--references] [--show]

`developed` and `apart` are exchanges of our own (`bench/labels`): the first was used to write the rules, the second was
not looked at. `later` was written before its faults were mended, `last` after that; `seen` and `aside` are halves by
chance of 98 written before the mending of 2026-11-27 (`bench/labels/README.md`), `fresh_seen` is of somebody who saw
no code, `fresh_aside` and `fresh_third` are of two others, `fresh_own` our own in other styles. What was learned was
fitted on all of them (`bench.redaction_weights`, which also measures each without it) and on `fresh_fourth` to
`fresh_sixth`, but not on `fifth_aside` and `sixth_aside`; `--rules` leaves it out. A value counts as found when no
letter or digit of any of its pieces is left, in all turns. `cases` are those of the reference data: what may not be
readable is not, and a case without any stays as it is. `harper` are the human texts of the six bank calls: each stretch
taken is listed by kind.
Shares have their 95 % interval (Wilson 1927).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT
from analysis.redaction import Redactor, build_redactor
from analysis.redaction.spans import PersonalSpan
from bench.materials import redaction_exchanges as materials
from bench.materials.redaction_exchanges import (
    REFERENCE,
    Exchange,
    Marked,
    read_cases,
    read_exchanges,
    without_references,
)
from bench.materials.reference_calls import harper_valley
from bench.options import options_of
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import KINDS, RedactionSettings

SETS = {
    "developed": materials.DEVELOPED,
    "apart": materials.APART,
    "later": materials.LATER,
    "last": materials.LAST,
    "seen": materials.SEEN,
    "aside": materials.ASIDE,
    "fresh_seen": materials.FRESH_SEEN,
    "fresh_own": materials.FRESH_OWN,
    "fresh_aside": materials.FRESH_ASIDE,
    "fresh_third": materials.FRESH_THIRD,
    "fresh_fourth": materials.FRESH_FOURTH,
    "fresh_fifth": materials.FRESH_FIFTH,
    "fresh_sixth": materials.FRESH_SIXTH,
    "fifth_aside": materials.FIFTH_ASIDE,
    "sixth_aside": materials.SIXTH_ASIDE,
}
PARTS = (*SETS, "cases", "harper")
HARD_KINDS = ("name", "address")
"""Kinds with a lower aim: nothing checks a name."""


def _covered(text: str, mark: Marked, found: Sequence[PersonalSpan]) -> list[bool]:
    """For each letter and digit of the mark whether it is taken."""
    return [
        any(span.start <= index < span.end for span in found)
        for index in range(mark.start, mark.end)
        if text[index].isalnum()
    ]


def _elsewhere(exchange: Exchange, found: Sequence[PersonalSpan]) -> Iterator[str]:
    """What was taken although nothing there is marked."""
    for span in found:
        if all(span.end <= mark.start or span.start >= mark.end for mark in exchange.marked):
            yield exchange.text[span.start : span.end]


def exchanges(redactor: Redactor, chosen: Sequence[Exchange], show: bool) -> dict[str, Any]:
    """References of orders and bookings count as harmless where this redactor leaves them."""
    if REFERENCE not in redactor.kinds:
        chosen = [without_references(exchange) for exchange in chosen]
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    harmless = taken = other = 0
    for exchange in chosen:
        found = redactor.find(exchange.text)
        for kind, pieces in exchange.values().items():
            gone = all(all(_covered(exchange.text, mark, found)) for mark in pieces)
            total[kind] += 1
            right[kind] += gone
            if show and not gone:
                print(f"left    {kind:9} {exchange.name}: {redactor.redact(exchange.text).text!r}")
        for mark in exchange.marked:
            if mark.kind is None:
                harmless += 1
                hit = any(_covered(exchange.text, mark, found))
                taken += hit
                if show and hit:
                    print(f"taken   {exchange.name}: {redactor.redact(exchange.text).text!r}")
        for words in _elsewhere(exchange, found):
            other += 1
            if show:
                print(f"beside  {exchange.name}: {words!r}")
    firm = [kind for kind in total if kind not in HARD_KINDS]
    figures: dict[str, Any] = {kind: share(right[kind], total[kind]) for kind in sorted(total)}
    figures["all but names and addresses"] = share(sum(right[k] for k in firm), sum(total[k] for k in firm))
    figures["names and addresses"] = share(sum(right[k] for k in HARD_KINDS), sum(total[k] for k in HARD_KINDS))
    figures["harmless numbers taken"] = share(taken, harmless)
    figures["other words taken"] = other
    return figures


def cases(redactor: Redactor, data: Path, show: bool) -> dict[str, Any]:
    right = total = 0
    for name, lines, gone in read_cases(data / "cases" / "redaction_turns.jsonl"):
        redacted, _ = redactor.redact_lines(lines)
        left = [words for words in gone if any(words.casefold() in line.casefold() for line in redacted)]
        good = not left if gone else redacted == lines
        total += 1
        right += good
        if show and not good:
            print(f"case    {name}: {redacted}")
    return {"cases right": share(right, total)}


def harper(redactor: Redactor, data: Path) -> dict[str, Any]:
    """What is taken out of six bank calls, by kind, with its words: a reader tells right from wrong."""
    found: dict[str, list[str]] = {}
    for call, _ in harper_valley(data):
        chunks = call.transcript.chunks
        text = "".join(f"\n#{n} {chunk.role.value}: {chunk.text}" for n, chunk in enumerate(chunks, 1))
        for span in redactor.find(text):
            found.setdefault(span.name, []).append(text[span.start : span.end])
    return dict(sorted(found.items()))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--rules", action="store_true", help="by the rules alone, without what was learned")
    parser.add_argument("--references", action="store_true", help="with the kind `reference`, too")
    parser.add_argument("--show", action="store_true", help="print what was left and what was taken wrongly")
    chosen = parser.parse_args(arguments)
    settings = RedactionSettings(kinds=(*KINDS, REFERENCE) if chosen.references else KINDS)
    redactor = build_redactor(settings, WITHOUT if chosen.rules else open_encoder(EncoderSettings()))
    figures: dict[str, Any] = {}
    for part in chosen.part or PARTS:
        if part in ("cases", "harper") and not chosen.data.is_dir():
            print(f"{part}: left out, {chosen.data} is not there (--data DIR)")
            continue
        if part in SETS:
            figures[part] = exchanges(redactor, read_exchanges(SETS[part]), chosen.show)
        elif part == "cases":
            figures[part] = cases(redactor, chosen.data, chosen.show)
        else:
            figures[part] = harper(redactor, chosen.data)
        for name, value in figures[part].items():
            print(f"{part:10} {name:30} {value}")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
