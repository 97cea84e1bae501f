"""`run.py evaluate transcripts`: stored transcripts against true turns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from commands.run.summary import shortened
from commands.terminal import Terminal, cell, say_json, table
from db.existing import existing_ledger
from db.queries.calls import SaidChunk, TranscribedCall, said_in, transcribed_calls
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError
from pipeline.transcription.text.rules import TextRules
from pipeline.transcription.text.word_error import NO_ERRORS, WordErrors, word_errors

ROLE_NAMES = {"caller": "client", "customer": "client", "client": "client", "agent": "agent"}
BOTH_ON_ONE = frozenset({"dual_mono", "mono"})
_STEP_S = 0.01
_CALL_CHARS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of one call."""

    call: str
    engine: str
    role: str
    errors: WordErrors
    speech_precision: float | None
    speech_recall: float | None
    roles_right: bool | None
    """Whether the stored role of the channel is the true one; None where the truth gives no role."""

    @property
    def speech_f1(self) -> float | None:
        if self.speech_precision is None or self.speech_recall is None:
            return None
        total = self.speech_precision + self.speech_recall
        return 2 * self.speech_precision * self.speech_recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class TrueTurn:
    channel: int
    role: str | None
    start_s: float
    end_s: float
    text: str


def evaluate_transcripts(config: Path, overrides: Sequence[str], truth: Path, as_json: bool) -> int:
    """Print word error rate, speech found, roles and order per call; returns the exit code.

    Raises ConfigurationError when the folder holds no truth for any stored call.
    """
    if not truth.is_dir():
        raise ConfigurationError(f"--truth {truth}: no such folder; it holds one JSON per call, named as the recording")
    settings = load_settings(config, overrides).settings
    rules = TextRules(settings.transcription.text_rules)
    sides: list[Side] = []
    orders: dict[str, float | None] = {}
    with existing_ledger(settings.database) as database:
        for call in transcribed_calls(database):
            name = Path(call.file_name).stem
            path = truth / f"{name}.json"
            if not path.is_file():
                continue
            turns = read_truth(path)
            if BOTH_ON_ONE.intersection(call.flags):
                turns = on_one_channel(turns)
            chunks = said_in(database, call.call_id)
            sides.extend(_sides(call, turns, chunks, rules))
            orders[name] = order_agreement(turns, chunks)
    if not sides:
        raise ConfigurationError(f"--truth {truth}: names no call that is stored; run the calls first")
    if as_json:
        say_json(_as_json(sides, orders))
    else:
        Terminal().print(_table(sides, orders))
    return 0


def read_truth(path: Path) -> list[TrueTurn]:
    """`{"turns": [{channel, start(_s), end(_s), text, role?}]}`; stretches in brackets are noises, not words."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [
            TrueTurn(
                channel=int(turn["channel"]),
                role=ROLE_NAMES.get(str(turn.get("role"))),
                start_s=float(turn.get("start_s", turn.get("start"))),
                end_s=float(turn.get("end_s", turn.get("end"))),
                text=without_noises(str(turn["text"])),
            )
            for turn in content["turns"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: not a truth file ({error}); see samples/truth for the form") from None


def on_one_channel(turns: Sequence[TrueTurn]) -> list[TrueTurn]:
    """The truth of a recording whose channels are copies of each other: both sides in time order, without roles."""
    return [replace(turn, channel=0, role=None) for turn in sorted(turns, key=lambda turn: turn.start_s)]


def without_noises(text: str) -> str:
    return " ".join(word for word in text.split() if not (word.startswith("[") and word.endswith("]")))


def _sides(
    call: TranscribedCall, turns: Sequence[TrueTurn], chunks: Sequence[SaidChunk], rules: TextRules
) -> list[Side]:
    language = call.language or "en"
    sides = []
    for channel in sorted({turn.channel for turn in turns}):
        true = [turn for turn in turns if turn.channel == channel]
        said = [chunk for chunk in chunks if chunk.channel == channel]
        found = _mask([(chunk.start_s, chunk.end_s) for chunk in said], call.duration_s)
        spoken = _mask([(turn.start_s, turn.end_s) for turn in true], call.duration_s)
        both = float((found & spoken).sum())
        role = true[0].role
        sides.append(
            Side(
                call=Path(call.file_name).stem,
                engine=call.engine,
                role=role or f"channel {channel}",
                errors=word_errors(
                    [" ".join(turn.text for turn in true)], [" ".join(chunk.text for chunk in said)], language, rules
                ),
                speech_precision=both / found.sum() if found.any() else None,
                speech_recall=both / spoken.sum() if spoken.any() else None,
                roles_right=None if role is None or not said else {chunk.role for chunk in said} == {role},
            )
        )
    return sides


def _mask(spans: Sequence[tuple[float, float]], duration_s: float) -> npt.NDArray[np.bool_]:
    mask = np.zeros(int(duration_s / _STEP_S) + 1, dtype=np.bool_)
    for start_s, end_s in spans:
        mask[int(start_s / _STEP_S) : int(end_s / _STEP_S)] = True
    return mask


def order_agreement(turns: Sequence[TrueTurn], chunks: Sequence[SaidChunk]) -> float | None:
    """Share of true turns, in order, whose best overlapping chunk does not come before the last turn's."""
    last, right, placed = -1, 0, 0
    for turn in sorted(turns, key=lambda t: t.start_s):
        overlaps = [
            (min(turn.end_s, chunk.end_s) - max(turn.start_s, chunk.start_s), place)
            for place, chunk in enumerate(chunks)
            if chunk.channel == turn.channel
        ]
        best, place = max(overlaps, default=(0.0, -1))
        if best <= 0:
            continue
        placed += 1
        right += place >= last
        last = max(last, place)
    return right / placed if placed else None


def _table(sides: Sequence[Side], orders: Mapping[str, float | None]) -> Table:
    shown = table("Transcripts against the truth")
    shown.add_column("call", no_wrap=True, max_width=_CALL_CHARS)
    for name in ("side", "words", "WER", "speech F1", "role", "order"):
        shown.add_column(name, no_wrap=True, min_width=5)
    for side in sides:
        shown.add_row(
            cell(shortened(side.call, _CALL_CHARS)),
            side.role, str(side.errors.reference_words), _share(side.errors.rate),
            _share(side.speech_f1),
            {True: "right", False: "wrong", None: "–"}[side.roles_right], _share(orders[side.call]),
        )  # fmt: skip
    total = sum((side.errors for side in sides), NO_ERRORS)
    shown.add_row("all", "", str(total.reference_words), _share(total.rate), "", "", "", style="bold")
    return shown


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _as_json(sides: Sequence[Side], orders: Mapping[str, float | None]) -> dict[str, Any]:
    total = sum((side.errors for side in sides), NO_ERRORS)
    return {
        "word_error_rate": total.rate,
        "reference_words": total.reference_words,
        "sides": [
            {
                "call": side.call,
                "engine": side.engine,
                "role": side.role,
                "word_error_rate": side.errors.rate,
                "reference_words": side.errors.reference_words,
                "speech_precision": side.speech_precision,
                "speech_recall": side.speech_recall,
                "speech_f1": side.speech_f1,
                "roles_right": side.roles_right,
                "turn_order": orders[side.call],
            }
            for side in sides
        ],
    }
