"""Quality watch: which calls people correct, and how the transcripts compare with what they wrote (references.py)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from psycopg.rows import scalar_row

from db.ask import ask, question
from db.records import record_row
from pipeline.intervals import Share
from pipeline.judging.sampling import Candidate, Drawn, draw
from pipeline.judging.watching import Judged, Kind, alarm_of, word_error_rate
from pipeline.records import DOUBTFUL

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database
    from pipeline.config.root import Settings

_UNHEARD = "speech_without_text"
_LOCK = "earshot watch"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Where the word error rate stands."""

    since: date
    judged: Sequence[Judged]
    """Of the nights taken together."""
    rate: Share | None
    """None where no call was judged."""
    alarm: str | None


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
    return [call.candidate.call_id for call in drawn]


def _keep_drawn(connection: Connection[Any], night: date, drawn: Sequence[Drawn]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO watch_samples (night, weight, call_id, transcript_fingerprint, engine, model, agent_id,
                   doubtful)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
            [(night, call.weight, *astuple(call.candidate)) for call in drawn],
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


def is_drawn(database: Database, call_id: uuid.UUID) -> bool:
    """Whether the call is one of the quality watch."""
    (drawn,) = ask(database, "watch/is_drawn", scalar_row, call_id=call_id)
    return bool(drawn)


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
                [astuple(judgement) for judgement in judgements],
            )

    database.patiently(work)


def judged_calls(database: Database, since: date) -> list[Judged]:
    """Drawn calls with a judgement, of nights from `since` on."""
    return ask(database, "watch/judged", record_row(Judged), since=since)


def standing(database: Database, settings: Settings) -> Watched:
    """The word error rate of the last `watch.nights`, and whether it is an alarm."""
    today = datetime.now(UTC).astimezone(ZoneInfo(settings.input.timezone)).date()
    since = today - timedelta(days=settings.watch.nights - 1)
    judged = judged_calls(database, since)
    rate = word_error_rate(judged)
    alarm = alarm_of(judged, since, settings.watch.alarm_wer)
    return Watched(since=since, judged=judged, rate=rate, alarm=alarm)


def keep_figures(database: Database, nights: Sequence[date], figures: Sequence[NightFigure]) -> None:
    """Replace the figures of these nights."""

    def work(connection: Connection[Any]) -> None:
        connection.execute("DELETE FROM watch_figures WHERE night = ANY(%s)", [list(nights)])
        with connection.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO watch_figures (night, kind, name, calls, words, errors, wer, low, high)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                [astuple(figure) for figure in figures],
            )

    database.patiently(work)


def night_figures(database: Database, since: date, *, all_only: bool = False) -> list[NightFigure]:
    """Figures of nights from `since` on, oldest first."""
    return ask(database, "watch/figures", record_row(NightFigure), since=since, all_only=all_only)


def nights_of_all(database: Database, nights: int = 365) -> list[NightFigure]:
    """Figures of all calls over the last nights, oldest first."""
    return night_figures(database, datetime.now(UTC).date() - timedelta(days=nights), all_only=True)
