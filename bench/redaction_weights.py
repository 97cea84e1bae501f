"""Fits what redaction has learned of words and dictated stretches, `analysis/redaction/learned/weights.npz`.

    python -m bench.redaction_weights [--write] [--apart]

Fitted on our own exchanges and those of people who saw no code (`bench/labels/redaction_*.txt`), each as it is written
and flat, without capitals and stops, as some recognisers write. What is no personal data in whole calls comes from
those of `strangers.yaml` that were looked at, and from the words in small letters of calls and sentences that nobody
marked. `--apart` measures each file by the rules and weights that were fitted without it (and without others of its
hand): what is learned at first sight, though the rules had seen most files; `--references` with that kind.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.redaction.learned.features import LANGUAGE, described
from analysis.redaction.learned.stretches import stretches_of
from analysis.redaction.learned.tagger import Tagger
from analysis.redaction.learned.weights import HARMLESS, NOTHING, WEIGHTS, Weights, saved
from analysis.redaction.other_numbers import find_others
from analysis.redaction.redactor import Redactor
from analysis.redaction.talk import Talk
from bench.materials.redaction_exchanges import LABELS, REFERENCE, Exchange, exchange_of, read_exchanges
from bench.redaction import exchanges
from bench.redaction_network import fit_network
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import KINDS, RedactionSettings

RARE = 15
"""A feature that fewer words have is left out."""
HANDS = (("developed", "apart", "later", "last"), ("further_seen", "further_aside"), ("fresh_seen",), ("fresh_own",),
         ("fresh_aside", "fresh_third", "fitted_6"),
         ("fitted_1", "fitted_2", "fitted_3", "fitted_4", "fitted_5"), ("fresh_fourth",), ("fresh_fifth",),
         ("fresh_sixth",))  # fmt: skip
"""Files of one hand and time."""
CLASS_OF = {
    "card": "CARD", "cvv": "CARD", "expiry": "CARD", "pin": "CARD", "code": "CODE", "otp": "CODE", "password": "CODE",
    "phone": "PHONE", "email": "EMAIL", "iban": "IBAN", "ssn": "ID", "ssn4": "ID", "id": "ID", "licence": "ID",
    "passport": "ID", "account": "ACCOUNT", "customer": "ACCOUNT", "policy": "ACCOUNT", "sortcode": "ACCOUNT",
    "routing": "ACCOUNT", "dob": "BIRTH", "name": "NAME", "address": "ADDRESS",
    REFERENCE: "REFERENCE",
}  # fmt: skip
CALLS = "calls"
MOODS = Path("analysis/sentiment/shipped/mood_sentences.csv")
EACH_SENTENCE, TURNS = 6, 8
"""Every sixth sentence, eight to a talk."""
_SMALL = re.compile(r"(?<![^\W_])(?<!['’])[a-zà-þ]+")
_STOP = re.compile(r"(?<=[\w'’])[.,?!;](?=\s|$)", re.MULTILINE)
_TURN = re.compile(r"^(#\d+ \w+: )(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """A word that was read."""

    file: str
    features: frozenset[str]
    vector: npt.NDArray[np.float32]
    together: npt.NDArray[np.float32]
    """Mean vector of the words that are decided with it."""
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
    others = find_others(talk)
    vectors = {
        start: row
        for stretch in stretches_of(talk)
        for start, row in zip(stretch.starts, encoder.encode_words(stretch.pieces)[stretch.first :], strict=False)
    }
    for number in range(len(talk.turns)):
        words = [word for word in described(talk, others, number) if word.word.start in vectors]
        for _, group in groupby(words, key=lambda word: word.run or word.word):
            of_group = list(group)
            together = np.mean([vectors[word.word.start] for word in of_group], axis=0)
            for word in of_group:
                start = word.word.start
                if only is None or start in only:
                    yield Example(file, word.features, vectors[start], together, _label(exchange, start))


def _label(exchange: Exchange, position: int) -> str:
    mark = next((mark for mark in exchange.marked if mark.start <= position < mark.end), None)
    if mark is None:
        return NOTHING
    return HARMLESS if mark.kind is None else CLASS_OF[mark.kind]


def fit(found: Sequence[Example], space: str) -> Weights:
    counts = Counter(name for example in found for name in example.features)
    columns = {name: index for index, name in enumerate(sorted(name for name, n in counts.items() if n >= RARE))}
    classes = sorted({example.label for example in found})
    size = len(found[0].vector)
    rows = np.zeros((len(found), len(columns) + 2 * size), dtype=np.float32)
    for row, example in zip(rows, found, strict=True):
        row[[columns[name] for name in example.features if name in columns]] = 1.0
        row[len(columns) :] = np.concatenate([example.vector, example.together])
    network = fit_network(rows, np.asarray([classes.index(example.label) for example in found]), len(classes))
    of_features, vector, together = np.split(network.hidden, [len(columns), len(columns) + size])
    return Weights(
        tuple(classes), network.constant, columns, of_features, vector, together, network.out, network.out_constant,
        space,
    )  # fmt: skip


def apart(found: Sequence[Example], encoder: SentenceEncoder, settings: RedactionSettings, *, show: bool) -> None:
    """Each file by weights fitted without its hand."""
    for hand in HANDS:
        weights = fit([example for example in found if example.file not in hand], encoder.space)
        for name in hand:
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
    parser.add_argument("--references", action="store_true", help="with --apart: with the kind `reference`, too")
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
        saved(fit(found, encoder.space), WEIGHTS)
    if chosen.apart:
        kinds = (*KINDS, REFERENCE) if chosen.references else KINDS
        apart(found, encoder, RedactionSettings(kinds=kinds), show=chosen.show)


if __name__ == "__main__":
    main()
