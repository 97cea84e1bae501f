"""Extractive summaries against the first turns of the call, at equal length.

    python -m bench.summaries [--data ../shared/data] [--limit 500] [--resamples 2000]

ROUGE-1/2/L (F1, stemmed) on the human summaries of 500 dialogues. The baseline is the first three turns; our summary
gets exactly their number of words, and both are cut there. Intervals are 95 % percentile intervals of the mean
difference by paired bootstrap over dialogues.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from analysis.summary.extractive import choose_lines, lines_of
from pipeline.config.areas.language import ExtractiveSummarySettings
from pipeline.records import Role, TranscriptChunk

METRICS = ("rouge1", "rouge2", "rougeL")
FIRST_TURNS = 3


def chunks_of(dialogue: str) -> list[TranscriptChunk]:
    """One chunk per turn. Roles are unknown: the data does not say who calls whom."""
    chunks = []
    ordinals: dict[int, int] = {}
    for place, line in enumerate(dialogue.splitlines()):
        speaker, _, text = line.partition(": ")
        channel = 1 if "2" in speaker else 0
        ordinal = ordinals.get(channel, 0)
        ordinals[channel] = ordinal + 1
        chunks.append(
            TranscriptChunk(
                channel=channel,
                ordinal=ordinal,
                role=Role.UNKNOWN,
                start_s=float(place * 5),
                end_s=float(place * 5 + 4),
                text=text,
            )
        )
    return chunks


def cut(texts: list[str], words: int) -> str:
    return " ".join(" ".join(texts).split()[:words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=2000)
    arguments = parser.parse_args()
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    settings = ExtractiveSummarySettings()
    rows: dict[str, list[tuple[float, float]]] = {metric: [] for metric in METRICS}
    lengths, times = [], []
    with (arguments.data / "text" / "dialogsum.dev.jsonl").open(encoding="utf-8") as file:
        documents: list[dict[str, Any]] = [json.loads(line) for line in file][: arguments.limit]
    for document in documents:
        chunks = chunks_of(document["dialogue"])
        budget = len(" ".join(chunk.text for chunk in chunks[:FIRST_TURNS]).split())
        started = time.perf_counter()
        chosen = choose_lines(lines_of(chunks, "en"), settings, max_words=budget)
        times.append(time.perf_counter() - started)
        ours = cut([line.text for line in chosen], budget)
        first = cut([chunk.text for chunk in chunks[:FIRST_TURNS]], budget)
        lengths.append((len(ours.split()), len(first.split())))
        for metric in METRICS:
            our_f1 = scorer.score(document["summary"], ours)[metric].fmeasure
            first_f1 = scorer.score(document["summary"], first)[metric].fmeasure
            rows[metric].append((our_f1, first_f1))
    generator = np.random.default_rng(0)
    figures: dict[str, Any] = {"dialogues": len(documents)}
    print(f"{len(documents)} dialogues, mean words ours/first {np.mean(lengths, axis=0).round(1)}")
    for metric in METRICS:
        table = np.asarray(rows[metric])
        difference = table[:, 0] - table[:, 1]
        picks = generator.integers(0, len(difference), (arguments.resamples, len(difference)))
        low, high = np.quantile(difference[picks].mean(axis=1), [0.025, 0.975])
        our_f1, first_f1 = table.mean(axis=0)
        figures[metric] = {
            "ours": round(float(our_f1), 4),
            "first_turns": round(float(first_f1), 4),
            "difference": round(float(difference.mean()), 4),
            "interval": [round(float(low), 4), round(float(high), 4)],
            "ratio": round(float(our_f1 / first_f1), 3),
        }
        print(f"{metric:7s} ours {our_f1:.4f}  first three turns {first_f1:.4f}  difference {low:+.4f} … {high:+.4f}")
    figures["ms_per_dialogue"] = {
        "median": round(statistics.median(times) * 1e3, 2),
        "p95": round(float(np.quantile(times, 0.95)) * 1e3, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
