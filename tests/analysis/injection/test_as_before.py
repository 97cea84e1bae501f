"""Sentences that sifting was made with: what is done in each and what is left out of a call, kept as it is.

What is right is in the other tests and in the benchmark; a change for the better changes these files, too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from analysis.encoder.vectors import WITHOUT
from analysis.injection.acts import acts_in
from analysis.injection.patterns import orders_at
from analysis.injection.sifting import Sifter
from pipeline.records import CallForAnalysis, TranscriptChunk, Word
from tests.analysis.calls import call
from tests.pinned import assert_pinned

FILE = Path(__file__).resolve().parents[3] / "bench" / "labels" / "injection.yaml"
LISTS: dict[str, list[str]] = {
    name: texts[:400] for name, texts in yaml.safe_load(FILE.read_text(encoding="utf-8")).items()
}
"""What is added at the end of a list changes nothing here."""
BESIDE = (
    "I lost my debit card, can you send me a new one?",
    "My parcel has not arrived, it was to be here on Monday, and nobody has called me back since then",
    "Okay.",
    "[noise] yes, the blue one",
    "lamp table chair desk sofa shelf mirror carpet curtain",
)


def test_what_is_done_in_each_sentence() -> None:
    lines = []
    for name, texts in LISTS.items():
        for text in texts[::3]:
            found = acts_in(text)
            acts = sorted(act for act, value in found.items() if value == 1.0 and act != "length")
            orders = [text[start:end] for start, end in orders_at(text)]
            lines.append(f"{name}: {text} -> {', '.join(acts)} {found['length']:.2f} {orders or ''}".rstrip())
    assert_pinned("acts.txt", "\n".join(lines))


def test_what_is_left_of_drawn_calls() -> None:
    assert_pinned("sifted.txt", "\n".join(_sifted()))


def _sifted() -> Iterator[str]:
    for number in range(150):
        generator = random.Random(number)
        made = drawn_call(generator)
        found = Sifter(WITHOUT, for_model=number % 3 > 0).sift(made)
        yield f"= {number} {made.transcript.language}"
        for before, kept, surer in zip(
            made.transcript.chunks, found.call.transcript.chunks, found.surer.transcript.chunks, strict=True
        ):
            yield f"{before.role}: {before.text}"
            for name, chunk in (("kept", kept), ("surer", surer)):
                if chunk != before:
                    timed = " ".join(word.text for word in chunk.words) if chunk.words else "no words"
                    yield f"  {name}: {chunk.text} | {timed}"
        for name in ("left_out", "doubtful", "suspect"):
            if texts := getattr(found, name):
                yield f"  {name}: {' | '.join(texts)}"
        doubted = found.doubted
        yield f"  orders {found.orders}, with doubts {doubted.left_out if doubted else None}"


def drawn_call(generator: random.Random) -> CallForAnalysis:
    said = []
    for place in range(generator.randint(1, 4)):
        listed = LISTS["meant" if generator.random() < 0.4 else "ordinary"]
        parts = [generator.choice(listed), generator.choice(BESIDE)]
        generator.shuffle(parts)
        joint = generator.choice([" ", " ", ", and "])
        said.append((("agent", "client")[(place + 1) % 2], joint.join(parts)))
    made = call(*said, language=generator.choice(["en", "en", "en", "en", None, "fr"]))
    chunks = tuple(_timed(chunk, generator) for chunk in made.transcript.chunks)
    return replace(made, transcript=replace(made.transcript, chunks=chunks))


def _timed(chunk: TranscriptChunk, generator: random.Random) -> TranscriptChunk:
    """With words in half of them, of which one may not be in the text; some chunks are not believed."""
    words = [
        Word(text=f" {word}", start_s=chunk.start_s + index / 10, end_s=chunk.start_s + (index + 0.5) / 10)
        for index, word in enumerate(chunk.text.split())
    ]
    if generator.random() < 0.1:
        words.insert(generator.randrange(len(words) + 1), Word(text="unsaid", start_s=0.0, end_s=0.1))
    flags = ("low_confidence",) if generator.random() < 0.1 else ()
    return replace(chunk, words=tuple(words) if generator.random() < 0.5 else None, flags=flags)
