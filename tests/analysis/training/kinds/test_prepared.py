"""What each kind of training learns from and with, told as a whole and kept; and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.sentiment.encoded_lines import encode_lines, hear_lines
from analysis.sentiment.lines import SpokenLine
from analysis.training.judging.crossvalidation import Recipe
from analysis.training.kinds.acoustic import ACOUSTIC_RECIPES
from analysis.training.kinds.fusion import FUSION_RECIPE
from analysis.training.kinds.text import TEXT_RECIPES
from analysis.training.kinds.topics import RECIPES as TOPIC_RECIPES
from analysis.training.labelled.labels import LabelFile
from analysis.training.open_set import rows_of
from analysis.training.task import Task, TrainingRequest
from analysis.training.train import KINDS
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.records import Role
from tests.analysis.encoder.conftest import HashEncoder, real_encoder
from tests.analysis.training.test_training import not_read
from tests.pinned import assert_pinned

__all__ = ["real_encoder"]

SAID = (
    ("negative", "this is awful and i am still waiting", "Shall I look into it?"),
    ("neutral", "i would like to ask about the bill", ""),
    ("positive", "thank you so much, that is wonderful", "It is done."),
    ("negative", "not good", "How was it?"),
    ("neutral", "the number is on the letter", "Do you have it?"),
    ("positive", "great, i am happy now", ""),
)
RECIPES: Mapping[str, Recipe] = {
    **{f"text {name}": recipe for name, recipe in TEXT_RECIPES.items()},
    **{f"topics {name}": recipe for name, recipe in TOPIC_RECIPES.items()},
    **{f"acoustic {name}": recipe for name, recipe in ACOUSTIC_RECIPES.items()},
    "fusion": FUSION_RECIPE,
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_and_what_its_model_answers(name: str) -> None:
    """Figures are those of 24 lines: they say that something changed, and nothing of how good it is."""
    recipe = RECIPES[name]
    values = rows_for(name)
    labels = np.asarray([("negative", "neutral", "positive").index(SAID[row % 6][0]) for row in range(24)])
    lines = [f"{recipe.name}: {recipe.calibration} {recipe.balanced} {recipe.inner_folds} {recipe.select_by}"]
    for choice in recipe.choices:
        model = recipe.build(choice, 3)
        lines += [str(dict(choice)), re.sub(r" at 0x[0-9a-f]+", "", model.__repr__(N_CHAR_MAX=100_000))]
        model.fit(values, labels)
        if hasattr(model, "predict_proba"):
            lines += [" ".join(f"{share:.2f}" for share in row) for row in model.predict_proba(values[:6])]
        else:
            lines.append(str(model.predict(values[:6]).tolist()))
    assert_pinned(f"recipe_{name.replace(' ', '_')}.txt", "\n".join(lines))


def rows_for(name: str) -> Any:
    if name.startswith(("acoustic", "fusion")):
        return np.random.default_rng(5).standard_normal((24, 6)) + np.arange(24)[:, None] % 3
    texts = [f"{SAID[row % 6][1]} {row % 4}" for row in range(24)]
    if name in ("text encoder", "text vectors"):
        lines = [SpokenLine(text=text, role=(Role.AGENT, Role.CLIENT)[row % 2]) for row, text in enumerate(texts)]
        reads = hear_lines if name == "text encoder" else encode_lines
        return np.asarray([*reads(lines, HashEncoder()), None], dtype=object)[:-1]
    return rows_of(texts, HashEncoder() if name == "topics encoder" else None)


def request(folder: Path, *settings: tuple[str, Any], **more: Any) -> TrainingRequest:
    rows = [
        f'"{text} {number}",{label},s{number % 6},client,"{before}"'
        for number in range(12)
        for label, text, before in SAID
    ]
    (folder / "labels.csv").write_text("\n".join(["text,label,group,role,before", *rows]), encoding="utf-8")
    return TrainingRequest(
        labels=LabelFile(folder / "labels.csv"),
        out=folder / "out",
        settings=Settings.model_validate({"sentiment": {"text": {"engine": "lexicon"}}, **dict(settings)}),
        read_audio=not_read,
        **more,
    )


@pytest.mark.parametrize(
    ("kind", "model"),
    [("text", model) for model in KINDS["text"].models] + [("topics", model) for model in KINDS["topics"].models],
)
@pytest.mark.usefixtures("real_encoder")
def test_what_is_prepared(kind: str, model: str, tmp_path: Path) -> None:
    (tmp_path / "talk.csv").write_text("text,role\n" + "so the line is open,agent\nyes,\n" * 4, encoding="utf-8")
    neutral = {"neutral": tmp_path / "talk.csv", "neutral_items": 5} if model in ("encoder", "vectors") else {}
    said: list[str] = []
    task = KINDS[kind].prepare(request(tmp_path, **(neutral if kind == "text" else {})), model, said.append)
    assert_pinned(f"task_{kind}_{model}.txt", "\n".join([*said, *told(task)]))


def told(task: Task) -> Iterator[str]:
    for name in ("kind", "title", "classes", "features", "feature_version", "config_keys", "limits", "options", "data"):
        yield f"{name}: {getattr(task, name)}"
    yield f"recipe {task.recipe.name}; libraries {task.libraries}; in use {task.in_use_folder}"
    rows = np.arange(0, len(task.material.labels), 2)
    values, labels, groups = task.material.fitting(rows)
    yield f"{len(values)} rows to learn, classes {np.bincount(labels).tolist()}, groups {sorted(set(groups))}"
    yield str([getattr(value, "text", value) for value in task.material.inputs(rows, rows)[:4]])
    if task.in_use is not None:
        name, answers = task.in_use
        yield name
        yield from (" ".join(f"{share:.3f}" for share in row) for row in answers()[:6])


@pytest.mark.parametrize(
    ("kind", "model", "more", "refused"),
    [
        ("text", "words", {"languages": ("en", "fr")}, "--model words: knows English only"),
        ("text", "encoder", {"languages": ("fr",)}, "--model encoder: knows English only"),
        ("text", "vectors", {"languages": ("en", "xx")}, "the sentence encoder does not know xx"),
        ("text", "plain", {"neutral": Path("talk.csv")}, "--neutral: for --model encoder and vectors only, not plain"),
        ("topics", "encoder", {"languages": ("en", "xx")}, "--model encoder: the sentence encoder does not know xx"),
    ],
)
@pytest.mark.usefixtures("real_encoder")
def test_what_is_refused(kind: str, model: str, more: dict[str, Any], refused: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(refused)):
        KINDS[kind].prepare(request(tmp_path, **more), model, print)


def test_without_an_encoder_topics_are_learned_from_words_and_sentiment_is_refused(tmp_path: Path) -> None:
    off = ("encoder", {"engine": "off"})
    said: list[str] = []
    task = KINDS["topics"].prepare(request(tmp_path, off), "auto", said.append)
    assert (task.features, task.recipe) == (("text",), TOPIC_RECIPES["plain"])
    (told,) = said
    assert told.startswith("on words alone: ")
    with pytest.raises(ConfigurationError, match="--model vectors: needs a sentence encoder: "):
        KINDS["text"].prepare(request(tmp_path, off), "vectors", print)
