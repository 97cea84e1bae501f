"""How many false statements about calls the checker of summaries catches, and how many true ones it costs.

    python -m bench.statements [--data ../shared/data] [--fit] [--show]

The statements are tests/analysis/summary/statements/*.yaml: true ones in paraphrase and false ones (who did what the
wrong way round, invented, wrong figures, wrong outcomes) about the Harper Valley calls, our samples and calls written
for it, each with a person's verdict. `tuning.yaml` is what rules were made on; `kept_apart.yaml` was put
aside.
`kept_apart_later.yaml` was written after a real model's unmarked falsehoods were known, before the checker was changed
for them; `strangers_apart.yaml` likewise, later. `model.yaml` has what a real model wrote while the checker was made,
`model_apart.yaml`, `model_apart_later.yaml` and `model_apart_third.yaml` what it wrote about calls on which nothing had
been tuned; each was looked at after it had been counted. So were `strangers_1` to `strangers_5`, by people who saw no
code. `strangers_5_apart.yaml`, calls of the fifth drawn by chance, is never fitted on.
--fit fits the weights of `analysis.summary.support.verdict` on all others and writes them: a logistic regression for
each case at once, weights that differ between cases shrunk towards the common ones (Daumé 2007); thresholds from
probabilities of statements by weights fitted without their call. --apart fits without each writer in turn and says what
that would have caught and cost. --show lists what is judged wrongly. Intervals: Wilson (1927), 95 %.
"""

from __future__ import annotations

import itertools
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
from analysis.summary.support.verdict import BY_CASE, WEIGHED, WEIGHTS, Case, Verdict, weighed_of, weights
from analysis.summary.support.wording import wording_of
from bench.fresh_calls import STRANGERS, calls_of_set, fresh_calls
from bench.materials.reference_calls import dialogue_of, harper_valley, samples
from bench.options import options_of
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.records import CallForAnalysis

STATEMENTS = Path(__file__).resolve().parents[1] / "tests" / "analysis" / "summary" / "statements"
FALSE_KINDS = ("reversed", "invented", "figure", "outcome")
WRITERS = {
    "ours": ("tuning", "kept_apart", "kept_apart_later", "strangers_apart"),
    "a real model": ("model", "model_apart", "model_apart_later", "model_apart_third"),
    "first stranger": ("strangers_1", "strangers_2"),
    "second stranger": ("strangers_3",),
    "third stranger": ("strangers_4",),
    "fourth stranger": ("strangers_5",),
}
"""The sets that are fitted on, by who wrote them."""
APART = "strangers_5_apart"
_STRENGTH, _OTHERS, _FOLDS = 0.01, 2.0, 10
"""Of the regression; how often a statement counts that is not ours; parts of the calls for thresholds."""
_CAUGHT, _LOST = 0.85, 0.015
"""Of strangers' false statements, at least to be caught; of the true ones of all, at most to be dropped."""


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


@dataclass(frozen=True, slots=True)
class Examples:
    """What is known of labelled statements; shapes (statements,) but for `weighed`."""

    weighed: Any
    """Shape (statements, WEIGHED)."""
    cases: Any
    true: Any
    writers: Any
    calls: Any

    def part(self, which: Any) -> Examples:
        return Examples(
            *(of[which] for of in (self.weighed, self.cases, self.true, self.writers, self.calls)),
        )


def examples(sets: Mapping[str, Sequence[Labelled]], encoder: SentenceEncoder | None) -> Examples:
    """Of all sets of `WRITERS`, without those that have a number, date, name or link which nobody said."""
    rows: list[tuple[float, ...]] = []
    told: list[tuple[str, bool, str, str]] = []
    for writer, names in WRITERS.items():
        for name in names:
            for call, about in itertools.groupby(sets[name], key=lambda statement: statement.call):
                evidence = CallEvidence(call.transcript.believed, wording_of("en"), encoder)
                checker = StatementChecker(call, "en", None)
                for statement in about:
                    likeness = evidence.likeness(statement.text)
                    assert likeness is not None, "somebody speaks in every call"
                    if checker.unsupported(statement.text):
                        continue  # decided without weights
                    case, weighed = weighed_of(evidence.of_clauses(statement.text), likeness)
                    rows.append(weighed)
                    told.append((case.value, statement.true, writer, f"{name} {call.call_id}"))
    cases, true, writers, calls = (np.asarray(column) for column in zip(*told, strict=True))
    return Examples(np.asarray(rows), cases, true, writers, calls)


def fit(known: Examples) -> Any:
    """A classifier of rows (`columns`)."""
    from sklearn.linear_model import LogisticRegression

    weights = np.where(known.writers == "ours", 1.0, _OTHERS)
    model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=5000)
    return model.fit(columns(known.weighed, known.cases, scale_of(known)), known.true, sample_weight=weights)


