"""Puts pipeline, analysis and database together. The builders named here run in the spawned processes."""

from __future__ import annotations

import logging
import multiprocessing
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config.areas.speech.cloud import CLOUD_ENGINES
from pipeline.config.root import Settings
from pipeline.encryption.here import use_keys
from pipeline.ports import AnalysisStep, CallStore, Claims
from pipeline.records import Transcript
from pipeline.run.processes.analyser import build_analyser
from pipeline.run.processes.preparer import build_preparer

log = logging.getLogger("earshot.run")

if TYPE_CHECKING:
    from analysis.llm.router import Router
    from db.connection import Database
    from db.ledger.work.claims import PostgresClaims
    from pipeline.run.context import BatchParts
    from pipeline.sources.source import CallSource


def analysis_steps(settings: Settings) -> Sequence[AnalysisStep]:
    """Every enrichment the configuration asks for. Called in the analysis process."""
    from analysis.encoder.choice import open_encoder
    from analysis.rules.reader import load_rules
    from analysis.rules.step import RulesStep
    from analysis.sentiment.steps import build_sentiment_steps
    from analysis.steps import build_language_steps

    encoder = open_encoder(settings.encoder)
    moods = build_sentiment_steps(settings.sentiment, encoder)
    language = build_language_steps(settings, _router(settings), encoder)
    return [*moods, *language, RulesStep(load_rules(settings.attention.rules))]


def _router(settings: Settings) -> Router | None:
    from analysis.llm.choice import build_router
    from analysis.redaction import redactor_of

    return build_router(
        settings.llm.shared_by(settings.run.analysis_workers),
        redactor_of(settings),
        restore_redacted=not settings.redaction.redact_stored,
        ledger=_ledger(settings),
    )


def _ledger(settings: Settings) -> Path | None:
    """In the run's own spool, which is deleted when the run ends; None outside a run's analysis process."""
    run = multiprocessing.parent_process()
    if run is None:
        return None
    return settings.run.spool_dir / f"{socket.gethostname()}-{run.pid}" / "llm_spent"


def with_one_model(settings: Settings) -> Settings:
    """The settings with one analysis process where a language model runs on this machine: each would load its own."""
    wanted = settings.run.analysis_workers
    if wanted == 1 or "mlx_lm" not in settings.llm.providers:
        return settings
    log.warning(
        "run.analysis_workers is 1 instead of %d: each process would load the model of llm.mlx_lm again", wanted
    )
    return settings.model_copy(update={"run": settings.run.model_copy(update={"analysis_workers": 1})})


def open_claims(settings: Settings, database: Database) -> PostgresClaims:
    """The claims of this process."""
    from db.ledger.work.claims import PostgresClaims, worker_name
    from pipeline.run.planning.claimed import work_hash

    return PostgresClaims(database, worker_name(), work_hash(settings), settings.run.lease_s)


def build_parts(settings: Settings, store: CallStore, claims: Claims, source: CallSource | None = None) -> BatchParts:
    """What a run works with; `source`: another than the input's. Raises InputUnavailable."""
    from pipeline.diarisation.choice import longest_s
    from pipeline.run.context import BatchParts, ChildBuild
    from pipeline.run.transcripts import Transcripts, build_recogniser_process
    from pipeline.sources.source import build_source
    from pipeline.transcription.engines.answering import build_answering

    use_keys(settings.encryption)
    engines = settings.transcription.engines
    return BatchParts(
        source=source or build_source(settings.input),
        store=store,
        claims=claims,
        preparer=ChildBuild(
            build_preparer, (settings.input, settings.audio, settings.voice_activity, settings.diarisation)
        ),
        prepare_extra_s=longest_s(settings.diarisation),
        segment_time_limit_s=None if engines[0] in CLOUD_ENGINES else settings.transcription.segment_time_limit_s,
        recogniser=build_recogniser_process,
        recogniser_arguments=(settings, vocabulary(settings)),
        engines=engines[:1] if settings.transcription.strict else engines,
        answering=ChildBuild(build_answering, (settings.transcription,)),
        analyser=ChildBuild(build_analyser, (analysis_steps, (settings,))),
        transcripts=Transcripts(settings, _redaction_of_stored(settings)),
    )


def _redaction_of_stored(settings: Settings) -> Callable[[Transcript], Transcript] | None:
    """With `redaction.redact_stored` personal data is taken out before anything is stored or analysed."""
    if not settings.redaction.redact_stored:
        return None
    from analysis.redaction import redactor_of
    from analysis.redaction.stored import redact_transcript

    return partial(redact_transcript, redactor=redactor_of(settings))


def vocabulary(settings: Settings) -> tuple[str, ...]:
    """Domain terms of the glossaries, for recognisers that take them."""
    from analysis.glossary.choice import load_catalogues

    terms = load_catalogues(settings.glossary).context_terms(settings.glossary.context_terms_max_chars)
    return tuple(term for term in terms.split(", ") if term)
