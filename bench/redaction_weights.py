"""Fits what redaction has learned of words and dictated stretches, `analysis/redaction/learned/weights.json`.

    python -m bench.redaction_weights [--write] [--apart]

Fitted on our own exchanges and those of people who saw no code (`bench/labels/redaction_*.txt`), each as it is written
and flat, without capitals and stops, as some recognisers write. A reference of an order or a booking, which some sets
mark and others do not, is left out. What is no personal data in whole calls comes from those of `strangers.yaml` that
were looked at, and from the words in small letters of calls and sentences that nobody marked. `--apart` measures each
file by the rules and weights that were fitted without it (and without others of its hand): what is learned at first
sight, though the rules had seen most files.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.redaction.learned.features import described
from analysis.redaction.learned.stretches import stretches_of
from analysis.redaction.learned.tagger import LANGUAGE, Tagger
from analysis.redaction.learned.weights import HARMLESS, NOTHING, WEIGHTS, weights_of
from analysis.redaction.redactor import Redactor
from analysis.redaction.talk import Talk
from bench.materials.redaction_exchanges import LABELS, Exchange, exchange_of, read_exchanges
from bench.redaction import exchanges
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import RedactionSettings

STRENGTH, RARE, MOST_STEPS, DECIMALS = 0.1, 8, 200, 3
HANDS = (("developed", "apart", "later", "last"), ("further_seen", "further_aside"), ("fresh_seen",), ("fresh_own",),
         ("fresh_aside", "fresh_third", "fitted_6"),
         ("fitted_1", "fitted_2", "fitted_3", "fitted_4", "fitted_5"))  # fmt: skip
"""Files of one hand and time."""
CLASS_OF = {
    "card": "CARD", "cvv": "CARD", "expiry": "CARD", "pin": "CARD", "code": "CODE", "otp": "CODE", "password": "CODE",
    "phone": "PHONE", "email": "EMAIL", "iban": "IBAN", "ssn": "ID", "ssn4": "ID", "id": "ID", "licence": "ID",
    "passport": "ID", "account": "ACCOUNT", "customer": "ACCOUNT", "policy": "ACCOUNT", "sortcode": "ACCOUNT",
    "routing": "ACCOUNT", "dob": "BIRTH", "name": "NAME", "address": "ADDRESS",
}  # fmt: skip
CALLS = "calls"
MOODS = Path("analysis/sentiment/shipped/mood_sentences.csv")
EACH_SENTENCE, TURNS = 6, 8
"""Every sixth sentence, eight to a talk."""
_LEFT_OUT = "reference"
_SMALL = re.compile(r"(?<![^\W_])(?<!['’])[a-zà-þ]+")
_STOP = re.compile(r"(?<=[\w'’])[.,?!;](?=\s|$)", re.MULTILINE)
_TURN = re.compile(r"^(#\d+ \w+: )(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A word that was read."""

    file: str
    features: tuple[str, ...]
    vector: npt.NDArray[np.float32]
    label: str


def flat(exchange: Exchange) -> Exchange:
    """As long as it was, without capitals and without marks at the ends of words."""
    text = _STOP.sub(" ", exchange.text)
    return replace(exchange, text=_TURN.sub(lambda turn: turn[1] + turn[2].lower(), text))


def examples(encoder: SentenceEncoder, names: Sequence[str]) -> list[Example]:
    found: list[Example] = []
    for name in names:
        for exchange in read_exchanges(LABELS / f"redaction_{name}.txt"):
            for style in (exchange, flat(exchange)):
                found += _examples(encoder, name, style)
    return found


def call_examples(encoder: SentenceEncoder) -> list[Example]:
    """Of whole calls that were looked at, and of plain talk."""
    marked = [
        exchange_of(call["name"], call["turns"])
        for call in yaml.safe_load((LABELS / "strangers.yaml").read_text(encoding="utf-8"))
        if call["number"] % 2
    ]
    found = [word for call in marked for style in (call, flat(call)) for word in _examples(encoder, CALLS, style)]
    for talk in _plain_talks():
        small = {match.start() for match in _SMALL.finditer(talk.text)}
        for style in (talk, flat(talk)):
            found += [word for word in _examples(encoder, CALLS, style, small) if "run" not in word.features]
    return found


