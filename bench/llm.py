"""Local LLM: a batch against one request at a time, on the same calls, through the same model and grammar.

    python -m bench.llm [--calls 32] [--hidden 1024] [--layers 4] [--rounds 3] [--valid-calls 200] [--rows 1,16,64]

Random weights in a real shape: time does not depend on their values. On a Linux CPU preload OpenBLAS
(LD_PRELOAD=libopenblas.so.0): with the wheel's own BLAS a batch gains little. The table says which one was used.
A second part counts valid answers of a tiny model. The last line is JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.llm.provider import LLMRequest, Reply
from analysis.llm.validation import read_reply
from bench.materials.tiny_llm import TinyShape, build_tiny_llm
from bench.options import options_of
from pipeline.config.areas.llm import MlxLmSettings

TOPICS = ("card", "lost card", "loan", "transfer", "address change", "opening hours", "complaint", "other")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "topic": {"enum": list(TOPICS)},
        "summary": {"type": "string", "maxLength": 120},
        "quotes": {"type": "array", "items": {"type": "string", "maxLength": 60}, "maxItems": 2},
    },
    "required": ["topic", "summary", "quotes"],
}
SYSTEM = "You classify calls of a bank. Topics: " + "; ".join(f"{topic}: what is said about it" for topic in TOPICS)


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        shape = TinyShape(
            hidden=options.hidden,
            layers=options.layers,
            heads=options.hidden // 64,
            key_value_heads=max(1, options.hidden // 128),
            feed_forward=options.hidden * 3,
        )
        checkpoint = build_tiny_llm(Path(folder) / "speed", shape)
        by_rows = _by_rows(checkpoint, options)
        speed = _speed(checkpoint, options)
        prefix = _prefix(checkpoint, options)
        valid = _valid(build_tiny_llm(Path(folder) / "valid"), options.valid_calls)
    print(f"{'':24}{'tokens/s':>10}{'s (median)':>12}{'min':>8}{'max':>8}")
    for name in ("one_at_a_time", "batched"):
        row = speed[name]
        print(
            f"{name.replace('_', ' '):24}{row['tokens_per_s']:10.0f}{row['median_s']:12.2f}{row['min_s']:8.2f}"
            f"{row['max_s']:8.2f}"
        )
    print(f"{speed['parameters_m']:.0f} M parameters, {options.calls} calls, {speed['device']}, BLAS: {speed['blas']}")
    print(f"batched / one at a time: {speed['ratio']:.2f} x")
    print(
        f"prompt prefix of {prefix['prefix_tokens']} tokens kept: {prefix['kept_s']:.2f} s, "
        f"read again each time: {prefix['again_s']:.2f} s, {prefix['ratio']:.2f} x"
    )
    print(f"valid answers: {valid['valid']} of {valid['calls']}")
    print(json.dumps({"benchmark": "llm", "speed": speed, "prefix": prefix, "valid": valid, "by_rows": by_rows}))


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--calls", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=1024, help="a multiple of 128")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--valid-calls", type=int, default=200)
    parser.add_argument("--rows", default="", help="also the rate by calls decoded together, comma-separated")
    return parser.parse_args()


def _requests(calls: int, max_tokens: int, temperature: float = 0.0) -> list[LLMRequest]:
    return [
        LLMRequest(
            key=str(number),
            purpose="topic",
            system=SYSTEM,
            user=f"Call {number}: " + "I lost my card and want another one, please. " * (2 + number % 5),
            schema=SCHEMA,
            max_tokens=max_tokens,
            temperature=temperature,
        )
        for number in range(calls)
    ]


def _speed(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    import mlx.core as mx

    from analysis.llm.local.model import LocalModel

    model = LocalModel(MlxLmSettings(model=str(folder), batch_size=options.calls, prefill_batch_size=options.calls))
    requests = _requests(options.calls, options.max_tokens)
    model(requests[:2])
    alone: list[tuple[float, int]] = []
    together: list[tuple[float, int]] = []
    for _ in range(options.rounds):  # interleaved, so that a busy machine slows both
        alone.append(_timed(lambda: [model([request])[0] for request in requests]))
        together.append(_timed(lambda: model(requests)))
    # By rate: rounding differs between batch sizes, which now and then changes a token and so a reply's length.
    ratios = [(batch[1] / batch[0]) / (single[1] / single[0]) for single, batch in zip(alone, together, strict=True)]
    return {
        "one_at_a_time": _row(alone),
        "batched": _row(together),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "parameters_m": model.parameters / 1e6,
        "device": str(mx.default_device()),
        "blas": os.environ.get("LD_PRELOAD") or "the wheel's own",
        "calls": options.calls,
    }


def _by_rows(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Twice as many calls as are decoded together, by that number: once to warm up, then timed."""
    from analysis.llm.local.model import LocalModel

    found: dict[str, dict[str, float]] = {}
    for rows in [int(text) for text in options.rows.split(",") if text]:
        model = LocalModel(MlxLmSettings(model=str(folder), batch_size=rows, prefill_batch_size=rows))
        requests = _requests(2 * rows, options.max_tokens)
        model(requests)
        found[str(rows)] = row = _row([_timed(lambda model=model, asked=requests: model(asked)) for _ in range(3)])  # type: ignore[misc]
        print(
            f"{rows:4d} calls together: {row['tokens_per_s']:8.0f} tokens/s, {2 * rows} calls in "
            f"{row['median_s']:.2f} s ({row['min_s']:.2f}–{row['max_s']:.2f})",
            flush=True,
        )
    return found


