"""A language model's summaries of the reference calls against the call's own sentences: what is kept, what is marked.

    python -m bench.model_summaries --model FOLDER [--data ../shared/data] [--replies FILE] [--sheet FILE]

The six Harper Valley calls and the eight samples, from their true words. Slot values and outcomes are judged as in
`bench.summaries`. --replies keeps the model's replies in a file (JSON, by a hash of the question) and asks only what is
not there; without --model only that file is used. --sheet writes both summaries of each call, shuffled and without
saying which is which, for someone to grade by the rubric in docs/language-models.md, and beside it `FILE.key.json`.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.encoder.choice import open_encoder
from analysis.llm.choice import build_router
from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.llm.validation import plain
from analysis.records import Summary
from analysis.summary.step import SummaryStep
from bench.options import options_of
from bench.shares import share
from bench.summaries import TruthCall, harper_calls, keeps_outcome, keeps_slot, sample_calls
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import SummarySettings
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.records import StepResult

_AT_ONCE = 7
"""Questions after which the replies are kept."""


class RememberedAnswers:
    """A router that asks each question once and keeps the answers in a file."""

    extractive = False

    def __init__(self, model: str | None, replies: Path | None, at_once: int = _AT_ONCE) -> None:
        self._replies, self._at_once = replies, at_once
        self._known: dict[str, Any] = {}
        if replies is not None and replies.is_file():
            self._known = json.loads(replies.read_text(encoding="utf-8"))
        chosen: dict[str, Any] = {"providers": ["mlx_lm"], "strict": True, "mlx_lm": {"model": model}}
        chosen["request_time_limit_s"] = 86_400  # a busy machine is no reason to measure nothing
        settings = LanguageModelSettings.model_validate(chosen) if model else LanguageModelSettings()
        self._router = build_router(settings)
        self.seconds = 0.0
        self.asked = 0

    @property
    def models(self) -> tuple[str, ...]:
        return self._router.models if self._router else ("replies/kept",)

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        keys = [_key(request) for request in requests]
        new = [index for index, key in enumerate(keys) if key not in self._known]
        for start in range(0, len(new), self._at_once):
            self._ask({keys[index]: requests[index] for index in new[start : start + self._at_once]})
        return [self._answer(request, self._known.get(key)) for request, key in zip(requests, keys, strict=True)]

    def _ask(self, questions: Mapping[str, LLMRequest]) -> None:
        if self._router is None:
            return
        started = time.monotonic()
        answers = self._router.complete([replace(question, key=key) for key, question in questions.items()])
        self.seconds += time.monotonic() - started
        self.asked += len(questions)
        for answer in answers:
            tokens = [answer.tokens_in, answer.tokens_out]
            self._known[answer.key] = {"data": plain(answer.data), "reason": answer.reason, "tokens": tokens}
        if self._replies is not None:
            self._replies.write_text(json.dumps(self._known, indent=1), encoding="utf-8")

    def _answer(self, request: LLMRequest, known: Any) -> LLMAnswer:
        if known is None:
            return LLMAnswer(key=request.key, data=None, reason="not among the replies that were kept")
        tokens_in, tokens_out = known["tokens"]
        return LLMAnswer(
            key=request.key,
            data=known["data"],
            reason=known["reason"],
            provider=self.models[0],
            tokens_in=tokens_in,
            tokens_out=tokens_out,
        )

    def close(self) -> None:
        if self._router is not None:
            self._router.close()


def _key(request: LLMRequest) -> str:
    asked = json.dumps([request.system, request.user, plain(request.schema), request.max_tokens], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:24]


def text_of(result: StepResult) -> str:
    """What a reader sees: the text and the action items."""
    if not isinstance(result.payload, Summary):
        return ""
    return result.payload.text


def figures(calls: Sequence[TruthCall], results: Sequence[StepResult]) -> dict[str, Any]:
    slots = [
        keeps_slot(text_of(result), value)
        for truth, result in zip(calls, results, strict=True)
        for value in truth.slots
    ]
    outcomes = [keeps_outcome(truth, text_of(result)) for truth, result in zip(calls, results, strict=True)]
    return {
        "calls": len(calls),
        "slot_values": share(sum(slots), len(slots)),
        "outcomes": share(sum(outcomes), len(outcomes)),
        "without_summary": sum(not isinstance(result.payload, Summary) for result in results),
    }


def write_sheet(path: Path, calls: Sequence[TruthCall], ways: dict[str, Sequence[StepResult]], seed: int = 13) -> None:
    """Both summaries of each call in a drawn order; which is which goes into a file beside it."""
    generator = random.Random(seed)
    key: dict[str, list[str]] = {}
    parts = ["# Summaries to grade\n"]
    for number in generator.sample(range(len(calls)), len(calls)):
        truth = calls[number]
        order = generator.sample(sorted(ways), len(ways))
        key[truth.name] = order
        said = "\n".join(
            f"- {chunk.role}: {chunk.text}" for chunk in truth.call.transcript.chunks if chunk.text.strip()
        )
        parts.append(f"\n## {truth.name}\n\n{said}\n")
        for letter, way in zip("AB", order, strict=True):
            parts.append(f"\n### {truth.name} {letter}\n\n{text_of(ways[way][number])}\n\nGrade (1 to 5):\n")
    path.write_text("".join(parts), encoding="utf-8")
    path.with_suffix(".key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--model")
    parser.add_argument("--replies", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--texts", action="store_true")
    arguments = parser.parse_args()
    calls = [*harper_calls(arguments.data), *sample_calls()]
    encoder = open_encoder(EncoderSettings())
    router = RememberedAnswers(arguments.model, arguments.replies)
    try:
        settings = SummarySettings(method="llm")
        asked = [truth.call for truth in calls]
        ways = {
            "extractive": SummaryStep(SummarySettings(), None, encoder=encoder).run(asked, [{}] * len(asked)),
            "model": SummaryStep(settings, router, encoder=encoder).run(asked, [{}] * len(asked)),
        }
    finally:
        router.close()
    if arguments.texts:
        for number, truth in enumerate(calls):
            model = ways["model"][number]
            check = model.payload.check if isinstance(model.payload, Summary) else None
            print(f"== {truth.name}\n{text_of(model)}\n   [{check}; {model.reason}]")
    if arguments.sheet:
        write_sheet(arguments.sheet, calls, ways)
    told: dict[str, Any] = {way: figures(calls, results) for way, results in ways.items()}
    if router.asked:
        told["seconds_per_question"] = round(router.seconds / router.asked, 1)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
