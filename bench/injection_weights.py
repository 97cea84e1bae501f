"""Fits how a sentence about the record of a call is told from an ordinary sentence, `analysis/injection/weights.json`.

    python -m bench.injection_weights [--data ../shared/data] [--write]

Fitted on our own sentences (`bench/labels/injection.yaml`): what somebody may say to whoever sums the call up, and what
people say of notes, records and machines without meaning that; on our sentences of moods
(`analysis/sentiment/shipped/mood_sentences.csv`), written service dialogues (Rastogi et al. 2019, CC BY-SA 4.0) and
questions of banking77 (Casanueva et al. 2020, CC BY 4.0). What such a sentence is about should not
count, so the things in ours are exchanged at random (AUGMENTED times). Measured on what it was not fitted on: the
attacks of `bench/labels/attacks*.txt`, everyday talk (DialogSum) and further turns of the dialogues; ours in eight
parts, each by weights fitted without it. Without --write the weights are only fitted and measured.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.injection.acts import acts_in
from analysis.injection.weighing import FLAGGED, WEIGHTS, WITH_ENCODER, WORDS_ALONE, Weights, method_of, probabilities
from analysis.text import split_sentences
from bench.materials.banking77 import questions
from bench.shares import share_interval
from pipeline.config.areas.encoder import EncoderSettings

LABELS = Path(__file__).parent / "labels"
MOODS = Path("analysis/sentiment/shipped/mood_sentences.csv")
SEED, AUGMENTED, RARE, STRENGTH, VECTOR_SCALE, PARTS = 1, 4, 3, 1.0, 4.0, 8
DIALOGUES, QUESTIONS = 3000, 300
"""Ordinary sentences to fit on."""
_THING = re.compile(
    r"\b(?:loan|refund|upgrade|roaming|booking|cancellation|flight|hotel|phone|router|parcel|fridge|contract|subscription"
    r"|policy|appointment|delivery|warranty|bill|payment|invoice|card|account|insurance|order|leak|tariff|address|fee"
    r"|bicycle|voucher|reservation|sale)\b",
    re.IGNORECASE,
)
_OTHER_THINGS = (
    "bill payment invoice card account transfer balance order loan refund booking flight appointment contract delivery"
)
Rows = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    meant: bool
    """For whoever sums the call up."""
    family: int
    """Of those that differ in their things only."""
    weight: float


def own_sentences() -> dict[str, list[str]]:
    found: dict[str, list[str]] = yaml.safe_load((LABELS / "injection.yaml").read_text(encoding="utf-8"))
    return found


def examples(data: Path) -> list[Example]:
    drawn, made, things = random.Random(SEED), [], _OTHER_THINGS.split()
    own = own_sentences()
    for family, (text, meant) in enumerate(
        (text, kind == "meant") for kind in ("meant", "ordinary") for text in own[kind]
    ):
        variants = [text]
        if _THING.search(text):
            variants += [_THING.sub(lambda _: drawn.choice(things), text) for _ in range(AUGMENTED)]
        made += [Example(sentence, meant, family, 1 / len(variants)) for sentence in variants]
    asked = [question.text for question in questions(data)]
    with MOODS.open(encoding="utf-8", newline="") as file:
        moods = [row["text"] for row in csv.DictReader(file)]
    ordinary = [*dialogue_sentences(data)[:DIALOGUES], *drawn.sample(asked, QUESTIONS), *moods]
    return made + [Example(sentence, False, -index - 1, 1.0) for index, sentence in enumerate(ordinary)]


def dialogue_sentences(data: Path) -> list[str]:
    """In a drawn order, each once."""
    with (data / "text" / "service_dialogues.csv").open(encoding="utf-8", newline="") as file:
        found = sorted({sentence for row in csv.DictReader(file) for sentence in split_sentences(row["text"])})
    random.Random(SEED).shuffle(found)
    return found


def everyday_sentences(data: Path) -> list[str]:
    lines = (data / "text" / "dialogsum.dev.jsonl").read_text(encoding="utf-8").splitlines()
    turns = [re.sub(r"^#\w+#:\s*", "", turn) for line in lines for turn in json.loads(line)["dialogue"].splitlines()]
    return sorted({sentence for turn in turns for sentence in split_sentences(turn)})


def fit(found: Sequence[Example], encoder: SentenceEncoder | None) -> Weights:
    from sklearn.linear_model import LogisticRegression

    acts = [acts_in(sentence.text) for sentence in found]
    families = Counter(
        name for name, _ in {(name, sentence.family) for sentence, of in zip(found, acts, strict=True) for name in of}
    )
    names = sorted(name for name, seen in families.items() if seen >= RARE)
    rows = np.asarray([[of.get(name, 0.0) for name in names] for of in acts])
    if encoder is not None:
        rows = np.hstack([rows, VECTOR_SCALE * encoder.encode([sentence.text for sentence in found])])
    model = LogisticRegression(C=STRENGTH, max_iter=3000)
    model.fit(rows, [sentence.meant for sentence in found], sample_weight=[sentence.weight for sentence in found])
    weights = model.coef_[0]
    return Weights(
        float(model.intercept_[0]),
        {name: float(weight) for name, weight in zip(names, weights, strict=False)},
        VECTOR_SCALE * weights[len(names) :],
        encoder.space if encoder is not None else None,
    )


def as_record(weights: Weights) -> dict[str, Any]:
    return {
        "constant": round(weights.constant, 4),
        "space": weights.space,
        "acts": {name: round(weight, 3) for name, weight in weights.acts.items()},
        "vector": [round(float(weight), 3) for weight in weights.vector],
    }


def in_parts(found: Sequence[Example], encoder: SentenceEncoder | None) -> dict[bool, tuple[int, int]]:
    """How many of our own sentences, meant and ordinary, are flagged by weights fitted without their part."""
    flagged: dict[bool, tuple[int, int]] = {True: (0, 0), False: (0, 0)}
    seen: set[int] = set()
    flagged_from = FLAGGED[method_of(encoder)]
    for part in range(PARTS):
        weights = fit(
            [sentence for sentence in found if sentence.family < 0 or sentence.family % PARTS != part], encoder
        )
        for sentence in found:
            if sentence.family >= 0 and sentence.family % PARTS == part and sentence.family not in seen:
                seen.add(sentence.family)
                hit = _log_odds(weights, sentence.text, encoder) >= np.log(flagged_from / (1 - flagged_from))
                flagged[sentence.meant] = (flagged[sentence.meant][0] + hit, flagged[sentence.meant][1] + 1)
    return flagged


def _log_odds(weights: Weights, text: str, encoder: SentenceEncoder | None) -> float:
    return weights.of_acts(text) + (float(encoder.encode([text])[0] @ weights.vector) if encoder is not None else 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.name}")
    parser.add_argument("--parts", action="store_true", help="measure our own sentences in parts (minutes)")
    chosen = parser.parse_args()
    encoder = open_encoder(EncoderSettings()).encoder
    if not chosen.data.is_dir() or encoder is None:
        print(json.dumps({"skipped": f"no reference data in {chosen.data} (--data DIR), or no sentence encoder"}))
        return
    found = examples(chosen.data)
    if chosen.write:
        methods = {WITH_ENCODER: as_record(fit(found, encoder)), WORDS_ALONE: as_record(fit(found, None))}
        about = "Written by python -m bench.injection_weights, which says from what."
        WEIGHTS.write_text(json.dumps({"about": about, **methods}, indent=0) + "\n", encoding="utf-8")
    if chosen.parts:
        for name, of in ((WITH_ENCODER, encoder), (WORDS_ALONE, None)):
            print(name, {"meant" if meant else "ordinary": told(*hits) for meant, hits in in_parts(found, of).items()})
    sets = {
        name: attack_lines(name)
        for name in ("attacks", "attacks_fresh", "attacks_last", "attacks_third_hand", "ordinary_third_hand")
    }
    sets |= {"dialogues": dialogue_sentences(chosen.data)[DIALOGUES:], "everyday": everyday_sentences(chosen.data)}
    for name, texts in sets.items():
        for method, of in ((WITH_ENCODER, encoder), (WORDS_ALONE, None)):
            hits = sum(share >= FLAGGED[method] for share in probabilities(texts, of))
            print(f"{name}, {method}: {told(hits, len(texts))}")


def attack_lines(name: str) -> list[str]:
    return [
        line for line in (LABELS / f"{name}.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("# ")
    ]


def told(hits: int, of: int) -> str:
    low, high = share_interval(hits, of)
    return f"{hits} of {of} flagged = {hits / of:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
