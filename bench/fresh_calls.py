"""Short calls of several branches, written before anything was run on them: what a person would accept of each.

    python -m bench.fresh_calls [--set first|second|odd|even|seen|aside] [--texts]

Each call has the topics, moods, wordings of the outcome and promises that are right. `first` and `second`
(`bench/labels/fresh_*.yaml`) have the glossary `bench/glossaries/branches.yaml`; `odd` and `even` are the halves of
`bench/labels/strangers.yaml`, `seen` and `aside` those of `bench/labels/listened.yaml` (half of them with the words
that Whisper base heard), with the shipped glossaries. Counted are: the topic (none where none is asked for); the
second topic (none where there is no second reason); the client's mood from the words; the outcome (it holds one of the
wordings; missing where nothing came of the call); promises found (by whom, when, and a word of it), and those that
nobody made. Of strangers also: the reason; what no summary may hold; the agent's mood; the lines of one side called
negative where that side has no negative mood; and, in their marked turns, what redaction finds (`bench.redaction`).
--texts shows what was answered, so that a reader can judge. Shares have their 95 % interval (Wilson 1927).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.encoder.choice import open_encoder
from analysis.glossary.choice import load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.records import ActionItem, CallSentiment, SentimentLabel, Summary, Topic
from analysis.redaction import build_redactor
from analysis.sentiment.steps import TextSentimentStep
from analysis.sentiment.text import build_text_engines
from analysis.summary.step import SummaryStep
from analysis.topics.keywords import KeywordTopics
from bench.materials.redaction_exchanges import exchange_of, without_marks
from bench.materials.reference_calls import LISTENED, dialogue_of, heard, name_of
from bench.materials.topic_glossaries import BRANCHES
from bench.options import options_of
from bench.redaction import exchanges
from bench.shares import share
from bench.summaries import tells_end
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.root import Settings
from pipeline.ports import AnalysisStep
from pipeline.records import CallForAnalysis, CustomerSegment, Role, TranscriptChunk

LABELS = Path(__file__).resolve().parent / "labels"
STRANGERS = LABELS / "strangers.yaml"
SETS = {"first": LABELS / "fresh_first.yaml", "second": LABELS / "fresh_second.yaml"}
HALVES = {"odd": (STRANGERS, 1), "even": (STRANGERS, 0), "seen": (LISTENED, 1), "aside": (LISTENED, 0)}
Expected = Mapping[str, Any]


def fresh_calls(path: Path) -> list[tuple[Expected, CallForAnalysis]]:
    """The calls of a file with what is right of each; a turn of four seconds every five."""
    found = []
    for row in yaml.safe_load(path.read_text(encoding="utf-8")):
        segment = CustomerSegment(row["segment"]) if "segment" in row else None
        if row.get("listened"):
            call = heard(name_of(row), segment)
        else:
            said = ((role, without_marks(text)) for role, text in row["turns"])
            call = dialogue_of(row["name"], said, segment=segment)
        found.append((row, call))
    return found


def calls_of_set(name: str) -> list[tuple[Expected, CallForAnalysis]]:
    if name in SETS:
        return fresh_calls(SETS[name])
    path, rest = HALVES[name]
    return [labelled for labelled in fresh_calls(path) if labelled[0]["number"] % 2 == rest]


class Answers:
    """What the steps without a language model say of a call."""

    def __init__(self, settings: Settings) -> None:
        self._encoder = open_encoder(settings.encoder)
        self._branches = load_glossary(BRANCHES)
        self._shipped = load_catalogues(settings.glossary)
        every = (self._branches, *self._shipped.by_segment.values())
        self._topics = KeywordTopics(every, settings.topics, self._encoder)
        self._summary = SummaryStep(settings.summary, encoder=self._encoder)
        self._mood = TextSentimentStep(settings.sentiment, build_text_engines(settings.sentiment, self._encoder))

    def topic(self, call: CallForAnalysis) -> tuple[Topic | None, str | None]:
        segment = call.metadata.customer_segment
        return self._topics.classify(call, self._shipped.for_call(segment) if segment else (self._branches,))

    def summary(self, call: CallForAnalysis) -> Summary | None:
        payload = _payload(self._summary, call)
        return payload if isinstance(payload, Summary) else None

    def mood(self, call: CallForAnalysis) -> CallSentiment | None:
        payload = _payload(self._mood, call)
        return payload if isinstance(payload, CallSentiment) else None


def mood_of(mood: CallSentiment | None, role: Role) -> str | None:
    """Of one side, or None where it is silent."""
    sentiment = next((side.sentiment for side in mood.roles if side.role is role), None) if mood else None
    return sentiment.label if sentiment else None


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
    summary, moods = answers.summary(call), answers.mood(call)
    mood = mood_of(moods, Role.CLIENT)
    accept, second = expected["accept"] or ["none"], expected.get("second", [])
    given, also = (topic.topic, topic.second_topic) if topic else ("none", None)
    items = summary.action_items if summary else ()
    kept, beside = promises_kept(expected["promises"], items)
    right = {
        "topic": given in accept,
        "second topic": also in second if second else also is None,
        "mood": mood in expected["mood"] or (not expected["outcome"] and mood is None),
        "outcome": tells_end(expected["outcome"], summary),
    }
    counted: dict[str, tuple[int, int]] = {}
    if "number" in expected:
        told = summary.text.casefold() if summary else ""
        right["agent's mood"] = mood_of(moods, Role.AGENT) in (*expected["agent"], None)
        right["nothing absent"] = not any(words.casefold() in told for words in expected["absent"])
        if expected["reason"]:
            why = (summary.reason or "").casefold() if summary else ""
            right["reason"] = any(words.casefold() in why for words in expected["reason"])
        counted["lines negative, of sides that are not"] = polite_lines(expected, call, moods)
    if texts:
        wrong = ", ".join(name for name, good in right.items() if not good) or "nothing"
        print(f"\n{expected['name']} (wrong: {wrong}; promises {kept} of {len(expected['promises'])}, {beside} beside)")
        sure = f" {topic.confidence:.2f}" if topic and topic.confidence else ""
        print(f"  topic {given}{sure}, second {also}; {reason}")
        print(f"  mood {mood}; agent {mood_of(moods, Role.AGENT)}\n  {summary.text if summary else 'no summary'}")
        for line in negative_lines(call, moods):
            print(f"  negative: {line.role.value}: {line.text}")
        for item in items:
            print(f"  - {item.who}, by {item.by_when}: {item.what}")
    counted |= {name: (int(good), 1) for name, good in right.items()}
    return counted | {"promises found": (kept, len(expected["promises"])), "promises nobody made": (beside, len(items))}


def negative_lines(call: CallForAnalysis, moods: CallSentiment | None) -> list[TranscriptChunk]:
    found = zip(call.transcript.chunks, moods.chunks if moods else (), strict=False)
    return [line for line, mood in found if mood.sentiment and mood.sentiment.label is SentimentLabel.NEGATIVE]


def polite_lines(expected: Expected, call: CallForAnalysis, moods: CallSentiment | None) -> tuple[int, int]:
    """Of the lines of sides that no person would call negative: how many are, and of how many."""
    calm = [role for role, key in ((Role.CLIENT, "mood"), (Role.AGENT, "agent")) if "negative" not in expected[key]]
    lines = [line for line in call.transcript.chunks if line.role in calm]
    return sum(line.role in calm for line in negative_lines(call, moods)), len(lines)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--set", choices=[*SETS, *HALVES], action="append")
    parser.add_argument("--texts", action="store_true", help="show every answer")
    chosen = parser.parse_args()
    answers = Answers(Settings())
    for name in chosen.set or [*SETS, *HALVES]:
        totals: dict[str, list[int]] = {}
        calls = calls_of_set(name)
        for expected, call in calls:
            for figure, (right, of) in right_of(expected, answers, call, texts=chosen.texts).items():
                total = totals.setdefault(figure, [0, 0])
                total[0] += right
                total[1] += of
        for figure, (right, of) in totals.items():
            print(f"{name:8s} {figure:22s} {share(right, of)}")
        if HALVES.get(name, (None,))[0] == STRANGERS:
            marked = [exchange_of(expected["name"], expected["turns"]) for expected, _ in calls]
            found = exchanges(
                build_redactor(RedactionSettings(), open_encoder(EncoderSettings())), marked, chosen.texts
            )
            for kind, figure in found.items():
                print(f"{name:8s} {kind:30s} {figure}")


if __name__ == "__main__":
    main()
