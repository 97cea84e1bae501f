"""Many calls in one database: how fast they load, how large it gets, and how long each question takes.

    nice python -m bench.million [--calls 1000000] [--chunks 20] [--upserts 100] [--workers 1]
        [--processor] [--folder DIR]

Calls are made in the database itself (`INSERT … SELECT` over a series, the same rows for the same number): two years,
300 agents, 24 topics, text of our sample calls, four steps a call, one rule in four calls. Then, on the same server:
each view for one day and for all, each question of docs/analytics.md, the page of the list of calls, the dashboard, a
search, and what a run writes for a call (processor time), before and after. Wall seconds, each the better of two; with
`--processor`, on a machine with other work, seconds of a processor, the server's included, each by one process of it.

Loaded as a dump is: indexes are made when the rows are there, and references are not looked up for each row. With both,
a call takes 4.7 ms of processor time instead of 1.05. `--workers 2` makes rows on two connections at once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, get_args

from bench.database import cpu_s, keep, typical_call
from bench.materials.reference_calls import samples
from bench.materials.testbed import fresh_database, server_cpu_s
from bench.options import options_of
from db.analytics import questions
from db.connection import Database
from db.ledger.store import PostgresStore
from db.link import open_link
from db.queries.chosen import CallFilter
from db.queries.dashboard import dashboard_of
from db.queries.listing import Sort, choices_among, listed_calls, total_of
from db.queries.searching import search, second_guess

BATCH = 10_000
"""Calls of one transaction."""
VIEWS = ("daily", "daily_agent", "topics_weekly", "calls_done", "attention", "sides", "repeat_calls")
DAY = "2026-06-10"
MIDDLE = date(2025, 9, 29)
"""Half of the calls have begun by the end of this day."""
ONE_DAY = CallFilter(first_day=date.fromisoformat(DAY), last_day=date.fromisoformat(DAY))
LISTS: Sequence[tuple[str, CallFilter, Sort]] = (
    *((sort, CallFilter(), sort) for sort in get_args(Sort)),
    ("agent", CallFilter(agent="4007"), "newest"),
    ("text", CallFilter(text="refund"), "newest"),
)

LINES = """
CREATE TABLE bench_lines (place integer PRIMARY KEY, text text NOT NULL)
"""
TRANSCRIPTS = """
INSERT INTO transcripts (fingerprint, audio_sha256, engine, model, options_hash, rank, demonstration, language,
    chunks_hash)
SELECT 'm' || n, md5('a' || n), 'faster_whisper', 'base', 'o', 0, false, 'en', 'h'
FROM generate_series(%(first)s::int, %(last)s::int) n
"""
CHUNKS = """
INSERT INTO transcript_chunks (transcript_fingerprint, channel, ordinal, role, start_s, end_s, text, confidence,
    language)
SELECT 'm' || n, k %% 2, k / 2, CASE k %% 2 WHEN 0 THEN 'client' ELSE 'agent' END, k * 6, k * 6 + 5, l.text, 0.8, 'en'
FROM generate_series(%(first)s::int, %(last)s::int) n, generate_series(0, %(chunks)s::int - 1) k
JOIN bench_lines l ON true
WHERE l.place = abs(hashint4(n * 64 + k)) %% %(lines)s
"""
CALLS = """
INSERT INTO calls (call_id, source_uri, file_name, audio_sha256, source_size_bytes, source_modified_at, started_at,
    duration_s, channels, sample_rate_hz, direction, agent_id, queue, metadata, language, status, transcription,
    agent_transcription, client_transcription, client_text_sentiment, client_text_confidence, client_text_probabilities,
    agent_text_sentiment, agent_text_confidence, agent_text_probabilities, topic, subtopic, summary, agent_talk_s,
    client_talk_s, agent_talk_share, client_talk_share, silence_s, silence_share, longest_silence_s, overtalk_s,
    agent_interruptions, client_interruptions, turns, agent_words_per_minute, client_words_per_minute,
    conversation_extra, asr_engine, asr_model, asr_demonstration, transcript_fingerprint, attention_weight,
    attention_critical, rules_not_in_language)
SELECT md5('c' || n)::uuid, 'file:///million/' || n || '.wav', n || '.wav', md5('a' || n), 1000, began, began,
    %(chunks)s * 6, 2, 8000, CASE WHEN h %% 5 = 0 THEN 'outbound' ELSE 'inbound' END, (4000 + h %% 300)::text,
    'q' || h %% 12, jsonb_build_object('other', '+1555' || lpad((h %% 400000)::text, 7, '0')), 'en', 'done', said.whole,
    said.agent, said.client, m.label, 0.8, sentiment_probabilities(m.negative, 0.9 - m.negative, 0.1),
    'neutral', 0.8, sentiment_probabilities(0.1, 0.8, 0.1), 'Topic ' || h %% 24, 'Subtopic ' || h %% 96,
    left(said.client, 200), 50, 40, 0.42, 0.33, 30, (h %% 60) / 100.0, h %% 90, 2, h %% 3, h %% 4, %(chunks)s, 160, 150,
    jsonb_build_object('agent_words', 120, 'client_words', 100, 'agent_turns', 10, 'client_turns', 10),
    'faster_whisper', 'base', false, 'm' || n, CASE WHEN h %% 4 = 0 THEN 3 ELSE 0 END, h %% 40 = 0, 0
