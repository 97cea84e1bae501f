"""Questions across calls: do the right calls come first, and is "not in these calls" said where it is so?

    python -m bench.questions [--data ../shared/data] [--set developed|apart|typed_seen|typed_apart|…] [--fit] [--show]

Questions of ours (bench/labels/questions_*.yaml), each with the calls that answer it, over our samples, short calls of
our own and, with the reference data, six bank calls and 260 written dialogues. `developed` (30) is what cut, ranking
and threshold were chosen on, `apart` (30) was put aside before. `typed_seen` and `typed_apart` (30 each) are as people
type them, also over the eight samples alone and over seventy calls of other branches. Recall at 5: of the calls that
answer (at most five), the share among the first five calls. Intervals, 95 %: bootstrap over questions, of shares
Wilson's.
--fit prints the figures of `analysis/questions/relevance.py`: slopes of a logistic regression on the developed half,
and the intercept for which "not in these calls" is said to 95 % of 30 questions that none of the calls answers
(six of the developed half, questions_absent.yaml).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import EncoderChoice
from analysis.questions.asked import read_question
from analysis.questions.asking import Asker
from analysis.questions.fitting import Looked
from analysis.questions.records import Answer
from bench.fresh_calls import SETS, STRANGERS, fresh_calls
from bench.materials.question_calls import (
    FURTHER,
    HALVES,
    TYPED,
    Question,
    corpus,
    line_questions,
    questions,
    store_corpus,
)
from bench.materials.testbed import fresh_database
from bench.options import options_of
from bench.shares import share
from commands.ask.index import index_calls
from db.connection import Database
from db.queries.chosen import CallFilter
from db.queries.passages import PostgresPassages
from db.queries.searching import search
from pipeline.config.areas.ask import AskSettings
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.root import Settings
from pipeline.records import CallForAnalysis

AT = 5
SETS_OF_QUESTIONS = (*HALVES, *FURTHER, *TYPED)
Ranking = Callable[[str], Sequence[str]]
"""From a question to call names, best first, each once."""


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--set", action="append", choices=SETS_OF_QUESTIONS, help="all without; may be repeated")
    parser.add_argument("--fit", action="store_true", help="print the regression of the developed half")
    parser.add_argument("--show", action="store_true", help="print what came first for each question")
    options = parser.parse_args()
    encoder = open_encoder(EncoderSettings())
    figures: dict[str, Any] = {"bench": "questions", "encoder": encoder.identity}
    data = options.data if options.data.is_dir() else None
    sets = options.set or SETS_OF_QUESTIONS
    for over, made in OVER.items():
        if not options.fit and not any(question.over == over for name in sets for question in questions(name)):
            continue
        with filled(made(data), encoder) as bench:
            told = figures[over] = {"calls": len(bench.names)}
            for name in sets:
                asked = [
                    question for question in questions(name) if question.over == over and question.calls <= bench.names
                ]
                if asked:
                    told[name] = bench.figures(asked, show=options.show)
                if over == "calls" and name in HALVES:
                    told[name]["lines_quoted"] = bench.quoted(name, show=options.show)
            if options.fit and over == "calls":
                told["fitted"] = bench.fitted()
    print(json.dumps(figures, indent=1))


def samples_alone(data: Path | None) -> dict[str, CallForAnalysis]:
    """Our eight sample calls: in so few, words are rare and nearly everything is near something."""
    del data
    return {name: call for name, call in corpus(None).items() if name.startswith("sample:")}


def branches(data: Path | None) -> dict[str, CallForAnalysis]:
    """Seventy short calls of our own, of some twenty branches."""
    del data
    paths = (STRANGERS, *SETS.values())
    return {f"branch:{call.call_id}": call for path in paths for _, call in fresh_calls(path)}


OVER: Mapping[str, Callable[[Path | None], dict[str, CallForAnalysis]]] = {
    "calls": corpus,
    "samples": samples_alone,
    "branches": branches,
}


@contextmanager
def filled(calls: Mapping[str, CallForAnalysis], encoder: EncoderChoice) -> Iterator[Bench]:
    """A database with the calls, indexed."""
    with fresh_database() as (database, _):
        with database.connection() as connection:
            store_corpus(connection, calls)
        print(index_calls(database, Settings(), encoder=encoder))
        yield Bench(database, frozenset(calls), encoder)


@dataclass(frozen=True, slots=True)
class Bench:
    """The calls in a database, and what asks about them."""

    database: Database
    names: frozenset[str]
    encoder: EncoderChoice

    def figures(self, asked: Sequence[Question], *, show: bool) -> dict[str, Any]:
        present = [question for question in asked if question.calls]
        absent = [question for question in asked if not question.calls]
        told: dict[str, Any] = {"questions": len(asked), "present": len(present)}
        answers = {question.ask: self._answer(question.ask) for question in asked}
        if present:
            told |= self._ranked(present, answers)
        if absent:
            told["absent_said_so"] = share(sum(not answers[question.ask].found for question in absent), len(absent))
        if present:
            told["present_called_absent"] = share(
                sum(not answers[question.ask].found for question in present), len(present)
            )
        if show:
            self._show(asked, answers)
        return told

    def _ranked(self, present: Sequence[Question], answers: Mapping[str, Answer]) -> dict[str, Any]:
        looked = {question.ask: self._looked(question.ask) for question in present}
        rankings: dict[str, Ranking] = {
            "search": self._search,
            "words": lambda question: self._names(looked[question].said),
            "vectors": lambda question: self._names(looked[question].near),
            "hybrid": lambda question: self._names(looked[question].fused),
            "answer": lambda question: _named(answers[question]),
        }
        scores = {
            name: np.array([recall(ranking(question.ask), question) for question in present])
            for name, ranking in rankings.items()
        }
        return {
            "recall_at_5": {name: _mean(values) for name, values in scores.items()},
            "by_kind": {
                kind: {name: round(float(values[places].mean()), 3) for name, values in scores.items()}
                for kind in dict.fromkeys(question.kind for question in present)
                if (places := [index for index, question in enumerate(present) if question.kind == kind])
            },
            "hybrid_minus_words": _mean(scores["hybrid"] - scores["words"]),
            "hybrid_minus_vectors": _mean(scores["hybrid"] - scores["vectors"]),
        }

    def quoted(self, half: str, *, show: bool) -> dict[str, Any]:
        """Of calls whose answering lines are known: how often the first quote of the call is one of them."""
        right = reached = of = 0
        for question in line_questions(half):
            first: dict[str, str] = {}
            for quote in self._asker().candidates(question.ask, self._finds()):
                first.setdefault(quote.file_name, quote.text)
            for call, lines in question.lines.items():
                if call not in self.names:
                    continue
                of += 1
                reached += call in first
                hit = call in first and any(line in first[call] for line in lines)
                right += hit
                if show and not hit:
                    print(f"{question.ask} {call}: {first.get(call)!r}")
        return {"right": share(right, of), "reached": reached}

    def fitted(self) -> dict[str, Any]:
        """What tells a passage of a call that answers from another: its cosine and the share of words said in it."""
        from sklearn.linear_model import LogisticRegression

        asker, finds = self._asker(), self._finds()
        developed = questions("developed")
        found = [(question, asker.evidence(question.ask, finds)) for question in developed if question.calls]
        rows = [(question, *passage, len(of)) for question, of in found for passage in of if passage[1] is not None]
        model = LogisticRegression(C=10.0, max_iter=5000)
        model.fit(
            np.array([(likeness, covered) for _, _, likeness, covered, _ in rows]),
            np.array([call in question.calls for question, call, *_ in rows]),
            sample_weight=np.array([1.0 / of for *_, of in rows]),
        )
        slopes = model.coef_[0]
        absent = [question for question in (*developed, *questions("absent")) if not question.calls]
        highest = [
            max(
                float(slopes @ (likeness, covered))
                for _, likeness, covered in asker.evidence(question.ask, finds)
                if likeness
            )
            for question in absent
        ]
        return {
            "likeness": round(float(slopes[0]), 2),
            "covered": round(float(slopes[1]), 2),
            "intercept": -round(float(np.quantile(highest, 0.95)), 2),
            "absent_questions": len(absent),
        }

    def _finds(self) -> PostgresPassages:
        return PostgresPassages(database=self.database, chosen=CallFilter(), timezone="UTC")

    def _asker(self) -> Asker:
        return Asker(AskSettings(), self.encoder)

    def _looked(self, question: str) -> Looked:
        return self._asker().look(read_question(question), self._finds())

    def _answer(self, question: str) -> Answer:
        return self._asker().ask(question, self._finds())

    def _names(self, keys: Sequence[tuple[str, int]]) -> list[str]:
        passages = self._finds().passages(keys)
        return list(dict.fromkeys(passages[key].file_name for key in keys if key in passages))

    def _search(self, question: str) -> list[str]:
        """`run.py search`, to which the whole question is given."""
        return list(dict.fromkeys(hit.file_name for hit in search(self.database, question, limit=50)))

    def _show(self, asked: Sequence[Question], answers: Mapping[str, Answer]) -> None:
        for question in asked:
            calls, found = ", ".join(sorted(question.calls)), answers[question.ask].found
            print(f"\n{question.kind}: {question.ask}  [{calls}] found={found}")
            for key, likeness, covered in self._asker().evidence(question.ask, self._finds())[:6]:
                print(f"   {'*' if key in question.calls else ' '} {key} {likeness} {covered:.2f}")


def _named(answer: Answer) -> list[str]:
    """Calls of an answer, the best quote first."""
    quotes = [quote for group in answer.groups for quote in group.quotes]
    quotes.sort(key=lambda quote: quote.rank)
    return list(dict.fromkeys(quote.file_name for quote in quotes))


def recall(ranked: Sequence[str], question: Question) -> float:
    """Of the calls that answer (at most AT), the share among the first AT."""
    return len(set(ranked[:AT]) & question.calls) / min(AT, len(question.calls))


def _mean(values: Any) -> str:
    """Mean and its bootstrap interval."""
    drawn = np.random.default_rng(7).choice(values, (10_000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f}, n {len(values)})"


if __name__ == "__main__":
    main()
