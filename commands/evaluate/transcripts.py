"""`run.py evaluate transcripts`: stored transcripts against the truth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from commands.console import Terminal, cell, table
from commands.run.summary import shortened
from commands.terminal import say_json
from db.existing import existing_ledger
from db.ledger.store import PostgresStore
from db.queries.calls import TranscribedCall, transcribed_calls
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.intervals import Share
from pipeline.judging.matching import name_in
from pipeline.judging.pooled import pooled
from pipeline.judging.scores import FIGURES, CallScore, HeardCall, score_call
from pipeline.judging.truth import open_truth
from pipeline.judging.word_error import Confusion, confusions

_CALL_CHARS = 24
_ALL_CHARS = 1_000_000
_CONFUSIONS_SHOWN = 10
_CONFUSIONS_TOLD = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Stored transcripts against the truth."""

    scores: tuple[CallScore, ...]
    figures: dict[str, Share | None]
    confusions: tuple[Confusion, ...]
    without_transcript: tuple[str, ...]
    """Calls with truth that are not stored."""
    seed: int
    real_time_factors: tuple[float, float] | None
    """Median and 95th percentile over calls, wall seconds per second of call; None where nothing was timed."""


def evaluate_transcripts(
    config: Path, overrides: Sequence[str], truth: Path, *, language: str | None, seed: int, as_json: bool
) -> int:
    """Print the figures per side and over all calls; returns the exit code.

    Raises ConfigurationError when there is no truth, or none for any stored call.
    """
    settings = load_settings(config, overrides).settings
    judged = judge_stored(settings, truth, language, seed)
    if as_json:
        say_json(as_plain(judged))
        return 0
    terminal = Terminal()
    terminal.print(_sides_table(judged))
    terminal.print(_figures_table(judged))
    if judged.confusions:
        terminal.print(_confusions_table(judged.confusions[:_CONFUSIONS_SHOWN]))
    if judged.without_transcript:
        terminal.print(f"not stored, so not judged: {', '.join(judged.without_transcript)}")
    return 0


def judge_stored(settings: Settings, truth: Path, language: str | None = None, seed: int = 0) -> Judged:
    """Raises ConfigurationError when there is no truth, or none for any stored call."""
    known = open_truth(truth)
    names = glossary_names(settings)
    scores: list[CallScore] = []
    with existing_ledger(settings.database) as database:
        store = PostgresStore(database)
        calls = transcribed_calls(database)
        stored = _by_name(known.names, calls)
        for name in sorted(stored):
            true, heard = known.of(name), _heard(name, stored[name], store)
            if true is not None and heard is not None:
                said_in = true.language or language or heard.language
                scores.append(score_call(heard, true, said_in, names))
    if not scores:
        raise ConfigurationError(
            f"--truth {truth}: names no call that is stored ({len(known.names)} with truth, {len(calls)} stored); a "
            "truth has the name of its recording; run the calls first"
        )
    return Judged(
        scores=tuple(scores),
        figures={name: pooled(scores, name, seed) for name in FIGURES},
        confusions=tuple(
            confusions(((score.name, side.alignment) for score in scores for side in score.sides), _CONFUSIONS_TOLD)
        ),
        without_transcript=tuple(sorted(known.names.difference(stored))),
        seed=seed,
        real_time_factors=_real_time_factors([stored[score.name] for score in scores]),
    )


def _by_name(known: Collection[str], calls: Iterable[TranscribedCall]) -> dict[str, TranscribedCall]:
    """The calls whose truth is known, by its name."""
    named = ((name_in(known, call.file_names, call.call_key), call) for call in calls)
    return {name: call for name, call in named if name is not None}


def _real_time_factors(calls: Sequence[TranscribedCall]) -> tuple[float, float] | None:
    factors = [
        call.recognised_in_s / call.duration_s for call in calls if call.recognised_in_s is not None and call.duration_s
    ]
    if not factors:
        return None
    median, slow = np.percentile(factors, (50, 95))
    return float(median), float(slow)


