"""When a call must be silent for listeners: where its personal data is heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analysis.redaction import redactor_of
from analysis.redaction.stored import PersonalStretch, always, personal_stretches
from db.ledger.store import PostgresStore
from pipeline.records import SpeechSpan

if TYPE_CHECKING:
    from db.connection import Database
    from db.queries.reading import ShownCall
    from pipeline.config.root import Settings

Stretches = Callable[["ShownCall"], tuple[PersonalStretch, ...] | None]
"""Of a call; None where no transcript says when."""


def stretches_in(database: Database, settings: Settings) -> Stretches:
    """Reads the stored transcript of each call it is asked about, whether or not redaction is enabled."""
    redactor = redactor_of(always(settings))
    store = PostgresStore(database)

    def found(call: ShownCall) -> tuple[PersonalStretch, ...] | None:
        transcript = store.transcript(call.transcript_fingerprint) if call.transcript_fingerprint else None
        return None if transcript is None else personal_stretches(transcript, redactor)

    return found


def quiet_in(database: Database, settings: Settings) -> Callable[[ShownCall], tuple[SpeechSpan, ...] | None]:
    """What pages must not play: nothing, unless stored text is redacted too."""
    if not settings.redaction.redact_stored:
        return lambda _: ()
    stretches = stretches_in(database, settings)

    def quiet(call: ShownCall) -> tuple[SpeechSpan, ...] | None:
        found = stretches(call)
        return None if found is None else tuple((stretch.start_s, stretch.end_s) for stretch in found)

    return quiet
