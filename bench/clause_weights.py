"""Fits where sentences of speech end without a stop, `analysis/clauses/weights.json`, and measures it.

    python -m bench.clause_weights [--data ../shared/data] [--write]

Fitted on our own sentences (`analysis/sentiment/shipped/mood_sentences.csv`), strung together at random, and on the
turns of written service dialogues (Rastogi et al. 2019, CC BY-SA 4.0), two of one dialogue together. Their stops are
taken away; a third become commas. Measured the same way on turns that it was not fitted on, everyday ones (DialogSum)
and those of the calls of `bench/labels` that were looked at: of the gaps cut, how many end a sentence; of the ends,
how many are cut.
Without --write the weights are only shown.
"""

from __future__ import annotations

import csv
import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from analysis.clauses.cutting import WEIGHTS, ends_after
from analysis.clauses.gaps import Said, features, plain_word
from analysis.text import split_sentences
from bench.materials.redaction_exchanges import without_marks
from bench.materials.service_dialogues import service_dialogues
from bench.options import options_of
from bench.shares import share

OWN = Path("analysis/sentiment/shipped/mood_sentences.csv")
CALLS = ("strangers.yaml", "listened.yaml", "fresh_first.yaml", "fresh_second.yaml")
SEED, COMMAS, RARE, STRENGTH = 5, 0.35, 3, 0.4
_TOKEN = re.compile(r"([^\W_]+(?:['’.:-][^\W_]+)*)([,;:]?)")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sentences in one, without stops."""

    said: Said
    ends: frozenset[int]
    """Places of the last words of the sentences."""


def run_together(sentences: Sequence[str], drawn: random.Random) -> Stretch:
    words: list[str] = []
    ends, breaks = set(), set()
    for sentence in sentences:
        for word, mark in _TOKEN.findall(sentence):
            if mark:
                breaks.add(len(words))
            words.append(plain_word(word))
        if words:
            ends.add(len(words) - 1)
            breaks.discard(len(words) - 1)
            if drawn.random() < COMMAS:
                breaks.add(len(words) - 1)
    return Stretch(Said(words, frozenset(breaks)), frozenset(ends))


def fitted_on(data: Path) -> Iterator[Stretch]:
    drawn = random.Random(SEED)
    dialogues = service_dialogues(data)
    turns = [(dialogue.name, split_sentences(text)) for dialogue in dialogues for _, text in dialogue.turns]
    for (dialogue, sentences), (other, more) in itertools.pairwise(turns):
        if len(sentences) > 1:
            yield run_together(sentences, drawn)
        elif dialogue == other and drawn.random() < 0.5:
            yield run_together([*sentences, *more], drawn)
    with OWN.open(encoding="utf-8", newline="") as file:
        own = [row["text"] for row in csv.DictReader(file)]
    for _ in range(2):
        drawn.shuffle(own)
        first = 0
        while first < len(own):
            taken = own[first : first + drawn.choice((1, 2, 2, 3, 3, 4))]
            yield run_together([sentence for text in taken for sentence in split_sentences(text)], drawn)
            first += len(taken)


def everyday(data: Path) -> Iterator[Stretch]:
    drawn = random.Random(SEED)
    for line in (data / "text" / "dialogsum.dev.jsonl").read_text(encoding="utf-8").splitlines():
        for turn in json.loads(line)["dialogue"].splitlines():
            sentences = split_sentences(re.sub(r"^#\w+#:\s*", "", turn))
            if len(sentences) > 1:
                yield run_together(sentences, drawn)


def of_calls() -> Iterator[Stretch]:
    """The turns with stops of the halves that were looked at."""
    drawn = random.Random(SEED)
    for name in CALLS:
        for call in yaml.safe_load((Path("bench/labels") / name).read_text(encoding="utf-8")):
            for _, turn in call["turns"] if call.get("number", 1) % 2 else ():
                sentences = split_sentences(without_marks(turn))
                if len(sentences) > 1:
                    yield run_together(sentences, drawn)


def gaps(stretches: Iterator[Stretch]) -> tuple[list[list[str]], list[bool]]:
    found, ends = [], []
    for stretch in stretches:
        start = 0
        for index in range(len(stretch.said.words) - 1):
            found.append(features(stretch.said, index, start))
            ends.append(index in stretch.ends)
            start = index + 1 if ends[-1] else start
    return found, ends


def fit(found: Sequence[Sequence[str]], ends: Sequence[bool]) -> dict[str, float]:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    counts = Counter(name for names in found for name in names)
    columns = {
        name: column for column, name in enumerate(sorted(name for name, seen in counts.items() if seen >= RARE))
    }
    pairs = [(row, columns[name]) for row, names in enumerate(found) for name in set(names) if name in columns]
    rows, places = np.asarray(pairs, dtype=np.int32).T
    table = csr_matrix((np.ones(len(rows)), (rows, places)), shape=(len(found), len(columns)))
    table.indices, table.indptr = table.indices.astype(np.int32), table.indptr.astype(np.int32)
    # `gap` is in every row that has no comma: no further constant is needed.
    model = LogisticRegression(l1_ratio=1, C=STRENGTH, solver="liblinear", fit_intercept=False, max_iter=300)
    model.fit(table, np.asarray(ends))
    weights = zip(columns, model.coef_[0], strict=True)
    return {name: round(float(weight), 3) for name, weight in weights if abs(weight) >= 0.0005}


def measured(stretches: Iterator[Stretch]) -> str:
    right = cut = ends = 0
    for stretch in stretches:
        start, inner = 0, stretch.ends - {len(stretch.said.words) - 1}
        ends += len(inner)
        for index in range(len(stretch.said.words) - 1):
            if ends_after(stretch.said, index, start):
                start, cut, right = index + 1, cut + 1, right + (index in inner)
    return f"cut where a sentence ends {share(right, cut)}, ends cut {share(right, ends)}"


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.name}")
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(json.dumps({"skipped": f"no reference data in {chosen.data}; give --data DIR"}))
        return
    if chosen.write:
        weights = fit(*gaps(fitted_on(chosen.data)))
        about = "Written by python -m bench.clause_weights, which says from what."
        WEIGHTS.write_text(json.dumps({"about": about, "weights": weights}, indent=0) + "\n", encoding="utf-8")
        print(f"{len(weights)} weights")
    print(f"everyday turns: {measured(everyday(chosen.data))}")
    print(f"turns of calls: {measured(of_calls())}")


if __name__ == "__main__":
    main()