FROM (
    SELECT n, abs(hashint4(n)) AS h,
        timestamptz '2024-10-01 06:00+00' + (n::float8 / %(all)s) * interval '728 days' AS began
    FROM generate_series(%(first)s::int, %(last)s::int) n
) made
CROSS JOIN LATERAL (
    SELECT string_agg(role || ': ' || text, E'\\n' ORDER BY start_s) AS whole,
        string_agg(text, ' ' ORDER BY start_s) FILTER (WHERE role = 'agent') AS agent,
        string_agg(text, ' ' ORDER BY start_s) FILTER (WHERE role = 'client') AS client
    FROM transcript_chunks WHERE transcript_fingerprint = 'm' || n
) said
CROSS JOIN LATERAL (
    SELECT CASE WHEN h %% 6 = 0 THEN 'negative' ELSE 'neutral' END AS label,
        CASE WHEN h %% 6 = 0 THEN 0.8 ELSE 0.1 END AS negative
) m
"""
STEPS = """
INSERT INTO call_steps (call_id, step, fingerprint, state, attempts, provider, payload)
SELECT md5('c' || n)::uuid, step, md5(step || n), 'done', 1, 'local', '{}'
FROM generate_series(%(first)s::int, %(last)s::int) n, unnest(ARRAY['text', 'topic', 'conversation', 'rules']) step
"""
MOODS = """
INSERT INTO chunk_sentiments (call_id, transcript_fingerprint, channel, ordinal, text_negative, text_neutral,
    text_positive)
SELECT md5('c' || n)::uuid, 'm' || n, k %% 2, k / 2, 0.1, 0.8, 0.1
FROM generate_series(%(first)s::int, %(last)s::int) n, generate_series(0, %(chunks)s::int - 1) k
"""
MATCHES = """
INSERT INTO rule_matches (call_id, rule, title, reason, quote, role, start_s, end_s, weight, critical, occurrences)
SELECT md5('c' || n)::uuid, 'rule_' || abs(hashint4(n)) %% 10, 'A rule', 'the client said it', 'I want to cancel.',
    'client', 12, 14, 3, abs(hashint4(n)) %% 40 = 0, 1
FROM generate_series(%(first)s::int, %(last)s::int) n WHERE abs(hashint4(n)) %% 4 = 0
"""
PARTS = (TRANSCRIPTS, CHUNKS, CALLS, STEPS, MOODS, MATCHES)


INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE NOT indisunique AND indrelid IN ('calls'::regclass, 'transcripts'::regclass, 'transcript_chunks'::regclass,
    'chunk_sentiments'::regclass, 'call_steps'::regclass, 'rule_matches'::regclass)
"""


def load(database: Database, calls: int, chunks: int, workers: int = 1) -> float:
    """Make the rows, on `workers` connections, and their indexes; returns seconds."""
    lines = [chunk.text for call, _ in samples() for chunk in call.transcript.chunks]
    began = time.perf_counter()
    with database.connection() as connection:
        connection.execute(LINES.encode())
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bench_lines VALUES (%s, %s)", list(enumerate(lines)))
        indexes = connection.execute(INDEXES.encode()).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())

    def batch(first: int) -> None:
        last = min(first + BATCH - 1, calls)
        values = {"first": first, "last": last, "chunks": chunks, "lines": len(lines), "all": calls}
        with database.connection() as connection:
            connection.execute("SET LOCAL synchronous_commit = off")
            connection.execute("SET LOCAL session_replication_role = replica")  # the rows refer to each other as made
            for part in PARTS:
                connection.execute(part.encode(), values)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(batch, range(1, calls + 1, BATCH)))
    with open_link(database.url, database.settings, silence_s=3600.0, name="bench") as link:
        link.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in indexes:
            link.execute(definition.encode())
    return time.perf_counter() - began


Clock = Callable[[], float]


def timed(clock: Clock, work: Callable[[], object]) -> float:
    """The better of two, in the clock's seconds."""
    taken = []
    for _ in range(2):
        began = clock()
        work()
        taken.append(clock() - began)
    return round(min(taken), 3)


def processor_clock(database: Database) -> Clock:
    """Seconds of a processor, of this process and of the server, which from now on asks one process for an answer."""
    server = database.server
    assert server is not None
    with open_link(database.url, database.settings, silence_s=60.0, name="bench") as link:
        link.execute("ALTER SYSTEM SET max_parallel_workers_per_gather = 0")
        link.execute("SELECT pg_reload_conf()")
    return lambda: time.process_time() + server_cpu_s(server)


def asking(database: Database, query: str) -> Callable[[], object]:
    def work() -> object:
        with database.connection() as connection:
            connection.execute("SET LOCAL timezone = 'UTC'")
            return connection.execute(query.encode()).fetchall()

    return work


