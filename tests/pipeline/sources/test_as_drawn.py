"""Sidecars in every form, and files that may be one side of a call: read and joined as they were."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.records import CallMetadata, Direction, FoundCall, Role, SkippedFile
from pipeline.sources.metadata.exports import BadSidecar, read_export, read_record
from pipeline.sources.pair_names import PairNames
from pipeline.sources.pairs import Pairing, is_half_of
from tests.pinned import assert_pinned

SETTINGS = InputSettings()
COLUMNS = SETTINGS.sidecar.columns
NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)


def printable(line: str) -> str:
    """On one line, without the long texts."""
    for letter, length in (("z", 501), ("y", 500)):
        line = line.replace(letter * length, f"{letter} {length} times")
    return line.replace("\n", "\\n").replace("\r", "\\r")


def read(content: bytes, **how: Any) -> str:
    try:
        found = list(read_export(content, COLUMNS, how.get("encoding"), how.get("delimiter")))
    except BadSidecar as error:
        return f"refused: {error}"
    return "; ".join(f"{one.place} {list(one.pairs)} {list(one.also)} {one.fault or ''}" for one in found) or "nothing"


def one_of(content: bytes, recording: str) -> str:
    try:
        found = read_record(content, COLUMNS, None, recording)
    except BadSidecar as error:
        return f"refused: {error}"
    return f"{found.place} {list(found.pairs)} {list(found.also)}"


def drawn_value(draw: random.Random, depth: int) -> Any:
    kind = draw.random()
    if depth > 2 or kind < 0.5:
        return draw.choice(("x", 7, 1.5, True, None, "", "y" * 500, "z" * 501, "00112"))
    if kind < 0.75:
        return {
            name: drawn_value(draw, depth + 1) for name in draw.sample(("agent_id", "queue", "note", "value", "key"), 2)
        }
    return [
        {"file_name": f"{letter}.wav", "n": drawn_value(draw, 3)}
        if draw.random() < 0.4
        else drawn_value(draw, depth + 1)
        for letter in draw.choice(("", "a", "ab"))
    ]


def lines_of_trees() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(120):
        tree: Any = {
            name: drawn_value(draw, 0)
            for name in draw.sample(("file_name", "agent_id", "calls", "site", "legs", "started_at"), 3)
        }
        if "file_name" in tree and draw.random() < 0.8:
            tree["file_name"] = draw.choice(("a.wav", "deep/b.wav"))
        tree = [tree, {"file_name": "b.wav", "queue": "q"}] if draw.random() < 0.3 else tree
        content = json.dumps(tree).encode(draw.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le")))
        yield f"{read(content)} | of b.wav {one_of(content, 'b.wav')}"
    for text in (
        '{"file_name": "a.wav"}\n\n{"file_name": "b.wav"}',
        '{"file_name": "a.wav"}\nno',
        "[1, 2]",
        "[]",
        "{}",
        "[" * 100_000,
        "<calls><call><file_name>a.wav</file_name><queue zone='x'>q</queue></call>"
        "<call><file_name>b.wav</file_name></call></calls>",
        '<c:call xmlns:c="u" file_name="a.wav"><attribute key="agentid">7</attribute>'
        '<attribute name="x" value="8"/><n>1</n><n>2</n></c:call>',
        "<call>text<file_name>a.wav</file_name> tail</call>",
        "<call file_name='a.wav'>said</call>",
        "<a",
        "<a/>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        '<?xml version="1.0" encoding="nope"?><a/>',
        "<call><attribute key='agentid'>7</attribute><attribute key='agentid'>8</attribute>"
        "<file_name>a.wav</file_name></call>",
    ):
        yield f"{text[:60]!r}: {read(text.encode())} | {one_of(text.encode(), 'a.wav')}"


def lines_of_tables() -> Iterable[str]:
    for text in (
        "file_name,agent_id\na.wav,7\n\nb.wav\nc.wav,8,9\nd.wav,\n",
        "file_name;agent_id;a,b,c\na.wav;7;8\n",
        "a\tfile_name\n1\ta.wav",
        "sep=;\nfile_name;queue\na.wav;q",
        '"SEP=|"\r\nfile_name|queue\r\na.wav|q\r\n',
        "sep=\nfile_name\tx\na.wav\t1",
        "x,y\n1,2\n",
        " file_name , queue \na.wav,q",
        "",
        "call_id,queue\n12,q",
        'file_name,n\n"a\n.wav",1\nb.wav,2',
        "file_name\r\na.wav\r\n",
    ):
        yield f"{text[:30]!r}: {read(text.encode())} | ; {read(text.encode(), delimiter=';')}"
    umlaut = "file_name,agent_id\na.wav,Jörg\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"):
        content = umlaut.encode(encoding)
        yield f"{encoding}: {read(content)} | cp1252 {read(content, encoding='cp1252')}"


def call(name: str, hours: float | None, **more: Any) -> FoundCall:
    return FoundCall(
        source_uri=f"file:///calls/{name}", file_name=name.rpartition("/")[2], size_bytes=len(name),
        modified_at=None if hours is None else NOW - timedelta(hours=hours), etag=None, **more,
    )  # fmt: skip


def shown(item: FoundCall | SkippedFile) -> str:
    if isinstance(item, SkippedFile):
        return f"{item.file_name} left: {item.reason} {item.message} {item.waiting}"
    known = item.metadata
    return (
        f"{item.file_name} {item.size_bytes} {item.modified_at and item.modified_at.hour} {item.lone_side} "
        f"{[side.file_name for side in item.sides]} {known.agent_id} {known.direction} "
        f"{known.channel_roles and [role.value for role in known.channel_roles]} {dict(known.extra)}"
    )


NAMES = (
    "77-in.wav",
    "77-out.wav",
    "77-OUT.wav",
    "77-in.mp3",
    "77_out.mp3",
    "sign-in.wav",
    "sign-out.wav",
    "x/8-in.wav",
    "x/8-out.wav",
    "9-rx.wav",
    "9-tx.wav",
    "8-out.wav",
    "1793500200.42-in.wav",
    "call77.in.wav",
    "call77.out.wav",
    "plain.wav",
    "a_agent.wav",
    "a_customer.wav",
    "12-caller.wav",
    "12-called.wav",
)


def lines_of_pairs() -> Iterable[str]:
    names = PairNames(SETTINGS.pairs)
    for name in NAMES:
        halves = [(half.kind, half.side, half.word, half.key, half.stem, half.bare) for half in names.halves(name)]
        yield f"{name}: {halves}"
    draw = random.Random(2)
    for _ in range(90):
        items: list[FoundCall | SkippedFile] = []
        for name in draw.sample(NAMES, draw.randrange(1, 6)):
            made = call(name, draw.choice((None, 1.0, SETTINGS.pairs.wait_h, 200.0)))
            known = CallMetadata(
                agent_id=draw.choice((None, "7", "8")),
                direction=draw.choice((None, Direction.INBOUND, Direction.OUTBOUND)),
                channel_roles=draw.choice((None, None, (Role.AGENT,))),
                extra=draw.choice(({}, {"site": "l"})),
            )
            made = replace(made, metadata=known)
            waiting = draw.random() < 0.5
            items.append(made.skipped("odd", "why", waiting=waiting) if draw.random() < 0.15 else made)
        pairing = Pairing(SETTINGS.pairs, now=NOW.timestamp)
        joined = list(pairing.joined(items))
        kept = [
            is_half_of(item, other.etag)
            for item in items if isinstance(item, FoundCall) for other in joined if isinstance(other, FoundCall)
        ]  # fmt: skip
        yield f"{[item.file_name for item in items]}: {'; '.join(map(shown, joined))} {sum(kept)}"


@pytest.mark.parametrize(
    "lines", [lines_of_trees, lines_of_tables, lines_of_pairs], ids=lambda lines: str(lines.__name__)
)
def test_what_was_read_and_joined(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(printable(line) for line in lines()))
