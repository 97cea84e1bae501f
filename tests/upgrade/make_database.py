"""Make a database with the code of another commit, and write it down as SQL: what an upgrade starts from.

    git worktree add ../old f99fb40
    python tests/upgrade/make_database.py ../old

Runs that commit's own command line over a few sample calls, once for each of `SITUATIONS`, with the tiny weights of
`weights/`, and writes `<commit>.sql`: its migrations, and what the runs left in every table.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "samples" / "calls"
WEIGHTS = HERE / "weights"
HOME = "file:///upgrade"
"""Stands in the dump for the folder that holds the folders of calls."""
MODIFIED_AT = 1_780_000_000
"""Time of all recordings, seconds since 1970."""
SMALL = "models--Systran--faster-whisper-small"
SMALL_COMMIT = "536b0662742c02347bc0e980a01041f333bce120"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One configuration of the old code, and the calls it was used on."""

    calls: tuple[str, ...]
    settings: Mapping[str, str]
    """As for `--set`; `~` is the home folder that `lay_out` fills."""
    engine: str
    """That wrote the rows."""


SITUATIONS: Mapping[str, Situation] = {
    # Nothing but the demonstration engine, pinned: with the default list its rows were to be redone before, too.
    "sphinx": Situation(
        calls=("rec-000017.ogg", "20260914-101743_inbound_agent-4720_b2c_q-support_internet-outage.mp3"),
        settings={"transcription.engines": "[sphinx]"},
        engine="sphinx",
    ),
    # Nothing set at all: the old default weights of Whisper were in the hub's cache.
    "defaults": Situation(
        calls=("20260914-113006_inbound_agent-4711_b2c_q-cards_lost-card.wav",), settings={}, engine="faster_whisper"
    ),
    # Weights in folders, for the recogniser and for the language model.
    "folders": Situation(
        calls=("20260915-101130_inbound_agent-4815_b2b_q-support_x-204_from-20260915-100958_server-down.ogg",),
        settings={
            "transcription.engines": "[faster_whisper]",
            "transcription.faster_whisper.model": "~/weights/whisper",
            "llm.providers": "[mlx_lm, extractive]",
            "llm.mlx_lm.model": "~/weights/llm",
            "topics.pre_summary": "false",
        },
        engine="faster_whisper",
    ),
    # Settings that never changed a word, but were part of the recipe; and stored texts without personal data.
    "unlike_defaults": Situation(
        calls=("20260915-084455_outbound_agent-4802_b2b_q-accounts_ch-agent+client_contract-renewal.m4a",),
        settings={
            "transcription.engines": "[scripted]",
            "transcription.scripted.missing": "hash",
            "audio.block_s": "4",
            "audio.max_channels": "4",
            "voice_activity.strict": "true",
            "voice_activity.silero.windows_per_run": "128",
            "voice_activity.energy.margin_db": "14",
            "redaction.redact_stored": "true",
        },
        engine="scripted",
    ),
}


def lay_out(folder: Path) -> None:
    """A home folder with the weights, and a folder of calls for each situation."""
    shutil.copytree(WEIGHTS, folder / "weights")
    cached = folder / "hub" / SMALL
    shutil.copytree(WEIGHTS / "whisper", cached / "snapshots" / SMALL_COMMIT)
    for name, situation in SITUATIONS.items():
        (folder / name).mkdir()
        for file in (*situation.calls, "calls.csv"):
            copy = shutil.copyfile(SAMPLES / file, folder / name / file)
            os.utime(copy, (MODIFIED_AT, MODIFIED_AT))


def environment(folder: Path) -> dict[str, str]:
    """Of a run: its home and the hub's cache are in `folder`, and no hub is asked."""
    return {**os.environ, "HOME": str(folder), "HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}


def arguments(folder: Path, name: str, database: Mapping[str, str]) -> list[str]:
    """Of `run.py` for one situation; there is an empty configuration in `folder`."""
    (folder / "config.yaml").touch()
    chosen = {**database, "run.spool_dir": f"{folder}/spool", "run.decode_workers": "1", **SITUATIONS[name].settings}
    sets = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    places = ["--config", str(folder / "config.yaml"), "--input", str(folder / name), "--output", str(folder / "out")]
    return ["run.py", *places, *sets]


def _dump(url: str, folder: Path) -> Iterator[str]:
    """Every row as COPY writes it, parents before children."""
    with psycopg.connect(url) as connection:
        migrations = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'earshot_migration%' ORDER BY 1"
        ).fetchall()
        tables = ["runs", "transcripts", "transcript_chunks", "finished_segments", "calls", "call_steps"]
        for (table,) in migrations:
            yield _definition(connection, table)
        for table in [*tables, "chunk_sentiments", *(row[0] for row in migrations)]:
            yield from _table(connection, table, folder)


def _definition(connection: psycopg.Connection[Any], table: str) -> str:
    """Of a table that no migration makes: yoyo's own."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position",
        [table],
    ).fetchall()
    return f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns)});\n"


def _table(connection: psycopg.Connection[Any], table: str, folder: Path) -> Iterator[str]:
    columns = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER'"
        " ORDER BY ordinal_position",
        [table],
    ).fetchall()
    names = sql.SQL(", ").join(sql.Identifier(column[0]) for column in columns)
    query = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        rows = b"".join(copy).decode().replace(folder.as_uri(), HOME).replace(str(folder), HOME.removeprefix("file://"))
    yield f"COPY {table} ({', '.join(column[0] for column in columns)}) FROM STDIN;\n{rows}\\.\n"


def main(old: Path) -> None:
    commit = subprocess.run(
        ["git", "-C", str(old), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = Path(tempfile.mkdtemp(prefix="earshot-upgrade-")).resolve()
    folder.chmod(0o755)
    lay_out(folder)
    database = {"database.data_dir": str(folder / "postgres")}
    for name in SITUATIONS:
        command = [sys.executable, *arguments(folder, name, database)]
        subprocess.run(command, cwd=old, env=environment(folder), check=True)
    options = ["--config", str(folder / "config.yaml"), "--set", f"database.data_dir={folder}/postgres"]
    command = [sys.executable, "run.py", "db", "url", *options]
    url = subprocess.run(command, cwd=old, check=True, capture_output=True, text=True).stdout.strip()
    try:
        schema = [path.read_text(encoding="utf-8") for path in sorted((old / "db" / "schema").glob("*.sql"))]
        (HERE / f"{commit}.sql").write_text("\n".join((*schema, *_dump(url, folder))), encoding="utf-8")
    finally:
        subprocess.run([sys.executable, "run.py", "db", "stop", *options], cwd=old, check=False)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
