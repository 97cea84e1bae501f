"""A call of forty minutes and 6,000 words, in full, with a real language model: topic and summary.

    python -m bench.long_call --model FOLDER [--data ../shared/data] [--words 6000] [--limit SECONDS] [--texts]

The call begins as our sample of a wrong charge, goes on as written service dialogues (Schema-Guided Dialogue, Rastogi
et al. 2019, CC BY-SA 4.0), and ends as our sample of a lost card. Told are: state and reason of both steps, how long
they took of `llm.request_time_limit_s` (--limit; the default otherwise), tokens, processor seconds, which
matters of the call the summary keeps, and whether it says anything twice. On a Linux CPU preload OpenBLAS.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.encoder.choice import open_encoder
from analysis.glossary.choice import load_catalogues
from analysis.llm.choice import build_router
from analysis.records import Summary, Topic
from analysis.summary.drafts import draft_of
from analysis.summary.step import SummaryStep
from analysis.text import squeezed
from analysis.topics.step import TopicMethods, TopicStep
from bench.materials.reference_calls import samples, spoken_at_pace
from bench.materials.service_dialogues import service_dialogues
from bench.materials.testbed import processor_s, with_children
from bench.options import options_of
from bench.summaries import facts_kept
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import GlossarySettings, SummarySettings, TopicSettings
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.records import CallForAnalysis, CustomerSegment, StepResult

WORDS = 6_000
FIRST, LAST = "wrong-charge", "lost-card"
Turn = tuple[str, str]
"""Role, text."""


def long_call(data: Path, most_words: int = WORDS) -> CallForAnalysis:
    """The call that the module's text describes."""
    first, last = (_turns(name) for name in (FIRST, LAST))
    room = most_words - sum(_length(turn) for turn in (*first, *last))
    between: list[Turn] = []
    for turn in (turn for dialogue in service_dialogues(data) for turn in dialogue.turns):
        if room <= 0:
            break
        between.append(turn)
        room -= _length(turn)
    return spoken_at_pace("long", (*first, *between, *last), segment=CustomerSegment.B2C)


def _turns(name: str) -> list[Turn]:
    (chunks,) = (call.transcript.chunks for call, _ in samples() if name in call.call_id)
    return [(chunk.role.value, chunk.text) for chunk in sorted(chunks, key=lambda chunk: chunk.start_s)]


def _length(turn: Turn) -> int:
    return len(turn[1].split())


def measured(run: Callable[[], StepResult]) -> tuple[StepResult, dict[str, Any]]:
    """Its processor seconds are those of this process and of the model's, which must have been started before."""
    before, used = time.monotonic(), processor_s(with_children())
    result = run()
    return result, {
        "state": result.state.value,
        "reason": result.reason,
        "seconds": round(time.monotonic() - before, 1),
        "processor_seconds": round(processor_s(with_children()) - used, 1),
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
    }


def summary_figures(summary: Summary) -> dict[str, Any]:
    """What it keeps of the first and of the last matter, and what it says twice."""
    by_name = {name: labels for name in (FIRST, LAST) for call, labels in samples() if name in call.call_id}
    kept = {name: facts_kept(summary.text, labels["outcome"])[:2] for name, labels in by_name.items()}
    lines = [squeezed(line) for line in summary.text.replace(". ", ".\n").splitlines() if squeezed(line)]
    return {
        "check": summary.check,
        "words_of_outcome_kept": {name: f"{found} of {of}" for name, (found, of) in kept.items()},
        "said_twice": len(lines) - len(set(lines)),
        "flags": list(summary.flags),
    }


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--words", type=int, default=WORDS)
    parser.add_argument("--limit", type=float, help="llm.request_time_limit_s")
    parser.add_argument("--texts", action="store_true")
    options = parser.parse_args()
    call = long_call(options.data, options.words)
    chosen: dict[str, Any] = {"providers": ["mlx_lm"], "strict": True, "mlx_lm": {"model": options.model}}
    limit = {} if options.limit is None else {"request_time_limit_s": options.limit}
    settings = LanguageModelSettings.model_validate({**chosen, **limit})
    router = build_router(settings)
    encoder = open_encoder(EncoderSettings())
    by_model = SummarySettings(method="llm")
    topics = TopicStep(
        load_catalogues(GlossarySettings()), TopicSettings(method="llm"), TopicMethods(router=router, encoder=encoder)
    )
    summaries = SummaryStep(by_model, router, encoder=encoder)
    chunks = call.transcript.chunks
    told: dict[str, Any] = {
        "words": sum(len(chunk.text.split()) for chunk in chunks),
        "minutes": round(call.duration_s / 60, 1),
        "turns": len(chunks),
        "parts": len(draft_of(call, by_model).parts),
        "limit_s": settings.request_time_limit_s,
    }
    try:
        # Loading has a limit of its own; a short call loads the model before anything is timed.
        topics.run([replace(samples()[0][0], call_id="first")], [{}])
        topic, told["topic"] = measured(lambda: topics.run([call], [{}])[0])
        summary, told["summary"] = measured(lambda: summaries.run([call], [{}])[0])
    finally:
        if router is not None:
            router.close()
    if isinstance(topic.payload, Topic):
        told["topic"] |= {"topic": topic.payload.topic, "confidence": round(topic.payload.confidence or 0.0, 2)}
    if isinstance(summary.payload, Summary):
        told["summary"] |= summary_figures(summary.payload)
        if options.texts:
            print(summary.payload.text)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
