"""docs/analytics.md: the questions of db/queries/sql/analytics, answered for our sample calls.

    python -m bench.analytics > docs/analytics.md

The sample calls are stored as a run stores them, but with their true text instead of what a recogniser heard, so that
the answers are the same everywhere; moods are those of words alone.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime

from analysis.conversation.step import ConversationStep
from analysis.encoder.choice import open_encoder
from analysis.glossary.choice import load_catalogues
from analysis.rules.reader import load_rules
from analysis.rules.step import RulesStep
from analysis.sentiment.steps import build_sentiment_steps
from analysis.topics.step import TopicMethods, TopicStep
from bench.materials.reference_calls import samples
from bench.materials.testbed import fresh_database
from db.analytics import answered
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.ports import AnalysisStep
from pipeline.records import AudioHeader, CallForAnalysis, CallOutcome, CallStatus, FoundCall, PreparedCall, StepResult
from pipeline.sources.metadata.reader import MetadataReader

CUSTOMERS = 6
INTRODUCTION = """# Twenty questions, answered in SQL

Asked of our eight sample calls, with their true text in place of a recogniser's and moods by words alone; the numbers
of customers are made up. Made by `python -m bench.analytics`; a test asks them again. The questions are files in
`db/queries/sql/analytics`; [data-dictionary.md](data-dictionary.md) describes the views. With eight calls an answer
shows what the columns hold, no more.

`python run.py db shell` opens psql on the embedded database; in a script, add `--csv -c "SELECT …"`. For a BI tool,
`python run.py db serve` makes a reader's account and lets it in by TCP (docs/operations.md). A day or an hour is that
of the session: `SET timezone = 'Europe/Berlin'`. Most questions are about `calls_done`: finished calls, without skipped
files and failures.

"""


def store_samples(database: Database) -> None:
    """Store the sample calls with their true text."""
    store = PostgresStore(database)
    try:
        run_id = store.begin_run({}, "samples", "bench")
        settings = Settings()
        encoder = open_encoder(settings.encoder)
        text, *_ = build_sentiment_steps(settings.sentiment, encoder)
        steps: list[AnalysisStep] = [
            text,
            TopicStep(load_catalogues(settings.glossary), settings.topics, TopicMethods(encoder=encoder)),
            ConversationStep(),
            RulesStep(load_rules(settings.attention.rules)),
        ]
        names = MetadataReader(settings.input)
        for number, (call, _) in enumerate(samples()):
            metadata = names.from_name(f"{call.call_id}.wav", f"{call.call_id}.wav")
            found = FoundCall(
                source_uri=f"file:///samples/{call.call_id}.wav",
                file_name=f"{call.call_id}.wav",
                size_bytes=1,
                modified_at=datetime(2026, 9, 17, tzinfo=UTC),
                metadata=replace(metadata, extra={**metadata.extra, "other": f"+1555010012{number % CUSTOMERS}"}),
            )
            _store(store, run_id, found, _with_speech(call), steps)
    finally:
        store.close()


def _with_speech(call: CallForAnalysis) -> CallForAnalysis:
    chunks = tuple(replace(chunk, speech=((chunk.start_s, chunk.end_s),)) for chunk in call.transcript.chunks)
    return replace(call, transcript=replace(call.transcript, chunks=chunks))


def _store(
    store: PostgresStore, run_id: str, found: FoundCall, call: CallForAnalysis, steps: list[AnalysisStep]
) -> None:
    known: dict[str, StepResult] = {}
    for step in steps:
        (known[step.name],) = step.run([replace(call, metadata=found.metadata)], [known])
    length_s = call.duration_s
    header = AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=16_000, channels=2, duration_s=length_s)
    store.save_call(
        CallOutcome(
            call_id=store.claim_call(found, call.audio_sha256, None),
            found=found,
            status=CallStatus.DONE,
            run_id=run_id,
            prepared=PreparedCall(
                audio_sha256=call.audio_sha256, header=header, duration_s=length_s, channels=(), flags=()
            ),
            transcript=call.transcript,
            steps=tuple(known.values()),
        )
    )


def page(database: Database) -> str:
    """The page, for a database that holds the samples."""
    with database.connection() as connection:
        return INTRODUCTION + answered(connection)


def main() -> None:
    with fresh_database() as (database, _):
        store_samples(database)
        sys.stdout.write(page(database))


if __name__ == "__main__":
    main()