def glossary_names(settings: Settings) -> tuple[str, ...]:
    """Terms and keywords of the glossaries, whose recall is measured."""
    from analysis.glossary.choice import load_catalogues

    catalogues = load_catalogues(settings.glossary).by_segment.values()
    return tuple(dict.fromkeys(term for catalogue in catalogues for term in catalogue.context_terms(_ALL_CHARS)))


def _heard(name: str, call: TranscribedCall, store: PostgresStore) -> HeardCall | None:
    transcript = store.transcript(call.transcript_fingerprint)
    if transcript is None:
        return None
    return HeardCall.of(transcript, name=name, duration_s=call.duration_s, flags=call.flags)


def _sides_table(judged: Judged) -> Table:
    shown = table("Transcripts against the truth")
    shown.add_column("call", no_wrap=True, max_width=_CALL_CHARS)
    for name in ("side", "words", "WER", "CER", "ins", "del", "sub", "speech F1", "role", "order"):
        shown.add_column(name, no_wrap=True, min_width=3)
    for score in judged.scores:
        for side in score.sides:
            words = side.words
            shown.add_row(
                cell(shortened(score.name, _CALL_CHARS)),
                side.role, str(words.reference_words), _number(words.rate), _number(side.characters.rate),
                str(words.insertions), str(words.deletions), str(words.substitutions), _number(side.speech_f1),
                {True: "right", False: "wrong", None: "–"}[side.role_right], _number(score.turn_order),
            )  # fmt: skip
    return shown


def _figures_table(judged: Judged) -> Table:
    calls = len(judged.scores)
    title = f"All {calls} calls" if calls != 1 else "One call: without intervals"
    shown = table(title, ("figure", "value [95 % interval]", "calls"))
    for name, figure in FIGURES.items():
        value = judged.figures[name]
        if value is None:
            why = next((score.reasons[name] for score in judged.scores if name in score.reasons), "nothing to measure")
            shown.add_row(figure, f"– ({why})", "")
        else:
            shown.add_row(figure, str(value), str(value.groups))
    if judged.real_time_factors is not None:
        median, slow = judged.real_time_factors
        shown.add_row("real-time factor in the run, median", f"{median:.3f}", "")
        shown.add_row("real-time factor in the run, 95th percentile", f"{slow:.3f}", "")
    return shown


def _confusions_table(found: Sequence[Confusion]) -> Table:
    shown = table("Most frequent errors", ("said", "heard", "times", "calls", "for example said", "heard as"))
    for confusion in found:
        shown.add_row(
            cell(confusion.expected), cell(confusion.heard), str(confusion.times), str(confusion.calls),
            cell(confusion.example_expected), cell(confusion.example_heard),
        )  # fmt: skip
    return shown


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def as_plain(judged: Judged) -> dict[str, Any]:
    """For machines."""
    wer = judged.figures["wer"]
    return {
        "word_error_rate": None if wer is None else wer.value,
        "reference_words": sum(score.words.reference_words for score in judged.scores),
        "calls": len(judged.scores),
        "seed": judged.seed,
        "real_time_factor_p50": judged.real_time_factors and judged.real_time_factors[0],
        "real_time_factor_p95": judged.real_time_factors and judged.real_time_factors[1],
        "figures": {name: None if value is None else asdict(value) for name, value in judged.figures.items()},
        "confusions": [asdict(confusion) for confusion in judged.confusions],
        "without_transcript": list(judged.without_transcript),
        "sides": [
            {
                "call": score.name,
                "engine": score.engine,
                "role": side.role,
                "word_error_rate": side.words.rate,
                "character_error_rate": side.characters.rate,
                "insertions": side.words.insertions,
                "deletions": side.words.deletions,
                "substitutions": side.words.substitutions,
                "reference_words": side.words.reference_words,
                "speech_precision": side.speech_precision,
                "speech_recall": side.speech_recall,
                "speech_f1": side.speech_f1,
                "roles_right": side.role_right,
                "turn_order": score.turn_order,
            }
            for score in judged.scores
            for side in score.sides
        ],
        "chunks_where_nobody_speaks": [
            {"call": score.name, "channel": chunk.channel, "start_s": chunk.start_s, "text": chunk.text}
            for score in judged.scores
            for chunk in score.idle_chunks
        ],
    }
