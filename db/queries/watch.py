"""Quality watch: which calls people correct, what they wrote, and how the transcripts compare with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from psycopg.rows import scalar_row

from db.ask import ask, question
from db.ledger.values import clean
from db.queries.reading import ShownCall, ShownChunk
from db.records import record_row
from pipeline.judging.sampling import Candidate, Drawn, draw
from pipeline.judging.watching import Judged, Kind
from pipeline.records import DOUBTFUL, Role

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database

Source = Literal["page", "sheet"]
_UNHEARD = "speech_without_text"
_LOCK = "earshot watch"
_SIDES_ON_ONE = frozenset({"mono", "dual_mono", "diarised", "not_diarised"})
"""Flags of calls whose channels are not their sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallToCorrect:
    """A drawn call that nobody has corrected yet."""

    call_id: str
    night: date
    file_name: str
    started_at: datetime | None
    duration_s: float | None
    agent_id: str | None
    topic: str | None
    engine: str
    model: str
    doubtful: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchCounts:
    """Calls of the quality watch."""

    drawn: int
    waiting: int
    """Of these, not corrected yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTurn:
    """A stretch of speech with the words that a person heard in it."""

    channel: int
    ordinal: int
    role: Role
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A correction of a call."""

    reference_id: int
    call_id: str
    transcript_fingerprint: str
    audio_sha256: str | None
    language: str | None
    written_by: str
    written_at: datetime
    source: Source
    turns: tuple[ReferenceTurn, ...]
    """In order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToJudge:
    """A drawn call with a correction that its transcript has not been compared with."""

    call_id: str
    night: date
    transcript_fingerprint: str
    file_name: str
    duration_s: float
    flags: tuple[str, ...]
    there: bool
    """Whether that transcript is still stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A transcript against its correction, in words."""

    call_id: str
    reference_id: int
    transcript_fingerprint: str
    words: int
    substitutions: int
    deletions: int
    insertions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFigure:
    """A row of `watch_figures`."""

    night: date
    kind: Kind
    name: str
    calls: int
    words: int
    errors: int
    wer: float
    low: float | None
    high: float | None


def draw_calls(
    database: Database,
    night: date,
    wanted: int,
    seed: str,
    *,
    within: timedelta,
    run_id: str | None = None,
) -> list[str]:
    """Fill the night's sample up to `wanted` calls, and remember which; returns those drawn now.

    Args:
        within: calls of runs that began at most so long ago can be drawn, and those of the run `run_id`.
        seed: the same one draws the same calls from the same ones.
    """
    parameters = {
        "run_id": run_id,
        "within_s": within.total_seconds(),
        "doubtful": sorted(DOUBTFUL | {_UNHEARD}),
    }
    with database.connection() as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])  # two would draw too many
        with connection.cursor(row_factory=scalar_row) as cursor:
            before = cursor.execute(question("watch/drawn_of_night"), {"night": night}).fetchone() or 0
        with connection.cursor(row_factory=record_row(Candidate)) as candidates:
            found = candidates.execute(question("watch/candidates"), parameters).fetchall()
        drawn = draw(found, max(0, wanted - before), f"{seed} {night}")
        _keep_drawn(connection, night, drawn)
    return [one.candidate.call_id for one in drawn]


def _keep_drawn(connection: Connection[Any], night: date, drawn: Sequence[Drawn]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO watch_samples (night, weight, call_id, transcript_fingerprint, engine, model, agent_id,
                   doubtful)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            [(night, one.weight, *astuple(one.candidate)) for one in drawn],
        )


def calls_to_correct(
    database: Database, call_ids: Sequence[str] | None = None, limit: int | None = None
) -> list[CallToCorrect]:
    """Drawn calls that nobody has corrected yet, newest night first; of `call_ids`, or all."""
    ids = None if call_ids is None else [uuid.UUID(call) for call in call_ids]
    return ask(database, "watch/to_correct", record_row(CallToCorrect), call_ids=ids, limit=limit)


def watch_counts(database: Database) -> WatchCounts:
    (counts,) = ask(database, "watch/counts", record_row(WatchCounts))
    return counts


def reference_of(database: Database, call_id: uuid.UUID) -> Reference | None:
    """The newest correction of the call's recording as it is now; None where there is none."""
    return next(iter(ask(database, "watch/reference", record_row(Reference), call_id=call_id)), None)


def is_drawn(database: Database, call_id: uuid.UUID) -> bool:
    """Whether the call is one of the quality watch."""
    (drawn,) = ask(database, "watch/is_drawn", scalar_row, call_id=call_id)
    return bool(drawn)