def of_a_day(view: str) -> str:
    """The view's rows of one day, by a column that an index serves."""
    if view in ("daily", "daily_agent"):
        return f"SELECT * FROM {view} WHERE day = '{DAY}'"
    if view == "topics_weekly":
        return f"SELECT * FROM {view} WHERE week = date_trunc('week', date '{DAY}')::date"
    began = f"started_at >= '{DAY}' AND started_at < date '{DAY}' + 1"
    if view == "attention":
        return f"SELECT a.* FROM attention a JOIN calls c USING (call_id) WHERE {began}"
    return f"SELECT * FROM {view} WHERE {began}"


def of_all(view: str) -> str:
    """The view as a whole: its rows where they are few, else counted by one of their columns."""
    counted = {"calls_done": "topic", "attention": "rule", "sides": "role", "repeat_calls": "days_since <= 7"}
    column = counted.get(view)
    if column is None:
        return f"SELECT * FROM {view}"
    return f"SELECT {column}, count(*) FROM {view} GROUP BY 1"


def upserts(database: Database, count: int, name: str) -> float:
    """Processor milliseconds, the server's included, of storing a call as a run does."""
    store = PostgresStore(database)
    try:
        run_id = store.begin_run({}, "bench", "bench")
        made = [typical_call(run_id, f"{name}-{number}") for number in range(count)]
        began = cpu_s(database)
        for call in made:
            keep(store, call)
        took_s = cpu_s(database) - began
        store.end_run(run_id, 0, {}, {})
        return 1000 * took_s / count
    finally:
        store.close()


def measure(
    database: Database, calls: int, chunks: int, count: int, workers: int, *, processor: bool
) -> dict[str, Any]:
    clock = processor_clock(database) if processor else time.perf_counter
    upserts(database, 20, "warm")
    before = upserts(database, count, "before")
    began = clock()
    wall_s = load(database, calls, chunks, workers)
    load_s = clock() - began
    say(f"{calls} calls in {wall_s:.0f} s")
    with open_link(database.url, database.settings, silence_s=3600.0, name="bench") as link:
        link.execute("VACUUM (ANALYZE)")  # as the server does by itself within minutes
    with database.connection() as connection:
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        tables = connection.execute(
            """SELECT relname, pg_total_relation_size(oid) / 1000000 FROM pg_class
               WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 2 DESC LIMIT 6"""
        ).fetchall()
    upserts(database, 20, "warm again")
    after = upserts(database, count, "after")
    say(f"storing a call: {before:.2f} ms before, {after:.2f} ms after")

    def told(name: str, work: Callable[[], object]) -> float:
        taken = timed(clock, work)
        say(f"{name}: {taken} s")
        return taken

    return {
        "calls": calls,
        "chunks": calls * chunks,
        "seconds_of": "a processor" if processor else "the clock",
        "load_s": round(load_s, 1),
        "calls_per_s": round(calls / load_s),
        "size_gb": round((size or (0,))[0] / 1e9, 2),
        "tables_mb": {name: int(megabytes) for name, megabytes in tables},
        "upsert_cpu_ms": {"before": round(before, 2), "after": round(after, 2), "ratio": round(after / before, 2)},
        "views_of_a_day_s": {view: told(f"{view} of a day", asking(database, of_a_day(view))) for view in VIEWS},
        "views_of_all_s": {view: told(f"{view} of all", asking(database, of_all(view))) for view in VIEWS},
        "questions_s": {question.name: told(question.name, asking(database, question.sql)) for question in questions()},
        "list_page_s": {
            **{
                name: told(f"list, {name}", partial(listed_calls, database, wanted, "UTC", sort=sort, limit=50))
                for name, wanted, sort in LISTS
            },
            "total": told("total", lambda: total_of(database, CallFilter(), "UTC")),
        },
        "dashboard_s": {
            "day": told("dashboard of a day", partial(dashboard_of, database, ONE_DAY, "UTC")),
            "all": told("dashboard of all", partial(dashboard_of, database, CallFilter(), "UTC")),
        },
        "filters_s": told("filters", lambda: choices_among(database, CallFilter(), "UTC")),
        "search_s": told("search", lambda: search(database, "refund")),
        "second_guess_s": told("second guess", lambda: second_guess(database, "refnud")),
    }


def say(line: str) -> None:
    """How far it is: a night's load that is stopped has told what it had measured."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--chunks", type=int, default=20, help="of each call")
    parser.add_argument("--workers", type=int, default=1, help="connections that make rows at once")
    parser.add_argument("--upserts", type=int, default=100)
    parser.add_argument("--processor", action="store_true", help="processor seconds instead of the clock's")
    parser.add_argument("--folder", type=Path, default=None, help="where the database goes; default a temporary folder")
    given = parser.parse_args(arguments)
    with fresh_database(given.folder) as (database, _):
        figures = measure(database, given.calls, given.chunks, given.upserts, given.workers, processor=given.processor)
    figures["cores"] = os.cpu_count()
    json.dump(figures, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
