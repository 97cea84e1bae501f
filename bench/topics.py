"""Topics without a language model: how often they are right, and how often a call that has none is left without one.

    python -m bench.topics [--data ../shared/data] [--words] [--train]

Harper Valley: six calls, their eight task names with a definition each as the glossary; from the human text. Samples:
our own calls, topic and subtopic. Asked calls: `bench/labels/README.md` says what they are; the developed ones and
those kept apart. Services: the first turns of every second service dialogue, the services' names and a few words as the
glossary, and the same with a third of the services withheld. banking77: the intents' names and a few words of our own
as the glossary, each question one client turn; all 77, then with twenty intents withheld, five times, the twenty drawn
from the half that nothing was fitted on; the questions of that half are counted. A withheld answer counts as wrong
where there is a topic. Reliability: how often the topic was right in each band of confidence. --words: without the
sentence encoder. With --train, `run.py train topics` runs on half of the questions (minutes), and the topic step with
its folder is measured on the other, with and without twenty withheld intents. Shares have their 95 % interval (Wilson
1927).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.glossary.catalogue import Glossary
from analysis.glossary.choice import load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.records import Topic
from analysis.steps import build_language_steps
from analysis.topics.keywords import KeywordTopics
from bench.materials.asked_calls import APART, DEVELOPED, FURTHER_ASIDE, FURTHER_SEEN, AskedCall, asked_calls
from bench.materials.banking77 import Question, developed_intents, questions
from bench.materials.reference_calls import call_of, harper_valley, samples
from bench.materials.service_dialogues import first_turns
from bench.materials.topic_glossaries import BANKING77, HARPER_VALLEY, SERVICES
from bench.options import options_of
from bench.shares import reliability, share_interval
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import GlossarySettings, TopicSettings
from pipeline.config.root import Settings
from pipeline.records import CallForAnalysis

WITHHELD, DRAWS = 20, 5
TRADED = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6)
"""Values of `topics.min_confidence` whose figures stand side by side."""
BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
EVERY_ANSWER = {"min_confidence": 0.0, "keywords": {"min_margin": 0.0, "min_score": 0.0}}


@dataclass(frozen=True, slots=True)
class Answer:
    """The likeliest topic of one call, whether or not it is given."""

    topic: str | None
    confidence: float
    right: bool
    in_scope: bool


def share(right: int, of: int) -> dict[str, Any]:
    return {"share": round(right / of, 4), "of": of, "interval": share_interval(right, of)} if of else {"of": 0}


def harper_valley_figures(data: Path, encoder: EncoderChoice) -> dict[str, Any]:
    glossary = load_glossary(HARPER_VALLEY)
    calls = harper_valley(data)
    chance = round(len(calls) / len(glossary.topics), 2)
    return {"calls": len(calls), "human": _right(calls, glossary, encoder), "chance": chance}


def _right(
    calls: Sequence[tuple[CallForAnalysis, Mapping[str, Any]]], glossary: Glossary, encoder: EncoderChoice
) -> int:
    matcher = KeywordTopics((glossary,), TopicSettings(), encoder)
    right = 0
    for call, task in calls:
        topic, reason = matcher.classify(call, (glossary,))
        right += topic is not None and topic.topic == task["task_type"]
        print(f"  {task['task_type']:22s} -> {_shown(topic, reason)}")
    return right


def _shown(topic: Topic | None, reason: str | None) -> str:
    if topic is None:
        return str(reason)
    found = topic.topic if topic.subtopic is None else f"{topic.topic} > {topic.subtopic}"
    second = f", then {topic.second_topic}" if topic.second_topic else ""
    return f"{found} {topic.confidence:.2f}{second}"


def sample_figures(encoder: EncoderChoice) -> dict[str, Any]:
    catalogues = load_catalogues(GlossarySettings())
    matcher = KeywordTopics(tuple(catalogues.by_segment.values()), TopicSettings(), encoder)
    calls = samples()
    counts: Counter[str] = Counter()
    for call, labels in calls:
        topic, reason = matcher.classify(call, catalogues.for_call(call.metadata.customer_segment))
        counts["topic"] += topic is not None and topic.topic == labels["topic"]
        counts["subtopic"] += topic is not None and (topic.topic, topic.subtopic) == (
            labels["topic"],
            labels.get("subtopic"),
        )
        print(f"  {labels['topic']} > {labels.get('subtopic')}  ->  {_shown(topic, reason)}")
    return {"calls": len(calls), **counts}


def asked_figures(calls: Sequence[AskedCall], encoder: EncoderChoice) -> tuple[dict[str, Any], list[Answer]]:
    """Of our own short calls: with a topic, without one, with a second; and the likeliest answers of all of them."""
    catalogues = load_catalogues(GlossarySettings())
    glossaries = tuple(catalogues.by_segment.values())
    matcher = KeywordTopics(glossaries, TopicSettings(), encoder)
    always = KeywordTopics(glossaries, TopicSettings.model_validate(EVERY_ANSWER), encoder)
    counts: Counter[str] = Counter()
    answers = []
    for asked in calls:
        own = catalogues.for_call(asked.call.metadata.customer_segment)
        topic, reason = matcher.classify(asked.call, own)
        right = (topic is None) if not asked.accept else topic is not None and topic.topic in asked.topics
        counts["with" if asked.accept else "without"] += 1
        counts["with_right" if asked.accept else "without_right"] += right
        counts["wrong"] += bool(asked.accept) and topic is not None and not right
        if asked.accept:
            likeliest, _ = always.classify(asked.call, own)
            if likeliest is not None and likeliest.confidence is not None:
                found = likeliest.topic in asked.topics
                answers.append(Answer(likeliest.topic, likeliest.confidence, found, in_scope=True))
        elif (likeliest := always.classify(asked.call, own)[0]) is not None and likeliest.confidence is not None:
            answers.append(Answer(likeliest.topic, likeliest.confidence, right=False, in_scope=False))
        if asked.second:
            counts["seconds"] += 1
            counts["seconds_right"] += (
                topic is not None and topic.second_topic in asked.second_topics and topic.second_topic != topic.topic
            )
        counts["second_invented"] += not asked.second and topic is not None and topic.second_topic is not None
        if not right:
            wanted = " or ".join(asked.accept) or "none"
            print(f"  {asked.call.call_id} ({asked.kind}): {wanted} -> {_shown(topic, reason)}")
    figures = {
        "with_a_topic": share(counts["with_right"], counts["with"]),
        "without": share(counts["without_right"], counts["without"]),
        "wrong_topic": counts["wrong"],
        "second": share(counts["seconds_right"], counts["seconds"]),
        "second_invented": counts["second_invented"],
    }
    return figures, answers


def ask_all(asked: Sequence[Question], glossary: Glossary, encoder: EncoderChoice) -> list[Answer]:
    """The likeliest topic of each question; in scope where the glossary has its intent."""
    matcher = KeywordTopics((glossary,), TopicSettings.model_validate(EVERY_ANSWER), encoder)
    known = {label.topic for label in glossary.topics}
    answers = []
    for question in asked:
        topic = matcher.classify(call_of("q", [_turn(question.text)]), (glossary,))[0]
        found = topic.topic if topic else None
        confidence = topic.confidence if topic and topic.confidence is not None else 0.0
        answers.append(Answer(found, confidence, found == question.intent, question.intent in known))
    return answers


def _turn(text: str) -> dict[str, Any]:
    return {"channel": 0, "role": "client", "start": 0, "end": 5, "text": text}


def scope_figures(answers: Sequence[Answer], least: float) -> dict[str, Any]:
    """`accuracy`: right and given, of those in scope; `without`: left without a topic, of those out of scope."""
    inside = [answer for answer in answers if answer.in_scope]
    outside = [answer for answer in answers if not answer.in_scope]
    given = [answer for answer in inside if answer.topic is not None and answer.confidence >= least]
    left = sum(answer.topic is None or answer.confidence < least for answer in outside)
    return {
        "accuracy": share(sum(answer.right for answer in given), len(inside)),
        "right_where_given": share(sum(answer.right for answer in given), len(given)),
        "likeliest_right": share(sum(answer.right for answer in inside), len(inside)),
        "without": share(left, len(outside)),
    }


def by_confidence(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return reliability([(answer.confidence, answer.right) for answer in answers], BANDS)


def withheld(intents: Sequence[str], draw: int) -> frozenset[str]:
    """Twenty of the intents, another twenty in each draw."""
    chosen = np.random.default_rng(draw).permutation(sorted(intents))[:WITHHELD]
    return frozenset(str(intent) for intent in chosen)


def without_labels(glossary: Glossary, names: frozenset[str]) -> Glossary:
    return replace(glossary, labels=tuple(label for label in glossary.labels if label.topic not in names))


def banking77_figures(data: Path, encoder: EncoderChoice, most: int | None) -> dict[str, Any]:
    glossary = load_glossary(BANKING77)
    asked = questions(data)[:: 1 if most is None else max(1, 10_003 // most)]
    developed = developed_intents(glossary)
    apart = {label.topic for label in glossary.topics} - developed
    least = TopicSettings().min_confidence
    everything = ask_all(asked, glossary, encoder)
    halves = {
        "developed": [a for a, q in zip(everything, asked, strict=True) if q.intent in developed],
        "apart": [a for a, q in zip(everything, asked, strict=True) if q.intent in apart],
    }
    figures: dict[str, Any] = {
        "all_77": {name: scope_figures(answers, least) for name, answers in {"both": everything, **halves}.items()}
    }
    together: list[Answer] = []
    names_alone: list[Answer] = []
    for draw in range(DRAWS):
        names = withheld(sorted(apart), draw)
        own = [question for question in asked if question.intent in apart][draw::DRAWS]
        rest = without_labels(glossary, names)
        together += ask_all(own, rest, encoder)
        bare = replace(rest, labels=tuple(replace(label, keywords=()) for label in rest.labels))
        names_alone += ask_all(own, bare, encoder)
    figures["twenty_withheld"] = scope_figures(together, least)
    figures["twenty_withheld_names_alone"] = scope_figures(names_alone, least)
    figures["reliability"] = by_confidence(together)
    figures["trade_off"] = {str(least): scope_figures(together, least) for least in TRADED}
    return figures


def service_figures(data: Path, encoder: EncoderChoice) -> dict[str, Any]:
    glossary = load_glossary(SERVICES)
    asked = first_turns(data)[1::2]
    unknown = {question.intent for question in asked} - {label.topic for label in glossary.topics}
    if unknown:
        raise ValueError(
            f"{SERVICES.name} has no topic for {', '.join(sorted(unknown))}: the figures would be of nothing"
        )
    least = TopicSettings().min_confidence
    answers: list[Answer] = []
    for part in range(3):
        names = frozenset(label.topic for label in glossary.topics[part::3])
        answers += ask_all(asked, without_labels(glossary, names), encoder)
    return {
        "all": scope_figures(ask_all(asked, glossary, encoder), least),
        "a_third_withheld": scope_figures(answers, least),
        "reliability": by_confidence(answers),
    }


def trained_figures(data: Path) -> dict[str, Any]:
    """The command trains, the configuration names its folder, the step answers: as a user would."""
    glossary = load_glossary(BANKING77)
    asked = questions(data)
    first, second = asked[::2], asked[1::2]
    apart = sorted({label.topic for label in glossary.topics} - developed_intents(glossary))
    names = withheld(apart, 0)
    kept = [question for question in first if question.intent not in names]
    return {
        "all_77": _by_command(first, second, frozenset()),
        "twenty_withheld": _by_command(kept, second, names),
    }


def _by_command(train: Sequence[Question], test: Sequence[Question], names: frozenset[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        labels, model = Path(folder) / "labels.csv", Path(folder) / "model"
        with labels.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *((question.text, question.intent) for question in train)])
        command = ["run.py", "train", "topics", "--labels", str(labels), "--group-by", "item", "--folds", "2"]
        command += ["--out", str(model)]
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        chosen = Settings.model_validate(
            {
                "glossary": {"b2b": None, "b2c": str(BANKING77)},
                "topics": {"method": "trained", "trained": {"model_dir": str(model)}},
            }
        )
        steps = build_language_steps(chosen, None, open_encoder(chosen.encoder))
        step = next(step for step in steps if step.name == "topic")
        calls = [call_of("q", [_turn(question.text)]) for question in test]
        results = step.run(calls, [{} for _ in calls])
    answers = []
    for result, question in zip(results, test, strict=True):
        topic = result.payload if isinstance(result.payload, Topic) else None
        found = topic.topic if topic else None
        confidence = topic.confidence if topic and topic.confidence is not None else 0.0
        answers.append(Answer(found, confidence, found == question.intent, question.intent not in names))
    given = [answer for answer in answers if answer.topic is not None]
    return {**scope_figures(answers, 0.0), "reliability": by_confidence(given)}


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--words", action="store_true", help="without the sentence encoder")
    parser.add_argument("--train", action="store_true", help="also by `run.py train topics`, some minutes")
    parser.add_argument("--questions", type=int, default=None, help="at most about so many of banking77")
    arguments = parser.parse_args()
    encoder = WITHOUT if arguments.words else open_encoder(EncoderSettings(cached_texts=30_000))
    print(f"sentence encoder: {encoder.identity}{'' if encoder.encoder else f' ({encoder.reason})'}")
    print("Samples")
    figures: dict[str, Any] = {"samples": sample_figures(encoder)}
    asked: list[Answer] = []
    sets = {"developed": DEVELOPED, "apart": APART, "further_seen": FURTHER_SEEN, "further_aside": FURTHER_ASIDE}
    for name, path in sets.items():
        print(f"Asked calls, {name}")
        figures[f"asked_{name}"], answers = asked_figures(asked_calls(path), encoder)
        asked = answers if name == "apart" else asked
    figures["asked_reliability"] = by_confidence(asked)
    if arguments.data.is_dir():
        print("Harper Valley (eight tasks)")
        figures["harper_valley"] = harper_valley_figures(arguments.data, encoder)
        figures["services"] = service_figures(arguments.data, encoder)
        figures["banking77"] = banking77_figures(arguments.data, encoder, arguments.questions)
        if arguments.train:
            figures["banking77_trained"] = trained_figures(arguments.data)
    else:
        print(f"left out, no reference data in {arguments.data} (--data DIR): Harper Valley, services, banking77")
    for name, values in figures.items():
        print(f"{name}: {json.dumps(values)}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
