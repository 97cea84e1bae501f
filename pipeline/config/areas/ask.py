"""Questions across calls: config.yaml's `ask`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area, OneOrList


class AskSettings(Area):
    """`run.py ask`, /v1/ask and the page Ask: what is looked through, and who writes the answers."""

    index: bool = True
    """At the end of each run the passages of new and changed calls are made ready for questions, with their vectors
    where the database has pgvector. false leaves that to `run.py ask --index`."""
    index_max_s: Annotated[float, Field(gt=0)] = 3600.0
    """Longest time a run takes for that; the next one goes on."""
    index_every_s: Annotated[float, Field(gt=0)] = 30.0
    """How often `run.py serve` does that for the calls done since."""
    providers: OneOrList[tuple[str, ...]] = ()
    """Language models that write answers in sentences, in order, out of mlx_lm, bedrock, openai_chat, anthropic and the
    names of `llm.servers`, set up under `llm`; empty for the quotes alone."""
    passages: Annotated[int, Field(ge=5, le=1000)] = 60
    """Passages looked at closely for a question: the nearest by meaning and by words."""
    most_quotes: Annotated[int, Field(ge=1, le=200)] = 40
    """Most quotes of an answer, all groups together."""
    most_groups: Annotated[int, Field(ge=1, le=50)] = 8
    """Most groups of quotes that say much the same."""
