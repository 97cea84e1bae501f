"""Which labels of a glossary are worth asking about: the closest to what the client says first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.encoder.vectors import EncoderChoice
from analysis.glossary.catalogue import Glossary, Label


@dataclass(frozen=True, slots=True)
class Offered:
    """A label and the catalogue it is of."""

    label: Label
    glossary: Glossary
    closeness: float | None = None
    """Cosine of the label and what the client says first, -1..1; None where no encoder compared them."""


def shortlist(
    text: str,
    language: str | None,
    glossaries: Sequence[Glossary],
    encoder: EncoderChoice,
    most: int,
    *,
    topic: str | None = None,
) -> tuple[Offered, ...]:
    """At most `most` labels, the closest first; all of them, in the glossaries' order, where there are no more or no
    encoder knows the language.

    A label is as close as the closest of its own description, its keywords together, and its examples. Of `topic`, to
    which something else points, the closest label is always among them.
    """
    everything = [Offered(label, glossary) for glossary in glossaries for label in glossary.labels]
    known = encoder.for_language(language)
    if known is None or not text:
        return tuple(everything)
    said = known.encode([text])[0]
    texts = [label_texts(offered.label) for offered in everything]
    vectors = known.encode_fixed([text for several in texts for text in several])
    similarities = iter((vectors @ said).tolist())
    closeness = [max(next(similarities) for _ in several) for several in texts]
    order = np.argsort(-np.asarray(closeness), kind="stable").tolist()
    chosen = sorted(order) if len(order) <= most else order[:most]
    pointed_to = [row for row in order if everything[row].label.topic == topic][:1]
    if not set(pointed_to) <= set(chosen):
        chosen[-1:] = pointed_to
    return tuple(replace(everything[row], closeness=closeness[row]) for row in chosen)


def label_texts(label: Label) -> list[str]:
    """What describes a label, one text for each way of saying it."""
    name = label.path.replace(" > ", ": ").replace("_", " ")
    described = [
        f"{name}. {label.definition}".strip(),
        f"{name}: {', '.join(label.keywords)}" if label.keywords else "",
    ]
    return [text for text in (*described, *label.examples) if text]
