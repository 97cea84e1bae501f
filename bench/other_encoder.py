"""Another sentence encoder by setting: topics and moods in other languages, and what it costs in English.

    python -m bench.other_encoder FOLDER [--prefix "query: "] [--mood FOLDER]

Topics that are nothing but names in French, Spanish, German and Arabic (`bench/labels/foreign_names.yaml`), each
question one client turn, by keywords alone (which serve without such an encoder) and with the encoder in FOLDER; the
names that were looked at, and those that were only measured with. Then our own short English calls with the shipped
glossaries: keywords, the default encoder, and this one. With --mood the moods of lines in these languages
(`foreign_moods.jsonl`) by a model that `run.py train text --model vectors` made on this encoder. Shares have their 95 %
interval (Wilson 1927).
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.glossary.catalogue import Glossary, Label
from analysis.sentiment.lines import SpokenLine
from analysis.sentiment.text_trained import TrainedTextSentiment
from analysis.topics.keywords import KeywordTopics
from bench.materials.asked_calls import APART, DEVELOPED, asked_calls
from bench.materials.reference_calls import dialogue_of
from bench.mood_lines import labelled_lines
from bench.options import PROJECT, another_encoder, options_of
from bench.shares import share
from bench.topics import asked_figures
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import TopicSettings
from pipeline.records import Role

LABELS = PROJECT / "bench" / "labels"
NAMES, MOODS = LABELS / "foreign_names.yaml", LABELS / "foreign_moods.jsonl"
OTHER = "other"
HALVES = ("seen", "aside")


def topics_of_names(encoder: EncoderChoice, half: int) -> dict[str, Any]:
    """Each language's names as one glossary, and the questions about every second of them."""
    counts: Counter[str] = Counter()
    every: Mapping[str, Mapping[str, Sequence[str]]] = yaml.safe_load(NAMES.read_text(encoding="utf-8"))
    by_language = {}
    for language, rows in every.items():
        names = [name for name in rows if name != OTHER]
        glossary = Glossary(name="names", languages=(language,), labels=tuple(Label(topic=name) for name in names))
        asked = [(text, name) for name in names[half::2] for text in rows[name]]
        asked += [(text, OTHER) for text in rows[OTHER][half::2]]
        own = _asked(asked, glossary, language, encoder)
        by_language[language] = own["likeliest"]
        counts += own
    inside, outside = counts["inside"], counts["outside"]
    return {
        "likeliest": share(counts["likeliest"], inside),
        "likeliest_by_language": by_language,
        "right_and_given": share(counts["right"], inside),
        "wrong_and_given": share(counts["wrong"], inside),
        "left_without": share(counts["left"], outside),
    }


def _asked(asked: Sequence[tuple[str, str]], glossary: Glossary, language: str, encoder: EncoderChoice) -> Counter[str]:
    given = KeywordTopics((glossary,), TopicSettings(), encoder)
    every = {"min_confidence": 0.0, "keywords": {"min_margin": 0.0, "min_score": 0.0}}
    always = KeywordTopics((glossary,), TopicSettings.model_validate(every), encoder)
    counts: Counter[str] = Counter()
    for text, wanted in asked:
        call = dialogue_of("question", [("client", text)], every_s=4.0, language=language)
        topic, likeliest = given.classify(call, (glossary,))[0], always.classify(call, (glossary,))[0]
        if wanted == OTHER:
            counts["outside"] += 1
            counts["left"] += topic is None
            continue
        counts["inside"] += 1
        counts["likeliest"] += likeliest is not None and likeliest.topic == wanted
        counts["right"] += topic is not None and topic.topic == wanted
        counts["wrong"] += topic is not None and topic.topic != wanted
    return counts


def english_calls(encoder: EncoderChoice) -> dict[str, Any]:
    found = {}
    for name, path in (("developed", DEVELOPED), ("apart", APART)):
        with contextlib.redirect_stdout(io.StringIO()):
            found[name] = asked_figures(asked_calls(path), encoder)[0]
    return found


def moods(folder: Path, encoder: EncoderChoice) -> dict[str, Any]:
    engine = TrainedTextSentiment(str(folder), encoder=encoder)
    counts: Counter[str] = Counter()
    for line in labelled_lines(MOODS):
        [mood] = engine.predict([SpokenLine(text=line["text"], role=Role(line["role"]), before=None)])
        language = line["language"]
        counts[language] += mood.label.value in line["accept"]
        counts[f"{language} lines"] += 1
        if line["accept"] == ["neutral"]:
            counts["calm"] += 1
            counts["calm called negative"] += mood.label.value == "negative"
    languages = sorted(name for name in counts if len(name) == 2)
    return {
        "model": engine.model,
        "instead": engine.note,
        "by_language": {language: share(counts[language], counts[f"{language} lines"]) for language in languages},
        "calm_called_negative": share(counts["calm called negative"], counts["calm"]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("folder", type=Path, help="model.onnx and tokenizer.json")
    parser.add_argument("--prefix", default="", help="its encoder.prefix")
    parser.add_argument("--mood", type=Path, help="folder of a text model on this encoder")
    chosen = parser.parse_args(arguments)
    if not chosen.folder.is_dir():
        print(json.dumps({"skipped": f"{chosen.folder}: no such folder; docs/topics.md says how to make one"}))
        return
    encoder = open_encoder(another_encoder(chosen.folder, chosen.prefix))
    for half, name in enumerate(HALVES):
        for kind, serving in (("keywords", WITHOUT), ("this encoder", encoder)):
            print(f"{name} names, {kind}: {json.dumps(topics_of_names(serving, half))}")
    default = open_encoder(EncoderSettings(cached_texts=30_000))
    for kind, serving in (("keywords", WITHOUT), ("default encoder", default), ("this encoder", encoder)):
        print(f"English calls, {kind}: {json.dumps(english_calls(serving))}")
    if chosen.mood is not None:
        print(f"moods: {json.dumps(moods(chosen.mood, encoder))}")


if __name__ == "__main__":
    main()
