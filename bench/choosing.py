"""Topics by a real language model: weighed, written and by keywords, on calls with labels.

    python -m bench.choosing [--data ../shared/data] [--model FOLDER] [--methods keywords,weighed] [--sets samples]

The model is Qwen2.5-Coder-0.5B-Instruct (bench.materials.real_llm makes its folder), small and made for code: a lower
bound. Six Harper Valley calls with their eight tasks as glossary, our eight samples with the shipped glossaries, and
for "none of these" the sample calls with Harper Valley's tasks. `dialogues`: written service dialogues about one
service each, none of which had a part in choosing the settings. `attacks`: the client of a bank tries to have the call
filed under another task than the one it is about. `weighed`: by likelihoods, as configured by default.
`written`: the model writes a sentence and the label's number. `served`: by a loopback server that tells
how likely it finds a text (bench.materials.model_server), or by the one at --server, which has loaded --model: of
mlx_lm.server the number's probabilities are read. By bands of confidence: how many were right, and the
Brier score. On a Linux CPU preload OpenBLAS (LD_PRELOAD=libopenblas.so.0). Skipped, with the reason, where the model's
packages cannot be had; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.encoder.choice import open_encoder
from analysis.llm.choice import build_router
from analysis.llm.provider import Completes, LLMAnswer, LLMRequest
from analysis.llm.router import Router
from analysis.records import Topic
from analysis.topics.step import TopicMethods, TopicStep
from bench.materials.model_server import model_server
from bench.materials.real_llm import NAME, real_llm
from bench.materials.topic_sets import Set, topic_sets
from bench.options import options_of
from bench.shares import reliability, share_interval
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import TopicSettings
from pipeline.config.areas.llm import LanguageModelSettings, MlxLmSettings
from pipeline.errors import ModelUnavailable
from pipeline.weights.content import models_folder

METHODS = ("keywords", "weighed", "written", "served")
BANDS = (0.0, 0.5, 0.8, 0.95, 1.0)
"""Of the confidence, for the reliability table."""


class Recorded:
    """A router that remembers its answers; without choices where a reply is to be written."""

    def __init__(self, router: Completes, written: bool) -> None:
        self.extractive, self.models = router.extractive, router.models
        self.answers: list[LLMAnswer] = []
        self._router, self._written = router, written

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        asked = [replace(request, choice=None) for request in requests] if self._written else requests
        found = self._router.complete(asked)
        self.answers += found
        return found


def main() -> None:
    options = _options()
    chosen = [name for name in options.methods.split(",") if name]
    model = None
    if chosen != ["keywords"]:
        try:
            model = options.model or real_llm(models_folder() / f"bench-{NAME}")
        except ModelUnavailable as error:
            print(f"left out: {error}")
            print(json.dumps({"benchmark": "choosing", "left_out": str(error)}))
            return
    wanted = [name for name in options.sets.split(",") if name]
    sets = [
        topic_set for topic_set in topic_sets(options.data, options.limit) if not wanted or topic_set.name in wanted
    ]
    figures: list[dict[str, Any]] = []
    for method in chosen:
        with _asked_by(method, model, options.batch, options.server) as router:
            for topic_set in sets:
                asked = Recorded(router, method == "written") if router is not None else None
                figures.append(_measure(topic_set, method, asked))
    print(json.dumps({"benchmark": "choosing", "model": NAME, "figures": figures}))


@contextmanager
def _asked_by(method: str, model: Path | None, batch: int, server: str | None = None) -> Iterator[Router | None]:
    """What answers the questions of a method; None for `keywords`."""
    if model is None or method == "keywords":
        yield None
        return
    with ExitStack() as stack:
        values: dict[str, Any] = {"request_time_limit_s": 86_400, "attempt_time_limit_s": 86_400, "strict": True}
        if method == "served":
            own = (
                {"model": str(model), "base_url": server, "structured": ["prompt"]}
                if server is not None
                else {
                    "model": NAME,
                    "base_url": stack.enter_context(model_server(model)),
                    "structured": ["json_schema"],
                }
            )
            values |= {"providers": ["loopback"], "servers": {"loopback": {**own, "concurrency": batch}}}
        else:
            values |= {"providers": ["mlx_lm"], "mlx_lm": MlxLmSettings(model=str(model), batch_size=batch)}
        router = build_router(LanguageModelSettings.model_validate(values))
        assert router is not None
        stack.callback(router.close)
        yield router


def told_reliability(confidences: Sequence[float | None], right: Sequence[bool]) -> dict[str, Any]:
    """By band of confidence, and the Brier score of all."""
    known = [(value, ok) for value, ok in zip(confidences, right, strict=True) if value is not None]
    return {
        "without_confidence": len(confidences) - len(known),
        "brier": _mean([(value - ok) ** 2 for value, ok in known]),
        "bands": reliability(known, BANDS),
    }


def _options() -> argparse.Namespace:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--model", type=Path, help="folder of the model, instead of the one made from packages")
    parser.add_argument("--methods", default="keywords,weighed", help=", ".join(METHODS))
    parser.add_argument("--sets", default="", help="names of sets, comma-separated; empty for all")
    parser.add_argument("--limit", type=int, default=1000, help="most calls of a set")
    parser.add_argument("--server", help="base_url of a running server, for `served`")
    parser.add_argument("--batch", type=int, default=32, help="calls asked about together")
    return parser.parse_args()


def _measure(topic_set: Set, method: str, router: Recorded | None) -> dict[str, Any]:
    encoder = open_encoder(EncoderSettings())
    methods = TopicMethods(router=router, encoder=encoder) if router else TopicMethods()
    step = TopicStep(topic_set.catalogues, TopicSettings(max_proposed_terms=0), methods)
    started, used = time.perf_counter(), time.process_time()
    results = step.run(topic_set.calls, [{} for _ in topic_set.calls])
    seconds = time.perf_counter() - started
    found = [result.payload if isinstance(result.payload, Topic) else None for result in results]
    right = [_is(topic, label) for topic, label in zip(found, topic_set.labels, strict=True)]
    row: dict[str, Any] = {
        "set": topic_set.name,
        "method": method,
        "calls": len(topic_set.calls),
        "right": sum(right),
        "interval": share_interval(sum(right), len(right)),
        "seconds": round(seconds, 1),
        "seconds_a_call": round(seconds / len(topic_set.calls), 2),
        "own_processor_s": round(time.process_time() - used, 1),
    }
    if topic_set.subtopics:
        row["subtopics_right"] = sum(
            ok and topic is not None and topic.subtopic == label[1]
            for ok, topic, label in zip(right, found, topic_set.labels, strict=True)
        )
    row["reliability"] = told_reliability([topic.confidence if topic else None for topic in found], right)
    if router is not None:
        tokens_in = sum(answer.tokens_in or 0 for answer in router.answers)
        tokens_out = sum(answer.tokens_out or 0 for answer in router.answers)
        row |= {
            "tokens_in_a_call": round(tokens_in / len(topic_set.calls)),
            "tokens_out_a_call": round(tokens_out / len(topic_set.calls), 1),
            "tokens_a_second": round((tokens_in + tokens_out) / seconds, 1),
        }
        shares = [topic.confidence for topic in found if topic is not None]
        row["confidence_right"] = _mean(
            [share for share, ok in zip(shares, right, strict=False) if ok and share is not None]
        )
        row["confidence_wrong"] = _mean(
            [share for share, ok in zip(shares, right, strict=False) if not ok and share is not None]
        )
        row["answers"] = [dict(answer.label_probabilities.get("number", {})) for answer in router.answers]
    print(f"{topic_set.name:15} {method:9} {row['right']}/{row['calls']} {row}")
    for call, topic, label in zip(topic_set.calls, found, topic_set.labels, strict=True):
        said = f"{topic.topic} > {topic.subtopic} {topic.confidence} {' '.join(topic.flags)}" if topic else None
        print(f"    {call.call_id[:30]:30} {label} -> {said}", flush=True)
    return row


def _is(topic: Topic | None, label: tuple[str, str | None]) -> bool:
    return topic is not None and topic.topic == label[0]


def _mean(values: Sequence[float]) -> float | None:
    return round(math.fsum(values) / len(values), 3) if values else None


if __name__ == "__main__":
    main()
