"""Which subtopic of a topic is given, and why none is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.glossary.catalogue import Glossary, Label
from analysis.records import Topic

_LEAD = 2.0
"""Times as likely as any other subtopic of its topic, for a subtopic to be given. Not a share of the topic: in a whole
call what is said after the reason lends each of the others a little, and right ones have .4 to .5 of it."""


@dataclass(frozen=True, slots=True)
class Below:
    """A subtopic, or None with the reason; None without one where the topic has no subtopics."""

    subtopic: str | None
    missing: str | None = None


def likeliest_subtopic(topic: str, labels: Sequence[Label], shares: npt.NDArray[np.float64]) -> Below:
    """The subtopic that leads the others, where it is no less likely than the topic alone.

    Args:
        shares: of all labels, shape (labels,).
    """
    own = [(float(share), label.subtopic) for share, label in zip(shares, labels, strict=True) if label.topic == topic]
    alone = sum(share for share, subtopic in own if subtopic is None)
    below = sorted(((share, subtopic) for share, subtopic in own if subtopic is not None), reverse=True)
    if not below:
        return Below(None)
    (best, subtopic), whole = below[0], sum(share for share, _ in own) or 1.0
    told = [f"{name} ({share / whole:.2f} of the topic)" for share, name in below[:2]]
    if len(below) > 1 and best < _LEAD * below[1][0]:
        return Below(None, f"two are nearly as likely: {told[0]} and {told[1]}")
    if best < alone:
        return Below(None, f"the topic alone is likelier than {told[0]}")
    return Below(subtopic)


def with_reasons(topic: Topic, glossaries: Sequence[Glossary]) -> Topic:
    """The topic, with a reason for each subtopic that is missing where its catalogue lists some."""
    of_topic, of_second = (_lists_some(name, topic.catalogue, glossaries) for name in (topic.topic, topic.second_topic))
    chosen = "what chose the topic chose none of its subtopics"
    return replace(
        topic,
        subtopic_missing=(topic.subtopic_missing or chosen) if of_topic and topic.subtopic is None else None,
        second_subtopic_missing=(
            (topic.second_subtopic_missing or chosen) if of_second and topic.second_subtopic is None else None
        ),
    )


def _lists_some(topic: str | None, catalogue: str | None, glossaries: Sequence[Glossary]) -> bool:
    return topic is not None and any(
        glossary.name == catalogue and glossary.subtopics(topic) for glossary in glossaries
    )
