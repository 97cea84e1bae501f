"""How many false statements about calls the checker of summaries catches, and how many true ones it costs.

    python -m bench.statements [--data ../shared/data] [--fit] [--show]

The statements are tests/analysis/summary/statements/*.yaml: true ones in paraphrase and false ones (who did what the
wrong way round, invented, wrong figures, wrong outcomes) about the Harper Valley calls, our samples and calls written
for it, each with a person's verdict. `tuning.yaml` is what rules and weights were made on; `kept_apart.yaml` was put
aside.
`kept_apart_later.yaml` was written after a real model's unmarked falsehoods were known, before the checker was changed
for them; `strangers_apart.yaml` likewise, later. `model.yaml` has what a real model wrote while the checker was made,
`model_apart.yaml`, `model_apart_later.yaml` and `model_apart_third.yaml` what it wrote about calls on which nothing had
been tuned; each was looked at after it had been counted. So were `strangers_1` to `strangers_3`, by people who saw no
code.
--fit makes the weights anew from the tuning half (thresholds by cross-validation over calls) and writes them.
--show lists what is judged wrongly. Intervals: Wilson (1927), 95 %.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.summary.checking import StatementChecker
from analysis.summary.support.evidence import CallEvidence
from analysis.summary.support.verdict import WEIGHED, WEIGHTS, Verdict, faults_of
from analysis.summary.support.wording import wording_of
from bench.fresh_calls import STRANGERS, calls_of_set, fresh_calls
from bench.materials.reference_calls import dialogue_of, harper_valley, samples
from bench.options import options_of
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.records import CallForAnalysis

STATEMENTS = Path(__file__).resolve().parents[1] / "tests" / "analysis" / "summary" / "statements"
FALSE_KINDS = ("reversed", "invented", "figure", "outcome")
_MARKED = 0.14
"""Share of the true statements of the tuning half that may be marked."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A statement and what a person says of it."""

    call: CallForAnalysis
    kind: str
    """`supported`, or one of FALSE_KINDS."""
    text: str

    @property
    def true(self) -> bool:
        return self.kind == "supported"


def read_statements(path: Path, data: Path | None) -> list[Labelled]:
    """Statements about calls that are not here (`reference` without `data`) are left out."""
    known: dict[str | int, CallForAnalysis] = {call.call_id: call for call, _ in samples()}
    known |= {expected["number"]: call for expected, call in fresh_calls(STRANGERS)}
    known |= {call.call_id: call for name in ("first", "second", "seen", "aside") for _, call in calls_of_set(name)}
    if data is not None and (data / "calls" / "harper_valley").is_dir():
        known |= {call.call_id: call for call, _ in harper_valley(data)}
    return list(_labelled(yaml.safe_load(path.read_text(encoding="utf-8")), known))


def _labelled(documents: Sequence[Mapping[str, Any]], known: Mapping[str | int, CallForAnalysis]) -> Iterator[Labelled]:
    for document in documents:
        about = document["call"]
        if "turns" in about:
            call: CallForAnalysis | None = dialogue_of(about["name"], about["turns"], every_s=4.0)
        else:
            call = known.get(next(iter(about.values())))
        if call is None:
            continue
        for kind in ("supported", *FALSE_KINDS):
            yield from (Labelled(call, kind, text) for text in document.get(kind, ()))


def verdicts(statements: Sequence[Labelled], encoder: SentenceEncoder | None) -> list[Verdict]:
    """As the summary step judges them: facts first, then who did what."""
    checkers: dict[str, StatementChecker] = {}
    found = []
    for statement in statements:
        checker = checkers.get(statement.call.call_id)
        if checker is None:
            checker = checkers[statement.call.call_id] = StatementChecker(statement.call, "en", encoder)
        found.append(checker.check(statement.text).verdict)
    return found


