"""Writes docs/summaries-in-full.md: the summaries of six Harper Valley calls and of the eight samples, as they are.

    python -m bench.summary_texts [--data ../shared/data] > docs/summaries-in-full.md

From the words of people, and of the samples also from those that Whisper base heard (`bench/labels/heard_words.jsonl`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import EncoderChoice
from analysis.records import ActionItem, Summary
from analysis.summary.step import SummaryStep
from bench.materials.reference_calls import harper_valley, heard_samples, samples
from bench.options import options_of
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import SummarySettings
from pipeline.records import CallForAnalysis
from pipeline.roles import ROLE_NAMES, Role

_HEAD = """# Summaries in full

Made by `python -m bench.summary_texts > docs/summaries-in-full.md`, without a language model; how, how good and where
it still fails: [summaries](summaries.md). Below each text are its promises, as `calls.action_items` has them, and what
the step says is missing.

## Harper Valley

Human transcripts of six bank calls (Wu et al. 2020, [arXiv 2010.13929](https://arxiv.org/abs/2010.13929); texts
CC BY 4.0, quoted with capitals and marks added at the ends of sentences).
"""
_SAMPLES = """
## Samples

From their true text.
"""
_HEARD = """
## Samples as Whisper base heard them
"""


def page(data: Path, encoder: EncoderChoice) -> str:
    step = SummaryStep(SummarySettings(), encoder=encoder)
    bodies = [[call for call, _ in calls] for calls in (harper_valley(data), samples(), heard_samples())]
    return "".join(head + _of(calls, step) for head, calls in zip((_HEAD, _SAMPLES, _HEARD), bodies, strict=True))


def _of(calls: Sequence[CallForAnalysis], step: SummaryStep) -> str:
    lines = []
    for call, result in zip(calls, step.run(calls, [{}] * len(calls)), strict=True):
        summary = result.payload
        lines.append(f"\n### {call.call_id}\n\n{summary.text if isinstance(summary, Summary) else 'No summary.'}\n")
        promised = summary.action_items if isinstance(summary, Summary) else ()
        told = [*map(_promise, promised), *([f"Missing: {result.reason}."] if result.reason else [])]
        if told:
            lines.append("\n" + "".join(f"- {line}\n" for line in told))
    return "".join(lines)


def _promise(item: ActionItem) -> str:
    who = ROLE_NAMES[Role(item.who)] if item.who else "Somebody"
    return f"{who}, {item.by_when or 'no date'}: {item.what}"


def main() -> None:
    parser = options_of(__doc__, data=True)
    print(page(parser.parse_args().data, open_encoder(EncoderSettings())), end="")


if __name__ == "__main__":
    main()
