"""Drawn calls against their corrections: errors of each, word error rates of each night and of many together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from db.ledger.store import PostgresStore
from db.queries.references import Reference, reference_of
from db.queries.watch import (
    Judgement,
    NightFigure,
    ToJudge,
    calls_to_judge,
    judged_calls,
    keep_figures,
    keep_judgements,
)
from pipeline.judging.normaliser import without_noises
from pipeline.judging.scores import HeardCall, score_call
from pipeline.judging.truth import TrueCall, TrueTurn
from pipeline.judging.watching import KINDS, Judged, groups_of, word_error_rate

if TYPE_CHECKING:
    from db.connection import Database


@dataclass(frozen=True, slots=True)
class NewJudgements:
    """What an `evaluate watch` has compared."""

    calls: int
    nights: tuple[date, ...]
    """Nights whose figures are new."""
    gone: tuple[str, ...]
    """Files of calls whose drawn transcript is no longer stored, so that it cannot be judged."""


def judge_corrected(database: Database) -> NewJudgements:
    """Compare every drawn call with its newest correction, and keep the figures of those nights."""
    store = PostgresStore(database)
    waiting = calls_to_judge(database)
    judgements = [made for call in waiting if call.there and (made := _judge(database, store, call)) is not None]
    keep_judgements(database, judgements)
    judged = {judgement.call_id for judgement in judgements}
    nights = sorted({call.night for call in waiting if call.call_id in judged})
    if nights:
        known = judged_calls(database, nights[0])
        keep_figures(database, nights, [row for night in nights for row in _figures_of(known, night)])
    return NewJudgements(len(judgements), tuple(nights), tuple(call.file_name for call in waiting if not call.there))


def _judge(database: Database, store: PostgresStore, call: ToJudge) -> Judgement | None:
    reference = reference_of(database, uuid.UUID(call.call_id))
    transcript = store.transcript(call.transcript_fingerprint)
    if reference is None or transcript is None:
        return None
    heard = HeardCall.of(transcript, name=call.file_name, duration_s=call.duration_s, flags=call.flags)
    words = score_call(heard, as_truth(reference), reference.language or transcript.language).words
    return Judgement(
        call_id=call.call_id,
        reference_id=reference.reference_id,
        transcript_fingerprint=call.transcript_fingerprint,
        words=words.reference_words,
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
    )


def as_truth(reference: Reference) -> TrueCall:
    """A correction as the judges read what people wrote down."""
    return TrueCall(
        name=reference.call_id,
        turns=tuple(
            TrueTurn(
                channel=turn.channel,
                role=turn.role.value if turn.role != "unknown" else None,
                start_s=turn.start_s,
                end_s=turn.end_s,
                text=without_noises(turn.text),
            )
            for turn in reference.turns
        ),
        language=reference.language,
    )


def _figures_of(known: Sequence[Judged], night: date) -> Iterable[NightFigure]:
    of_night = [call for call in known if call.night == night]
    for kind in KINDS:
        for name, group in groups_of(of_night, kind).items():
            rate = word_error_rate(group)
            if rate is not None:
                yield NightFigure(
                    night=night,
                    kind=kind,
                    name=name,
                    calls=len(group),
                    words=sum(call.words for call in group),
                    errors=sum(call.errors for call in group),
                    wer=rate.value,
                    low=rate.low,
                    high=rate.high,
                )