def figures(statements: Sequence[Labelled], found: Sequence[Verdict]) -> dict[str, Any]:
    true = [verdict for statement, verdict in zip(statements, found, strict=True) if statement.true]
    false = [verdict for statement, verdict in zip(statements, found, strict=True) if not statement.true]
    return {
        "true": len(true),
        "false": len(false),
        "false_caught": _share(false, (Verdict.CONTRADICTED, Verdict.NOT_VERIFIED)),
        "false_dropped": _share(false, (Verdict.CONTRADICTED,)),
        "true_dropped": _share(true, (Verdict.CONTRADICTED,)),
        "true_marked": _share(true, (Verdict.NOT_VERIFIED,)),
        "caught_by_kind": {
            kind: _share(
                [verdict for statement, verdict in zip(statements, found, strict=True) if statement.kind == kind],
                (Verdict.CONTRADICTED, Verdict.NOT_VERIFIED),
            )
            for kind in FALSE_KINDS
        },
    }


def _share(found: Sequence[Verdict], wanted: tuple[Verdict, ...]) -> str:
    return share(sum(verdict in wanted for verdict in found), len(found))


def fit(statements: Sequence[Labelled], encoder: SentenceEncoder | None) -> dict[str, Any]:
    """Weights and thresholds from labelled statements."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    rows, decided = _evidence(statements, encoder)
    truth = np.array([statement.true for statement in statements])
    groups = np.array([statement.call.call_id for statement in statements])
    open_ = ~decided
    model = LogisticRegression(C=2.0, class_weight="balanced", max_iter=5000)
    held = np.zeros(len(truth))
    held[open_] = cross_val_predict(
        model, rows[open_], truth[open_], groups=groups[open_], cv=GroupKFold(9), method="predict_proba"
    )[:, 1]
    model.fit(rows[open_], truth[open_])
    ordered = np.sort(held[truth])
    return {
        "coefficients": {name: round(float(value), 3) for name, value in zip(WEIGHED, model.coef_[0], strict=True)},
        "intercept": round(float(model.intercept_[0]), 3),
        "verified_from": round(float(ordered[int(_MARKED * len(ordered))]), 3),
    }


def _evidence(statements: Sequence[Labelled], encoder: SentenceEncoder | None) -> tuple[Any, Any]:
    """Shape (statements, weighed fields), and whether anything decides alone."""
    calls: dict[str, CallEvidence] = {}
    facts: dict[str, StatementChecker] = {}
    rows, decided = [], []
    for statement in statements:
        if statement.call.call_id not in calls:
            calls[statement.call.call_id] = CallEvidence(statement.call.transcript.believed, wording_of("en"), encoder)
            facts[statement.call.call_id] = StatementChecker(statement.call, "en", encoder)
        evidence = calls[statement.call.call_id].of(statement.text)
        rows.append([float(getattr(evidence, field)) for field in WEIGHED])
        decided.append(bool(faults_of(evidence)) or bool(facts[statement.call.call_id].unsupported(statement.text)))
    return np.array(rows), np.array(decided)


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--tuning-only", action="store_true", help="leave the half kept apart alone")
    arguments = parser.parse_args()
    encoder = open_encoder(EncoderSettings()).encoder
    tuning = read_statements(STATEMENTS / "tuning.yaml", arguments.data)
    if arguments.fit:
        made = {"with_encoder": fit(tuning, encoder), "without_encoder": fit(tuning, None)}
        WEIGHTS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        from analysis.summary.support.verdict import weights

        weights.cache_clear()
    halves = {"tuning": tuning}
    if not arguments.tuning_only:
        for name in (
            "kept_apart",
            "kept_apart_later",
            "strangers_apart",
            "model",
            "model_apart",
            "model_apart_later",
            "model_apart_third",
            "strangers_1",
            "strangers_2",
            "strangers_3",
        ):
            halves[name] = read_statements(STATEMENTS / f"{name}.yaml", arguments.data)
    told: dict[str, Any] = {}
    for half, statements in halves.items():
        for name, used in (("with_encoder", encoder), ("without_encoder", None)):
            found = verdicts(statements, used)
            told[f"{half}_{name}"] = figures(statements, found)
            if arguments.show and used is not None:
                _show(statements, found)
    print(json.dumps(told, indent=1))


def _show(statements: Sequence[Labelled], found: Sequence[Verdict]) -> None:
    for statement, verdict in zip(statements, found, strict=True):
        if statement.true != (verdict is Verdict.SUPPORTED):
            print(f"{verdict:14s} {statement.kind:10s} {statement.text}")


if __name__ == "__main__":
    main()