def _prefix(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """The same calls under a long system prompt (a glossary with definitions): its tokens kept, or read every time."""
    from analysis.llm.local.model import LocalModel

    calls = max(2, options.calls // 4)
    system = SYSTEM + "; ".join(f"{topic}: " + "what callers say about it, and what not. " * 3 for topic in TOPICS)
    requests = [
        dataclasses.replace(request, system=system, user=request.key) for request in _requests(calls, max_tokens=8)
    ]
    models = [
        LocalModel(
            MlxLmSettings(model=str(folder), batch_size=calls, prefill_batch_size=calls, share_prompt_prefix=share)
        )
        for share in (True, False)
    ]
    for model in models:
        model(requests[:1])
    pairs = [[_timed(lambda model=model: model(requests))[0] for model in models] for _ in range(options.rounds)]  # type: ignore[misc]
    return {
        "prefix_tokens": max(len(tokens) for tokens in models[0].kept_prefixes),
        "kept_s": statistics.median(kept for kept, _ in pairs),
        "again_s": statistics.median(again for _, again in pairs),
        "ratio": statistics.median(again / kept for kept, again in pairs),
        "calls": calls,
    }


def _timed(work: Callable[[], Sequence[Reply]]) -> tuple[float, int]:
    """Seconds, and tokens made in them."""
    started = time.perf_counter()
    replies = work()
    return time.perf_counter() - started, sum(reply.tokens_out or 0 for reply in replies)


def _row(rounds: Sequence[tuple[float, int]]) -> dict[str, float]:
    seconds = [taken for taken, _ in rounds]
    rates = [tokens / taken for taken, tokens in rounds]
    return {
        "median_s": statistics.median(seconds),
        "min_s": min(seconds),
        "max_s": max(seconds),
        "tokens_per_s": statistics.median(rates),
    }


def _valid(folder: Path, calls: int) -> dict[str, int]:
    from analysis.llm.local.model import LocalModel

    model = LocalModel(MlxLmSettings(model=str(folder), batch_size=64))
    requests = _requests(calls, max_tokens=80, temperature=1.0)
    valid = 0
    for request, reply in zip(requests, model(requests), strict=True):
        data, _ = read_reply(reply, request.schema)
        valid += data is not None and data["topic"] in TOPICS
    return {"valid": valid, "calls": calls}


if __name__ == "__main__":
    main()
