"""Topics without a language model: how often they are right, with the glossary alone and after training.

    python -m bench.topics [--data ../shared/data] [--sphinx] [--train]

Harper Valley: six calls, their eight task names with a definition each as the glossary; from the human text and, with
--sphinx, from what PocketSphinx makes of the human turns (about a minute and a half). Samples: our own calls, topic and
subtopic. banking77: the intents' names and a few words of our own as the glossary, each question one client turn;
against counting words shared with the intent's name, and against TF-IDF with logistic regression trained on half of the
questions and measured on the other half. With --train, `run.py train topics` runs on that half (two minutes), and the
topic step with its folder is measured on the other. A withheld answer counts as wrong. Accuracies have their 95 %
interval (Wilson 1927).
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.glossary.catalogue import Glossary
from analysis.glossary.choice import load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.records import Topic
from analysis.steps import build_language_steps
from analysis.text import content_stems
from analysis.topics.keywords import KeywordTopics
from bench.materials.reference_calls import call_of, harper_valley, samples
from bench.shares import share_interval
from pipeline.config.areas.language import GlossarySettings, TopicSettings
from pipeline.config.root import Settings
from pipeline.records import CallForAnalysis

GLOSSARIES = Path(__file__).parent / "glossaries"


def harper_valley_figures(data: Path, with_sphinx: bool) -> dict[str, Any]:
    glossary = load_glossary(GLOSSARIES / "harper_valley.yaml")
    calls = harper_valley(data)
    figures: dict[str, Any] = {"calls": len(calls), "human": _right(calls, glossary, say=True)}
    figures["chance"] = round(len(calls) / len(glossary.topics), 2)
    if with_sphinx:
        heard = [(_by_sphinx(data, call), task) for call, task in calls]
        figures["sphinx"] = _right(heard, glossary, say=True)
    return figures


def _right(calls: Sequence[tuple[CallForAnalysis, Mapping[str, Any]]], glossary: Glossary, say: bool = False) -> int:
    matcher = KeywordTopics((glossary,), TopicSettings())
    right = 0
    for call, task in calls:
        topic, reason = matcher.classify(call, (glossary,))
        right += topic is not None and topic.topic == task["task_type"]
        if say:
            print(f"  {task['task_type']:22s} -> {topic.topic if topic else reason}")
    return right


def _by_sphinx(data: Path, call: CallForAnalysis) -> CallForAnalysis:
    """The same call with each human turn recognised by PocketSphinx from a fresh state."""
    import av
    import numpy as np

    from pipeline.config.areas.speech.recognisers import SphinxOptions
    from pipeline.transcription.engine import SegmentRequest
    from pipeline.transcription.engines.sphinx import SphinxTranscriber

    path = data / "calls" / "harper_valley" / f"{call.call_id}.wav"
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=16_000)
    with av.open(str(path)) as container:
        blocks = [b.to_ndarray() for frame in container.decode(audio=0) for b in resampler.resample(frame)]
    audio = np.concatenate(blocks, axis=1)
    engine = SphinxTranscriber(SphinxOptions())
    engine.load()
    requests = [
        SegmentRequest(
            key=str(place),
            samples=np.ascontiguousarray(
                audio[chunk.channel, max(0, int((chunk.start_s - 0.25) * 16_000)) : int((chunk.end_s + 0.25) * 16_000)]
            ),
            language="en",
        )
        for place, chunk in enumerate(call.transcript.chunks)
    ]
    heard = {int(result.key): result.text for result in engine.transcribe(requests)}
    chunks = tuple(replace(chunk, text=heard.get(place, "")) for place, chunk in enumerate(call.transcript.chunks))
    return replace(call, transcript=replace(call.transcript, chunks=chunks))


def sample_figures() -> dict[str, Any]:
    catalogues = load_catalogues(GlossarySettings())
    matcher = KeywordTopics(tuple(catalogues.by_segment.values()), TopicSettings())
    calls = samples()
    counts: Counter[str] = Counter()
    for call, labels in calls:
        topic, reason = matcher.classify(call, catalogues.for_call(call.metadata.customer_segment))
        counts["topic"] += topic is not None and topic.topic == labels["topic"]
        counts["subtopic"] += topic is not None and (topic.topic, topic.subtopic) == (
            labels["topic"],
            labels.get("subtopic"),
        )
        shown = f"{topic.topic} > {topic.subtopic}" if topic else reason
        print(f"  {labels['topic']} > {labels.get('subtopic')}  ->  {shown}")
    return {"calls": len(calls), **counts}


def banking77_figures(data: Path, with_training: bool) -> dict[str, Any]:
    rows = read_banking77(data)
    glossary = load_glossary(GLOSSARIES / "banking77.csv")
    matcher = KeywordTopics((glossary,), TopicSettings())
    answers = [_answer(matcher, glossary, text) for text, _ in rows]
    named = _by_name([text for text, _ in rows], glossary)
    first, second = rows[::2], rows[1::2]
    trained = _trained([*first], [*second])
    own = {"train_topics_on_half": _by_command([*first], [*second])} if with_training else {}
    return {
        "questions": len(rows),
        "no_model": _accuracy(answers, [label for _, label in rows]),
        "no_model_answered": round(sum(answer is not None for answer in answers) / len(rows), 4),
        "names_shared_words": _accuracy(named, [label for _, label in rows]),
        "tfidf_on_half": trained,
        **own,
        "most_frequent": round(Counter(label for _, label in rows).most_common(1)[0][1] / len(rows), 4),
    }


def read_banking77(data: Path) -> list[tuple[str, str]]:
    with (data / "text" / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    # Sorted by class and text: taking every second one gives halves of equal class balance, whatever the file's order.
    return sorted(rows, key=lambda row: (row[1], row[0]))


def _answer(matcher: KeywordTopics, glossary: Glossary, text: str) -> str | None:
    turn = {"channel": 0, "role": "client", "start": 0, "end": 5, "text": text}
    topic: Topic | None = matcher.classify(call_of("q", [turn]), (glossary,))[0]
    return topic.topic if topic else None


def _by_name(texts: Sequence[str], glossary: Glossary) -> list[str | None]:
    names = {label.topic: set(content_stems(re.sub(r"[_?]", " ", label.topic), "en")) for label in glossary.topics}
    found: list[str | None] = []
    for text in texts:
        said = set(content_stems(text, "en"))
        best = max(names, key=lambda name: (len(said & names[name]), -len(names[name])))
        found.append(best if said & names[best] else None)
    return found


def _trained(train: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=20, max_iter=300)
    )
    model.fit([text for text, _ in train], [label for _, label in train])
    return _accuracy(list(model.predict([text for text, _ in test])), [label for _, label in test])


def _by_command(train: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The command trains, the configuration names its folder, the step answers: as a user would."""
    with tempfile.TemporaryDirectory() as place:
        labels, model = Path(place) / "labels.csv", Path(place) / "model"
        with labels.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *train])
        command = ["run.py", "train", "topics", "--labels", str(labels), "--group-by", "item", "--out", str(model)]
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        chosen = Settings.model_validate(
            {
                "glossary": {"b2b": None, "b2c": str(GLOSSARIES / "banking77.csv")},
                "topics": {"method": "trained", "trained": {"model_dir": str(model)}},
            }
        )
        step = next(step for step in build_language_steps(chosen, None) if step.name == "topic")
        calls = [
            call_of("q", [{"channel": 0, "role": "client", "start": 0, "end": 5, "text": text}]) for text, _ in test
        ]
        results = step.run(calls, [{} for _ in calls])
    answers = [result.payload.topic if isinstance(result.payload, Topic) else None for result in results]
    truth = [label for _, label in test]
    answered = [pair for pair in zip(answers, truth, strict=True) if pair[0] is not None]
    return {
        "questions": len(truth),
        "accuracy": _accuracy(answers, truth),
        "interval": share_interval(sum(a == b for a, b in zip(answers, truth, strict=True)), len(truth)),
        "answered": round(len(answered) / len(truth), 4),
        "right_where_answered": round(sum(a == b for a, b in answered) / len(answered), 4),
    }


def _accuracy(answers: Sequence[str | None], truth: Sequence[str]) -> float:
    return round(sum(a == b for a, b in zip(answers, truth, strict=True)) / len(truth), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sphinx", action="store_true", help="also from the recogniser's text")
    parser.add_argument("--train", action="store_true", help="also by `run.py train topics`, about two minutes")
    arguments = parser.parse_args()
    print("Harper Valley (eight tasks)")
    figures: dict[str, Any] = {"harper_valley": harper_valley_figures(arguments.data, arguments.sphinx)}
    print("Samples")
    figures["samples"] = sample_figures()
    figures["banking77"] = banking77_figures(arguments.data, arguments.train)
    for name, values in figures.items():
        print(f"{name:14s} " + "  ".join(f"{key} {value}" for key, value in values.items()))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