def _plain_talks() -> Iterator[Exchange]:
    """Calls of the topic step, and our sentences of moods as if one followed the other."""
    for name in ("asked_calls_developed.jsonl", "asked_calls_further_seen.jsonl"):
        for line in (LABELS / name).read_text(encoding="utf-8").splitlines():
            call = json.loads(line)
            yield exchange_of(call["name"], [(turn["role"], turn["text"]) for turn in call["turns"]])
    with MOODS.open(encoding="utf-8", newline="") as file:
        sentences = [row["text"] for row in csv.DictReader(file)][::EACH_SENTENCE]
    for first in range(0, len(sentences), TURNS):
        turns = zip(("agent", "client") * (TURNS // 2), sentences[first : first + TURNS], strict=False)
        yield exchange_of(f"sentences from {first}", turns)


def _examples(
    encoder: SentenceEncoder, file: str, exchange: Exchange, only: Collection[int] | None = None
) -> Iterator[Example]:
    """`only`: where the words begin that count; None for all."""
    talk = Talk(exchange.text, (LANGUAGE,))
    vectors = {
        start: row
        for stretch in stretches_of(talk)
        for start, row in zip(stretch.starts, encoder.encode_words(stretch.pieces)[stretch.first :], strict=False)
    }
    for turn, runs in zip(talk.turns, talk.runs(LANGUAGE), strict=True):
        for word in described(talk.text, turn, runs):
            label = _label(exchange, word.word.start)
            if word.word.start in vectors and label is not None and (only is None or word.word.start in only):
                yield Example(file, tuple(word.features), vectors[word.word.start], label)


def _label(exchange: Exchange, position: int) -> str | None:
    """None for what is left out."""
    mark = next((mark for mark in exchange.marked if mark.start <= position < mark.end), None)
    if mark is None:
        return NOTHING
    if mark.kind == _LEFT_OUT:
        return None
    return HARMLESS if mark.kind is None else CLASS_OF[mark.kind]


def fit(found: Sequence[Example], space: str) -> dict[str, Any]:
    """What `weights.json` holds."""
    from sklearn.linear_model import LogisticRegression

    counts = Counter(name for example in found for name in example.features)
    columns = {name: index for index, name in enumerate(sorted(name for name, n in counts.items() if n >= RARE))}
    rows = np.zeros((len(found), len(columns)), dtype=np.float32)
    for row, example in zip(rows, found, strict=True):
        row[[columns[name] for name in example.features if name in columns]] = 1.0
    model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS)
    model.fit(np.hstack([rows, np.stack([example.vector for example in found])]), [example.label for example in found])
    weights = model.coef_.T.astype(np.float64).round(DECIMALS)
    return {
        "space": space,
        "classes": [str(name) for name in model.classes_],
        "constant": model.intercept_.astype(np.float64).round(DECIMALS).tolist(),
        "features": {name: weights[index].tolist() for name, index in columns.items()},
        "vector": weights[len(columns) :].tolist(),
    }


def apart(found: Sequence[Example], encoder: SentenceEncoder, names: Collection[str], *, show: bool = False) -> None:
    """Each file by weights fitted without its hand."""
    settings = RedactionSettings()
    for hand in HANDS:
        if not set(hand) & set(names):
            continue
        weights = weights_of(fit([example for example in found if example.file not in hand], encoder.space))
        for name in sorted(set(hand) & set(names)):
            chosen = read_exchanges(LABELS / f"redaction_{name}.txt")
            for method, redactor in (
                ("rules", Redactor(settings)),
                ("rules and learned", Redactor(settings, Tagger(encoder, weights))),
            ):
                figures = exchanges(redactor, chosen, show and method != "rules")
                told = ("all but names and addresses", "names and addresses", "harmless numbers taken")
                shares = "; ".join(str(figures[key]) for key in told)
                print(f"{name}, {method}: {shares}; {figures['other words taken']} other stretches")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.name}")
    parser.add_argument("--apart", action="store_true", help="measure each file by weights fitted without it (minutes)")
    parser.add_argument("--show", action="store_true", help="with --apart: print what was left and taken wrongly")
    chosen = parser.parse_args()
    encoder = open_encoder(EncoderSettings()).encoder
    if encoder is None:
        print(json.dumps({"skipped": "no sentence encoder"}))
        return
    names = [name for hand in HANDS for name in hand]
    found = examples(encoder, names) + call_examples(encoder)
    print(f"{len(found)} words of {len(names)} files")
    if chosen.write:
        about = "Written by python -m bench.redaction_weights, which says from what."
        record = {"about": about, **fit(found, encoder.space)}
        WEIGHTS.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")
    if chosen.apart:
        apart(found, encoder, names, show=chosen.show)


if __name__ == "__main__":
    main()
