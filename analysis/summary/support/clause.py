"""One thing that a statement says."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.records import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One thing a statement says."""

    text: str
    subject: Role | None
    """Who it says acts; None for a thing, a third party or nobody."""
    owner: Role | None
    """Whose thing it is about: `the client's server`."""
    verb: str | None
    """As written, lower-case."""
    act: str | None
    """Kind of speech act, where the verb is one."""
    passive: bool
    """Whether the subject is whom it happens to."""
    done: bool
    """Told as something that has happened or is so, not as something to come."""
    denied: bool
    content: tuple[str, ...]
    """Stems that carry meaning, without roles and verbs of speech."""
    towards: Role | None
    """To or for whom it says it is done."""
    inner: str | None
    """The verb of what was asked, offered, promised: `send` in `asked the agent to send`."""
    inner_doer: Role | None
    closing: bool
    """Says that there was nothing else."""
    past: bool
    """Told as something that has happened: `sent`, `was sent`, `has sent`; not `is booked`."""
    purpose: bool
    """Says what for: `to order a cake` somewhere behind the verb."""
    arranges: bool
    """Its verb sets something up for later: `booked`."""
    question: bool
    """`asked whether …`: a question, and no request."""
    told: str | None
    """The stem of what it is said to have happened: `paid` in `confirmed that the bill has been paid`."""
    had: str | None
    """What somebody has: `fine` in `had a fine from the city`, which is nothing done."""
    state: str | None
    """The stem of a state that a thing is said to have reached: `is ready`."""