def scale_of(known: Examples) -> tuple[Any, Any]:
    """Mean and spread of each column."""
    spread = known.weighed.std(axis=0)
    return known.weighed.mean(axis=0), np.where(spread > 0, spread, 1.0)


def columns(weighed: Any, cases: Any, scale: tuple[Any, Any]) -> Any:
    """On one scale; then for each case whether it is this one, and those of `BY_CASE` where it is."""
    scaled = (weighed - scale[0]) / scale[1]
    differing = scaled[:, [WEIGHED.index(name) for name in BY_CASE]]
    in_case = [(cases == case.value)[:, None].astype(float) for case in Case]
    return np.hstack([scaled, *(np.hstack([these, differing * these]) for these in in_case)])


def probabilities_apart(known: Examples, groups: Any, folds: int) -> Any:
    """Of each statement, by weights fitted without its group."""
    from sklearn.model_selection import GroupKFold

    found = np.zeros(len(known.true))
    for fitted, rest in GroupKFold(folds).split(known.weighed, known.true, groups):
        part, left = known.part(fitted), known.part(rest)
        found[rest] = fit(part).predict_proba(columns(left.weighed, left.cases, scale_of(part)))[:, 1]
    return found


def thresholds(known: Examples, found: Any) -> tuple[float, float]:
    """From where a statement is supported, and below which it is contradicted."""
    strangers = np.asarray([writer.endswith("stranger") for writer in known.writers])
    return (
        round(float(np.quantile(found[strangers & ~known.true], _CAUGHT)), 3),
        round(float(np.quantile(found[known.true], _LOST)), 3),
    )


def as_record(known: Examples) -> dict[str, Any]:
    """What `weights.json` holds of one set-up: a whole regression for each case."""
    (mean, spread), model = scale_of(known), fit(known)
    fields, each = len(WEIGHED), 1 + len(BY_CASE)
    verified, contradicted = thresholds(known, probabilities_apart(known, known.calls, _FOLDS))
    cases = {}
    for number, case in enumerate(Case):
        own = model.coef_[0][fields + number * each : fields + (number + 1) * each]
        weights = model.coef_[0][:fields].copy()
        for name, more in zip(BY_CASE, own[1:], strict=True):
            weights[WEIGHED.index(name)] += more
        raw = weights / spread
        intercept = float(model.intercept_[0] + own[0] - raw @ mean)
        cases[case.value] = {"intercept": round(intercept, 4)} | {
            name: round(float(value), 4) for name, value in zip(WEIGHED, raw, strict=True)
        }
    return {"verified_from": verified, "contradicted_below": contradicted, "cases": cases}


def tell_apart(known: Examples) -> None:
    """What weights fitted without each writer catch and cost, at thresholds that are theirs, too."""
    for writer in WRITERS:
        others, theirs = known.part(known.writers != writer), known.part(known.writers == writer)
        verified, contradicted = thresholds(others, probabilities_apart(others, others.calls, _FOLDS))
        found = fit(others).predict_proba(columns(theirs.weighed, theirs.cases, scale_of(others)))[:, 1]
        true = theirs.true
        print(
            f"without {writer}: false caught {share(int((found[~true] < verified).sum()), int((~true).sum()))}, "
            f"true dropped {share(int((found[true] < contradicted).sum()), int(true.sum()))}, "
            f"lost {share(int((found[true] < verified).sum()), int(true.sum()))}"
        )


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--sets", default="", help="names of sets to count, comma-separated; empty for all")
    arguments = parser.parse_args()
    encoder = open_encoder(EncoderSettings()).encoder
    names = [name for of in WRITERS.values() for name in of]
    sets = {name: read_statements(STATEMENTS / f"{name}.yaml", arguments.data) for name in (*names, APART)}
    if arguments.fit or arguments.apart:
        known = {"with_encoder": examples(sets, encoder), "without_encoder": examples(sets, None)}
        if arguments.apart:
            for of in known.values():
                tell_apart(of)
        if arguments.fit:
            made = {name: as_record(of) for name, of in known.items()}
            WEIGHTS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
            weights.cache_clear()
    told: dict[str, Any] = {}
    for name in [name for name in arguments.sets.split(",") if name] or sets:
        for way, used in (("with_encoder", encoder), ("without_encoder", None)):
            found = verdicts(sets[name], used)
            told[f"{name}_{way}"] = figures(sets[name], found)
            if arguments.show and used is not None:
                _show(sets[name], found)
    print(json.dumps(told, indent=1))


def _show(statements: Sequence[Labelled], found: Sequence[Verdict]) -> None:
    for statement, verdict in zip(statements, found, strict=True):
        if statement.true != (verdict is Verdict.SUPPORTED):
            print(f"{verdict:14s} {statement.kind:10s} {statement.text}")


if __name__ == "__main__":
    main()
