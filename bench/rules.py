"""The shipped rules: how often they find what they are for, and how often they raise a false alarm.

    python -m bench.rules [--data ../shared/data] [--apart] [--language fr]

Calls of a few lines written for it (bench/labels/attention_calls.yaml, each with the rules that must match); our sample
calls by their true text; the six Harper Valley calls by their human text (polite bank calls); the 260 written dialogues
of service_dialogues.csv (polite, nothing to complain about). Moods are those of the step `text`. Harper's first three
calls, every second dialogue and the calls marked `developed` were looked at while the rules were made; --apart adds the
others, which were not. In the polite material every match is a false alarm but `promise_without_date`, of which there
are real ones. Shares have their 95 % interval (Wilson 1927).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from analysis.conversation.step import ConversationStep
from analysis.encoder.choice import open_encoder
from analysis.records import Attention
from analysis.rules.reader import load_rules
from analysis.rules.step import RulesStep
from analysis.sentiment.steps import build_sentiment_steps
from bench.materials.reference_calls import harper_valley, samples, spoken_at_pace
from bench.materials.service_dialogues import service_dialogues
from bench.options import PROJECT, options_of
from bench.shares import share
from pipeline.config.root import Settings
from pipeline.config.yaml_reader import read_yaml_file
from pipeline.ports import AnalysisStep
from pipeline.records import CallForAnalysis, StepResult

WRITTEN = {
    "en": Path(__file__).parent / "labels" / "attention_calls.yaml",
    "fr": Path(__file__).parent / "labels" / "attention_calls_fr.yaml",
}
MOODS = ("client_upset", "mood_falls")
"""Not labelled in the written calls, in which clients have reason to be upset: left out there."""


timed = partial(spoken_at_pace, pause_s=0.6)


class Judge:
    """The step `rules` behind those it reads that work without audio."""

    def __init__(self) -> None:
        settings = Settings()
        text, *_ = build_sentiment_steps(settings.sentiment, open_encoder(settings.encoder))
        rules = load_rules(PROJECT / "rules" / "attention.yaml")
        self.names = [rule.name for rule in rules.rules if rule.attention]
        self._steps: list[AnalysisStep] = [text, ConversationStep(), RulesStep(rules)]

    def attention(self, call: CallForAnalysis) -> Attention:
        call = replace(
            call,
            transcript=replace(
                call.transcript,
                chunks=tuple(
                    replace(chunk, speech=((chunk.start_s, chunk.end_s),)) for chunk in call.transcript.chunks
                ),
            ),
        )
        known: dict[str, StepResult] = {}
        for step in self._steps:
            (known[step.name],) = step.run([call], [known])
        payload = known["rules"].payload
        assert isinstance(payload, Attention)
        return payload


def written(judge: Judge, part: str, language: str) -> Iterator[str]:
    """Found of those that must match, and matches of rules that must not."""
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    false: Counter[str] = Counter()
    calls = [entry for entry in read_yaml_file(WRITTEN[language]).value if entry["part"] == part]
    for number, entry in enumerate(calls):
        call = timed(f"{part}-{number}", entry["turns"], language=language)
        matches = {match.rule: match for match in judge.attention(call).matches}
        for rule in entry["wants"]:
            wanted[rule] += 1
            found[rule] += rule in matches
            if rule not in matches:
                yield f"    not found: {rule}: {entry['turns']}"
        for rule, match in matches.items():
            if rule not in (*entry["wants"], *MOODS):
                false[rule] += 1
                yield f"    false: {rule}: {match.reason}"
    for rule in judge.names:
        if wanted[rule] or false[rule]:
            yield f"  {rule:24s} {found[rule]} of {wanted[rule]}, {false[rule]} false"
    yield f"  found {share(found.total(), wanted.total())}"
    yield f"  false alarms a call: {share(false.total(), len(calls))}"


def alarms(judge: Judge, calls: Sequence[CallForAnalysis], show: int) -> Iterator[str]:
    """What is raised in calls in which nothing is wrong."""
    raised: Counter[str] = Counter()
    alarmed = 0
    for call in calls:
        matches = judge.attention(call).matches
        alarmed += bool(matches)
        for match in matches:
            raised[match.rule] += 1
            if raised[match.rule] <= show:
                yield f"    {call.call_id[:24]}: {match.rule}: {match.reason} | {match.quote}"
    for rule, count in raised.most_common():
        yield f"  {rule:24s} {count} of {len(calls)}"
    yield f"  any: {share(alarmed, len(calls))}"


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--language", choices=sorted(WRITTEN), default="en", help="fr: the written calls alone")
    parser.add_argument("--show", type=int, default=3, help="matches shown of each rule")
    given = parser.parse_args()
    judge = Judge()
    polite: list[tuple[str, list[CallForAnalysis]]] = []
    if given.data.is_dir() and given.language == "en":
        harper, written_dialogues = (
            [call for call, _ in harper_valley(given.data)],
            [timed(dialogue.name, dialogue.turns) for dialogue in service_dialogues(given.data)],
        )
        polite = [
            ("harper, developed", harper[:3]),
            ("dialogues, developed", written_dialogues[::2]),
            ("harper, apart", harper[3:]),
            ("dialogues, apart", written_dialogues[1::2]),
        ]
    parts = ("developed", "apart") if given.apart else ("developed",)
    if given.language == "en":
        print("samples")
        for line in alarms(judge, [call for call, _ in samples()], 9):
            print(line)
    for part in parts:
        print(f"written, {part}")
        for line in written(judge, part, given.language):
            print(line)
    for name, calls in polite:
        if name.endswith(parts):
            print(name)
            for line in alarms(judge, calls, given.show):
                print(line)


if __name__ == "__main__":
    main()
