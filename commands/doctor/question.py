"""One question to each language model that the configuration lists: it answers sensibly, and how fast."""

from __future__ import annotations

import time
from collections.abc import Sequence

from analysis.llm.choice import build_router
from analysis.llm.provider import Choice, LLMAnswer, LLMRequest, Option
from commands.doctor.finding import Finding, State
from pipeline.config.areas.llm import LanguageModelSettings

_LABELS = {"1": "The caller lost a bank card.", "2": "The caller asks for the opening hours.", "3": "A parcel is late."}
_SAID = "Hello, my card is gone, somebody took it on the train. Please block it."
_RIGHT = "1"
_LEAST_S = 5.0
_SHOWN_CHARS = 200


def question() -> LLMRequest:
    """As a topic is asked for: a few labels, one obvious. Some two hundred tokens."""
    listed = "\n".join(f"{number}. {label}" for number, label in _LABELS.items())
    options = tuple(
        Option(value=number, given=f"A client calls a company. {label}\nWhat does the client say?", said=_SAID)
        for number, label in _LABELS.items()
    )
    return LLMRequest(
        key="doctor",
        purpose="doctor",
        system=f'What is the call about?\n{listed}\nAnswer with one JSON object: {{"number": "the label\'s number"}}',
        user=_SAID,
        schema={
            "type": "object",
            "properties": {"number": {"type": "string", "enum": list(_LABELS)}},
            "required": ["number"],
            "additionalProperties": False,
        },
        max_tokens=64,
        choice=Choice(fills="number", options=options, temperature=4.0),
    )


def ask_listed(settings: LanguageModelSettings, usable: Sequence[str], until: float) -> list[Finding]:
    """One finding for each listed provider that is `usable`, asked one after the other.

    Args:
        until: when to give up, by time.monotonic; every provider gets five seconds at least.
    """
    return [_ask(settings, name, until) for name in settings.providers if name in usable and name != "extractive"]


def _ask(settings: LanguageModelSettings, name: str, until: float) -> Finding:
    limit_s = max(_LEAST_S, until - time.monotonic())
    alone = settings.model_copy(
        update={
            "providers": (name,),
            "request_time_limit_s": limit_s,
            "mlx_lm": settings.mlx_lm.model_copy(update={"allow_download": False, "load_time_limit_s": limit_s}),
            # A server that takes the schema and ignores it is asked in another way after one bad reply, as in a run.
            "retry": settings.retry.model_copy(update={"attempts": 1}),
        }
    )
    router = build_router(alone)
    assert router is not None
    began = time.monotonic()
    try:
        answer = router.complete([question()])[0]
    finally:
        router.close()
    state, detail = _judged(answer, time.monotonic() - began)
    return Finding(area="question", name=name, state=state, detail=detail)


def _judged(answer: LLMAnswer, seconds: float) -> tuple[State, str]:
    if answer.data is None:
        return State.WARNING, f"it gives no answer that can be used: {(answer.reason or '')[:_SHOWN_CHARS]}"
    spent = f"in {seconds:.1f} s, loading included" if answer.cost_usd == 0 else f"in {seconds:.1f} s"
    number = str(answer.data.get("number"))
    share = answer.label_probabilities.get("number", {}).get(number)
    sure = "" if share is None else f", share {share:.2f}"
    if number != _RIGHT:
        return State.WARNING, f"it took a lost card for {_LABELS[number]!r}{sure}: too small for this? ({spent})"
    return State.OK, f"a lost card is told from two other reasons {spent}{sure}"
