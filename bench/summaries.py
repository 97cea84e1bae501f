"""Summaries without a language model: what they keep of calls, and ROUGE on everyday dialogues.

    python -m bench.summaries [--data ../shared/data] [--limit 500] [--resamples 2000] [--texts]

- Calls: the six of Harper Valley (human words; slot values of the task they had) and the eight samples (their own
  words; the outcome written beside them). A slot value or an outcome is kept where the summary holds it, numbers
  however they are written; an outcome counts as kept where all its figures and half of its other words are there.
- Calls made up for the tests: share of what is expected of them that the summary holds in the right part. Ends: how
  often the outcome holds one of the wordings that tell it, and is missing where nothing came of the call.
- ROUGE-1/2/L (F1, stemmed) on the human summaries of 500 dialogues (DialogSum), at the length of the first three turns
  each, which are the baseline. Before: the lines that serve without the encoder.

Every figure stands for the half that was looked at while the method was made and for the half put aside before.
Intervals are 95 %: Wilson for shares, percentile of a paired bootstrap over dialogues for differences.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from analysis.encoder.choice import open_encoder
from analysis.records import Summary, SummaryPart
from analysis.summary.extractive import choose_lines, lines_of
from analysis.summary.facts import SpokenFacts
from analysis.summary.reading.substance import Substance
from analysis.summary.spoken import spoken_summary
from analysis.summary.step import SummaryStep
from analysis.text import content_stems
from bench.materials.reference_calls import call_of, dialogue_of, harper_valley, samples
from bench.options import PROJECT, options_of
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import ExtractiveSummarySettings, SummarySettings
from pipeline.records import CallForAnalysis, TranscriptChunk

METRICS = ("rouge1", "rouge2", "rougeL")
FIRST_TURNS = 3
ASIDE = frozenset(
    {
        "010eaccb7a23436f", "02e41649e7c441fd", "03a17cc36d474151",
        "20260915-084455_outbound_agent-4802_b2b_q-accounts_ch-agent+client_contract-renewal",
        "20260915-101130_inbound_agent-4815_b2b_q-support_x-204_from-20260915-100958_server-down",
        "20260915-153318_inbound_agent-4733_b2c_q-retention_cancellation", "rec-000017",
    }
)  # fmt: skip
"""Put aside before the method was made; of DialogSum every second dialogue, from the second on."""
MADE_UP = PROJECT / "tests" / "analysis" / "summary" / "calls"


@dataclass(frozen=True, slots=True)
class TruthCall:
    """A call with what its summary has to hold."""

    name: str
    call: CallForAnalysis
    slots: tuple[str, ...] = ()
    outcome: str | None = None


def harper_calls(data: Path) -> Iterator[TruthCall]:
    for call, task in harper_valley(data):
        yield TruthCall(call.call_id, call, tuple(str(value) for key, value in task.items() if key != "task_type"))


def sample_calls() -> Iterator[TruthCall]:
    for call, labels in samples():
        yield TruthCall(call.call_id, call, outcome=labels["outcome"])


def made_up_calls(which: str) -> list[tuple[dict[str, Any], CallForAnalysis]]:
    """Of `tests/analysis/summary/calls`, with what is expected of each."""
    content = yaml.safe_load((MADE_UP / f"{which}.yaml").read_text(encoding="utf-8"))
    return [(expected, dialogue_of(expected["name"], expected["turns"])) for expected in content]


# ------------------------------------------------------------------------------------------ what is kept


def facts_kept(text: str, facts: str) -> tuple[int, int, bool]:
    """How many of the words that carry meaning in `facts` are in `text`, of how many, and whether its figures are."""
    said = SpokenFacts(dialogue_of("said", [("unknown", text)]).transcript.chunks, "en")
    missing = [claim for claim in said.unsupported(facts, "en") if claim.kind in ("number", "date")]
    stems = {stem for stem in content_stems(facts, "en") if not stem.isdigit()}
    return len(stems & set(content_stems(text, "en"))), len(stems), not missing


def keeps_slot(text: str, value: str) -> bool:
    kept, of, figures = facts_kept(text, value)
    return kept == of and figures


def keeps_outcome(call: TruthCall, text: str) -> bool:
    if call.outcome is None:
        return all(keeps_slot(text, value) for value in call.slots)
    kept, of, figures = facts_kept(text, call.outcome)
    return 2 * kept >= of and figures


def expectations(expected: Mapping[str, Any], summary: Summary | None) -> list[tuple[str, bool]]:
    """What is expected of a made-up call, and whether the summary fulfils it."""
    of_part: dict[str, str] = {}
    for line in summary.evidence if summary else ():
        of_part[line.part] = f"{of_part.get(line.part, '')} {line.text}".casefold()
    of_part["done"] = f"{of_part.get('done', '')} {of_part.get('outcome', '')}"  # whichever of the two it is told as
    items = summary.action_items if summary else ()
    results = [
        (f"{part}: {words}", words.casefold() in of_part.get(part, ""))
        for part in ("reason", "detail", "done", "outcome", "open")
        for words in expected.get(part, ())
    ]
    results += [
        (f"promise by {who}, {when}", any(item.who == who and (when is None or item.by_when == when) for item in items))
        for who, when in expected.get("by", ())
    ]
    results += [
        (f"no promise: {words}", not any(words in item.what for item in items))
        for words in expected.get("not_promise", ())
    ]
    text = summary.text.casefold() if summary else ""
    results += [(f"never: {words}", words.casefold() not in text) for words in expected.get("never", ())]
    return results


def measure_calls(data: Path, *, texts: bool) -> dict[str, Any]:
    now = SummaryStep(SummarySettings(), encoder=open_encoder(EncoderSettings()))
    before = SummaryStep(SummarySettings())
    figures: dict[str, Any] = {}
    for kind, calls in (("harper", list(harper_calls(data))), ("samples", list(sample_calls()))):
        for half in ("seen", "aside"):
            chosen = [call for call in calls if (call.name in ASIDE) == (half == "aside")]
            for name, step in (("before", before), ("now", now)):
                slots = outcomes = 0
                for truth in chosen:
                    result = step.run([truth.call], [{}])[0]
                    text = result.payload.text if isinstance(result.payload, Summary) else ""
                    slots += sum(keeps_slot(text, value) for value in truth.slots)
                    outcomes += keeps_outcome(truth, text)
                    if texts and step is now:
                        print(f"\n{truth.name} ({kind}, {half})\n{text}\n  [{result.reason or 'whole'}]")
                of_slots = sum(len(call.slots) for call in chosen)
                figures[f"{kind} {half} {name}"] = {"outcomes": [outcomes, len(chosen)], "slots": [slots, of_slots]}
                print(
                    f"{kind:8s} {half:6s} {name:7s} outcome kept in {share(outcomes, len(chosen))}"
                    + (f", slot values {share(slots, of_slots)}" if of_slots else "")
                )
    for half in ("seen", "aside"):
        for name, step in (("before", before), ("now", now)):
            results = []
            for expected, call in made_up_calls(half):
                result = step.run([call], [{}])[0]
                summary = result.payload if isinstance(result.payload, Summary) else None
                found = expectations(expected, summary)
                results += found
                if texts and step is now:
                    lacks = [what for what, kept in found if not kept]
                    text = summary.text if summary else str(result.reason)
                    print(f"\n{expected['name']} (made up, {half})\n{text}\n  [lacks {lacks}]")
            kept = sum(there for _, there in results)
            figures[f"made up {half} {name}"] = [kept, len(results)]
            print(f"made up  {half:6s} {name:7s} {share(kept, len(results))}")
    for half in ("ends_seen", "ends_aside"):
        ended = [
            tells_end(expected["outcome"], now.run([call], [{}])[0].payload) for expected, call in made_up_calls(half)
        ]
        figures[half] = [sum(ended), len(ended)]
        print(f"{half:15s} outcome told in {share(sum(ended), len(ended))}")
    return figures


def tells_end(wordings: Sequence[str], summary: object) -> bool:
    """Whether the outcome holds one of the wordings; without any, whether there is none."""
    evidence = summary.evidence if isinstance(summary, Summary) else ()
    told = " ".join(line.text for line in evidence if line.part is SummaryPart.OUTCOME).casefold()
    return any(wording.casefold() in told for wording in wordings) if wordings else not told


# ------------------------------------------------------------------------------------------ ROUGE


def chunks_of(dialogue: str) -> list[TranscriptChunk]:
    """One chunk per turn. Roles are unknown: the data does not say who calls whom."""
    lines = (line.partition(": ") for line in dialogue.splitlines())
    said = [
        {
            "channel": int("2" in speaker),
            "role": "unknown",
            "start": 5.0 * index,
            "end": 5.0 * index + 4.0,
            "text": text,
        }
        for index, (speaker, _, text) in enumerate(lines)
    ]
    return list(call_of("dialogue", said).transcript.chunks)


def cut(texts: Sequence[str], words: int) -> str:
    return " ".join(" ".join(texts).split()[:words])


def measure_rouge(data: Path, limit: int, resamples: int) -> dict[str, Any]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    settings = ExtractiveSummarySettings()
    encoder = open_encoder(EncoderSettings()).encoder
    substance = Substance(encoder) if encoder else None
    rows: dict[str, dict[str, list[tuple[float, float, float]]]] = {
        half: {metric: [] for metric in METRICS} for half in ("seen", "aside")
    }
    with (data / "text" / "dialogsum.dev.jsonl").open(encoding="utf-8") as file:
        documents: list[dict[str, Any]] = [json.loads(line) for line in file][:limit]
    for index, document in enumerate(documents):
        chunks = chunks_of(document["dialogue"])
        budget = len(" ".join(chunk.text for chunk in chunks[:FIRST_TURNS]).split())
        lines = [line.text for line in choose_lines(lines_of(chunks, "en"), settings, max_words=budget)]
        ours = lines
        if substance is not None:
            to_budget = settings.model_copy(update={"parts_max_words": budget})
            summary, _ = spoken_summary(chunks, substance, to_budget)
            told = sorted(summary.evidence, key=lambda line: (line.start_s, line.chunk)) if summary else ()
            ours = list(dict.fromkeys(line.text for line in told))
        first = [chunk.text for chunk in chunks[:FIRST_TURNS]]
        scores = [scorer.score(document["summary"], cut(texts, budget)) for texts in (ours, lines, first)]
        for metric in METRICS:
            now, before, lead = (score[metric].fmeasure for score in scores)
            rows["aside" if index % 2 else "seen"][metric].append((now, before, lead))
    generator = np.random.default_rng(0)
    figures: dict[str, Any] = {}
    for half, of_half in rows.items():
        for metric in METRICS:
            table = np.asarray(of_half[metric])
            picks = generator.integers(0, len(table), (resamples, len(table)))
            means = table.mean(axis=0)
            change, lead = table[:, 0] - table[:, 1], table[:, 0] - table[:, 2]
            intervals = [
                np.quantile(part[picks].mean(axis=1), [0.025, 0.975]).round(4).tolist() for part in (change, lead)
            ]
            figures[f"{half} {metric}"] = {
                "now": round(float(means[0]), 4),
                "before": round(float(means[1]), 4),
                "first_turns": round(float(means[2]), 4),
                "now_less_before": intervals[0],
                "now_less_first_turns": intervals[1],
            }
            print(
                f"{half:6s} {metric:7s} now {means[0]:.4f}  before {means[1]:.4f} (difference {intervals[0]})"
                f"  first three turns {means[2]:.4f} (difference {intervals[1]}), {len(table)} dialogues"
            )
    return figures


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--texts", action="store_true", help="show every summary")
    parser.add_argument("--only", choices=["calls", "rouge"])
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    if arguments.only != "rouge":
        figures |= measure_calls(arguments.data, texts=arguments.texts)
    if arguments.only != "calls":
        figures |= measure_rouge(arguments.data, arguments.limit, arguments.resamples)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
