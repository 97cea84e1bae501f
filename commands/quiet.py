"""When a call must be silent for listeners: where its personal data is heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from analysis.redaction import build_redactor
from analysis.redaction.stored import PersonalStretch, personal_stretches
from db.ledger.store import PostgresStore
from pipeline.records import SpeechSpan

if TYPE_CHECKING:
    from db.connection import Database
    from db.queries.reading import ShownCall
    from pipeline.config.areas.redaction import RedactionSettings

Stretches = Callable[["ShownCall"], tuple[PersonalStretch, ...] | None]
"""Of a call; None where no transcript says when."""


def stretches_in(database: Database, settings: RedactionSettings) -> Stretches:
    """Reads the stored transcript of each call it is asked about, whether or not redaction is enabled."""
    redactor = build_redactor(settings.model_copy(update={"enabled": True}))
    store = PostgresStore(database)

    def found(call: ShownCall) -> tuple[PersonalStretch, ...] | None:
        transcript = store.transcript(call.transcript_fingerprint) if call.transcript_fingerprint else None
        return None if transcript is None else personal_stretches(transcript, redactor)

    return found


def quiet_in(database: Database, settings: RedactionSettings) -> Callable[[ShownCall], tuple[SpeechSpan, ...] | None]:
    """What pages must not play: nothing, unless stored text is redacted too."""
    if not settings.redact_stored:
        return lambda _: ()
    stretches = stretches_in(database, settings)

    def quiet(call: ShownCall) -> tuple[SpeechSpan, ...] | None:
        found = stretches(call)
        return None if found is None else tuple((stretch.start_s, stretch.end_s) for stretch in found)

    return quiet
