"""Calls to ask questions about: our samples, the reference calls, short calls of our own, and written dialogues."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bench.materials.asked_calls import APART, DEVELOPED, asked_calls
from bench.materials.reference_calls import dialogue_of, harper_valley, samples
from bench.materials.service_dialogues import service_dialogues
from db.ledger.rows import CHUNK
from db.ledger.values import json_parameter
from pipeline.records import CallForAnalysis

if TYPE_CHECKING:
    from psycopg import Connection

_LABELS = Path(__file__).resolve().parents[1] / "labels"
HALVES = ("developed", "apart")
FURTHER = ("absent", "further", "asked_last")
"""Questions that are only measured with, too."""
TYPED = ("typed_seen", "typed_apart", "typed_last")
"""Questions as managers type them, over several sets of calls; the second and third were put aside."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the calls that answer it; none where it is in none of them."""

    ask: str
    kind: str
    calls: frozenset[str]
    over: str = "calls"
    """The set of calls that it is asked about."""


@dataclass(frozen=True, slots=True)
class LineQuestion:
    """A question, and by call the words of the lines that answer it."""

    ask: str
    lines: Mapping[str, tuple[str, ...]]


def line_questions(half: str) -> list[LineQuestion]:
    rows = yaml.safe_load((_LABELS / "question_lines.yaml").read_text(encoding="utf-8"))[half]
    return [LineQuestion(row["ask"], {call: tuple(lines) for call, lines in row["lines"].items()}) for row in rows]


def questions(name: str) -> list[Question]:
    """Of one of HALVES, FURTHER or TYPED, or of `threshold`, which are for fitting it alone."""
    rows = yaml.safe_load((_LABELS / f"questions_{name}.yaml").read_text(encoding="utf-8"))
    return [Question(row["ask"], row["kind"], frozenset(row["calls"]), row.get("over", "calls")) for row in rows]


def corpus(data: Path | None) -> dict[str, CallForAnalysis]:
    """Calls by the names that the questions use; without `data` those of the project alone."""
    return dict(_named(data))


def _named(data: Path | None) -> Iterator[tuple[str, CallForAnalysis]]:
    for call, _ in samples():
        yield f"sample:{call.call_id.rpartition('_')[2]}", call
    seen: set[str] = set()
    for path in (DEVELOPED, APART):
        for asked in asked_calls(path):
            name = asked.call.call_id
            yield f"asked:{name}_2" if name in seen else f"asked:{name}", asked.call
            seen.add(name)
    for line in (_LABELS / "foreign_calls.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield (
            f"foreign:{row['name']}",
            dialogue_of(
                row["name"],
                ((turn["role"], turn["text"]) for turn in row["turns"]),
                every_s=4.0,
                language=row["language"],
            ),
        )
    if data is not None:
        for call, _ in harper_valley(data):
            yield f"harper:{call.call_id}", call
        for dialogue in service_dialogues(data):
            yield f"dialogue:{dialogue.name}", dialogue_of(dialogue.name, dialogue.turns, every_s=4.0)


def store_corpus(connection: Connection[Any], calls: Mapping[str, CallForAnalysis]) -> None:
    """The calls as rows, each with its name as file name."""
    for name, call in calls.items():
        language = call.transcript.language
        connection.execute(
            """INSERT INTO transcripts (fingerprint, audio_sha256, engine, model, options_hash, rank, demonstration,
                   language, chunks_hash)
               VALUES (%(name)s, %(name)s, 'human', '', '', 0, false, %(language)s, 'h')""",
            {"name": name, "language": language},
        )
        rows = [CHUNK.row(chunk) | {"language": language} for chunk in call.transcript.chunks]
        connection.execute(
            f"""INSERT INTO transcript_chunks (transcript_fingerprint, {CHUNK.listed})
                SELECT %s, {CHUNK.listed} FROM json_populate_recordset(NULL::transcript_chunks, %s)""",
            [name, json_parameter(rows)],
        )
        connection.execute(
            """INSERT INTO calls (call_id, source_uri, file_name, audio_sha256, source_size_bytes, status, language,
                   transcript_fingerprint)
               VALUES (%(id)s, %(uri)s, %(name)s, %(name)s, 1, 'done', %(language)s, %(name)s)""",
            {"id": uuid.uuid5(uuid.NAMESPACE_URL, name), "uri": f"file:///{name}", "name": name, "language": language},
        )
    connection.execute("ANALYZE transcript_chunks")