def save_reference(
    database: Database,
    call_id: uuid.UUID,
    transcript_fingerprint: str,
    turns: Iterable[ReferenceTurn],
    *,
    by: str,
    source: Source,
) -> int | None:
    """Keep a correction beside the earlier ones; returns its number.

    None where the call is gone, or has another transcript by now than the one that was corrected.
    """
    rows = [(one.channel, one.ordinal, one.role.value, one.start_s, one.end_s, clean(one.text)) for one in turns]

    def work(connection: Connection[Any]) -> int | None:
        made = connection.execute(
            """INSERT INTO human_references (call_id, transcript_fingerprint, audio_sha256, language, written_by,
                   source)
               SELECT call_id, transcript_fingerprint, audio_sha256, language, %(by)s, %(source)s FROM calls
               WHERE call_id = %(call)s AND transcript_fingerprint = %(transcript)s
               RETURNING reference_id""",
            {"by": clean(by), "source": source, "call": call_id, "transcript": transcript_fingerprint},
        ).fetchone()
        if made is None:
            return None
        (number,) = made
        with connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO human_reference_turns (reference_id, channel, ordinal, role, start_s, end_s, text)
                   VALUES (%s, %s, %s, %s, %s, %s, %s)""",
                [(number, *row) for row in rows],
            )
        return int(number)

    return database.patiently(work)


def heard_turns(call: ShownCall, chunks: Sequence[ShownChunk]) -> list[ReferenceTurn]:
    """What a person corrects: the stretches of the transcript, in order of time; a channel of its own on which nothing
    was heard has an empty one over the whole call."""
    turns = [
        ReferenceTurn(
            channel=chunk.channel,
            ordinal=chunk.ordinal,
            role=chunk.role,
            start_s=chunk.start_s,
            end_s=max(chunk.start_s, chunk.end_s),
            text=" ".join(chunk.text.split()),
        )
        for chunk in chunks
    ]
    if not _SIDES_ON_ONE.isdisjoint(call.flags):
        return turns
    silent = set(range(call.channels or 0)) - {chunk.channel for chunk in chunks}
    spoken = {chunk.role for chunk in chunks}
    other = {Role.AGENT: Role.CLIENT, Role.CLIENT: Role.AGENT}.get(next(iter(spoken), Role.UNKNOWN), Role.UNKNOWN)
    role = other if len(spoken) == 1 and len(silent) == 1 else Role.UNKNOWN
    return turns + [
        ReferenceTurn(channel=channel, ordinal=0, role=role, start_s=0.0, end_s=call.duration_s or 0.0, text="")
        for channel in sorted(silent)
    ]


def calls_to_judge(database: Database) -> list[ToJudge]:
    return ask(database, "watch/to_judge", record_row(ToJudge))


def keep_judgements(database: Database, judgements: Sequence[Judgement]) -> None:
    """Keep how calls compare with their corrections; a call's earlier judgement goes."""

    def work(connection: Connection[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO watch_judgements
                       (call_id, reference_id, transcript_fingerprint, words, substitutions, deletions, insertions)
                   VALUES (%s, %s, %s, %s, %s, %s, %s)
                   ON CONFLICT (call_id) DO UPDATE SET reference_id = EXCLUDED.reference_id,
                       transcript_fingerprint = EXCLUDED.transcript_fingerprint, judged_at = now(),
                       words = EXCLUDED.words, substitutions = EXCLUDED.substitutions,
                       deletions = EXCLUDED.deletions, insertions = EXCLUDED.insertions""",
                [astuple(one) for one in judgements],
            )

    database.patiently(work)


def judged_calls(database: Database, since: date) -> list[Judged]:
    """Drawn calls with a judgement, of nights from `since` on."""
    return ask(database, "watch/judged", record_row(Judged), since=since)


def keep_figures(database: Database, nights: Sequence[date], figures: Sequence[NightFigure]) -> None:
    """Replace the figures of these nights."""

    def work(connection: Connection[Any]) -> None:
        connection.execute("DELETE FROM watch_figures WHERE night = ANY(%s)", [list(nights)])
        with connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO watch_figures (night, kind, name, calls, words, errors, wer, low, high)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                [astuple(one) for one in figures],
            )

    database.patiently(work)


def night_figures(database: Database, since: date, *, all_only: bool = False) -> list[NightFigure]:
    """Figures of nights from `since` on, oldest first."""
    return ask(database, "watch/figures", record_row(NightFigure), since=since, all_only=all_only)


def nights_of_all(database: Database, nights: int = 365) -> list[NightFigure]:
    """Figures of all calls over the last nights, oldest first."""
    return night_figures(database, datetime.now(UTC).date() - timedelta(days=nights), all_only=True)
