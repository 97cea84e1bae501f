"""Short calls of several branches, written before anything was run on them: what a person would accept of each.

    python -m bench.fresh_calls [--set first|second] [--texts]

Each call has the topics, moods, wordings of the outcome and promises that are right (`bench/labels/fresh_*.yaml`); the
glossary is `bench/glossaries/branches.yaml`. Counted are: the topic (none where none is asked for); the second topic
(none where there is no second reason); the client's mood from the words; the outcome (it holds one of the wordings;
missing where nothing came of the call); promises found (by whom, when, and a word of it), and those that nobody made.
--texts shows what was answered, so that a reader can judge. Shares have their 95 % interval (Wilson 1927).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.encoder.choice import open_encoder
from analysis.glossary.reader import load_glossary
from analysis.records import ActionItem, CallSentiment, Summary, Topic
from analysis.sentiment.steps import TextSentimentStep
from analysis.sentiment.text import build_text_engines
from analysis.summary.step import SummaryStep
from analysis.topics.keywords import KeywordTopics
from bench.materials.reference_calls import call_of
from bench.materials.topic_glossaries import BRANCHES
from bench.summaries import share, tells_end
from pipeline.config.root import Settings
from pipeline.ports import AnalysisStep
from pipeline.records import CallForAnalysis, Role

LABELS = Path(__file__).resolve().parent / "labels"
SETS = {"first": LABELS / "fresh_first.yaml", "second": LABELS / "fresh_second.yaml"}
_TURN_S, _SPOKEN_S = 5.0, 4.0
Expected = Mapping[str, Any]


def fresh_calls(path: Path) -> list[tuple[Expected, CallForAnalysis]]:
    """The calls of a file with what is right of each; a turn of four seconds every five."""
    found = []
    for row in yaml.safe_load(path.read_text(encoding="utf-8")):
        turns = [
            {
                "channel": int(role == "agent"),
                "role": role,
                "start": _TURN_S * place,
                "end": _TURN_S * place + _SPOKEN_S,
                "text": text,
            }
            for place, (role, text) in enumerate(row["turns"])
        ]
        found.append((row, call_of(row["name"], turns)))
    return found


class Answers:
    """What the steps without a language model say of a call."""

    def __init__(self, settings: Settings) -> None:
        self._encoder = open_encoder(settings.encoder)
        self._glossary = load_glossary(BRANCHES)
        self._topics = KeywordTopics((self._glossary,), settings.topics, self._encoder)
        self._summary = SummaryStep(settings.summary, encoder=self._encoder)
        self._mood = TextSentimentStep(settings.sentiment, build_text_engines(settings.sentiment, self._encoder))

    def topic(self, call: CallForAnalysis) -> tuple[Topic | None, str | None]:
        return self._topics.classify(call, (self._glossary,))

    def summary(self, call: CallForAnalysis) -> Summary | None:
        payload = _payload(self._summary, call)
        return payload if isinstance(payload, Summary) else None

    def mood(self, call: CallForAnalysis) -> str | None:
        """Of the client, or of whoever alone speaks there."""
        payload = _payload(self._mood, call)
        roles = payload.roles if isinstance(payload, CallSentiment) else ()
        client = next((one.sentiment for one in roles if one.role is Role.CLIENT), None)
        return client.label if client else None


def _payload(step: AnalysisStep, call: CallForAnalysis) -> object:
    return step.run([call], [{}])[0].payload


def promises_kept(expected: Sequence[Sequence[Any]], items: Sequence[ActionItem]) -> tuple[int, int]:
    """How many of the expected promises are among the items, and how many items are none of them."""
    left = list(items)
    kept = 0
    for who, when, word in expected:
        for item in left:
            told = f"{item.what} {item.by_when or ''}".casefold()
            if item.who == who and word.casefold() in told and (when or "").casefold() in told:
                left.remove(item)
                kept += 1
                break
    return kept, len(left)


def right_of(expected: Expected, answers: Answers, call: CallForAnalysis, *, texts: bool) -> dict[str, tuple[int, int]]:
    """Of each figure, how many are right and of how many."""
    topic, reason = answers.topic(call)
    summary, mood = answers.summary(call), answers.mood(call)
    accept, second = expected["accept"], expected.get("second", [])
    given, also = (topic.topic, topic.second_topic) if topic else (None, None)
    items = summary.action_items if summary else ()
    kept, beside = promises_kept(expected["promises"], items)
    right = {
        "topic": given in accept if accept else given is None,
        "second topic": also in second if second else also is None,
        "mood": mood in expected["mood"] or (not expected["outcome"] and mood is None),
        "outcome": tells_end(expected["outcome"], summary),
    }
    if texts:
        wrong = ", ".join(name for name, good in right.items() if not good) or "nothing"
        print(f"\n{expected['name']} (wrong: {wrong}; promises {kept} of {len(expected['promises'])}, {beside} beside)")
        sure = f" {topic.confidence:.2f}" if topic and topic.confidence else ""
        print(f"  topic {given}{sure}, second {also}; {reason}")
        print(f"  mood {mood}\n  {summary.text if summary else 'no summary'}")
        for item in items:
            print(f"  - {item.who}, by {item.by_when}: {item.what}")
    counted = {name: (int(good), 1) for name, good in right.items()}
    return counted | {"promises found": (kept, len(expected["promises"])), "promises nobody made": (beside, len(items))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=sorted(SETS), action="append")
    parser.add_argument("--texts", action="store_true", help="show every answer")
    chosen = parser.parse_args()
    answers = Answers(Settings())
    for name in chosen.set or [name for name, path in SETS.items() if path.is_file()]:
        totals: dict[str, list[int]] = {}
        for expected, call in fresh_calls(SETS[name]):
            for figure, (right, of) in right_of(expected, answers, call, texts=chosen.texts).items():
                total = totals.setdefault(figure, [0, 0])
                total[0] += right
                total[1] += of
        for figure, (right, of) in totals.items():
            print(f"{name:8s} {figure:22s} {share(right, of) if of else 'none'}")


if __name__ == "__main__":
    main()
