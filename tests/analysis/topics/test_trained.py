"""`topics.method: trained`: a folder that `run.py train topics` wrote, named in the configuration."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from analysis.records import Topic
from analysis.steps import build_language_steps
from commands.train.requests import TrainRequest, run_train
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.records import CustomerSegment, StepResult, StepState
from tests.analysis.calls import call

ROOT = Path(__file__).resolve().parents[3]
SAID = {
    "Billing > Wrong amount": ("my bill is wrong", "the invoice is too high", "you charged me twice this month"),
    "Cards > Lost or stolen": ("I lost my card", "my card was stolen", "block my card please it is gone"),
    "Something else": ("what is the weather", "do you sell umbrellas", "is it raining at your place"),
}
PLACES = ("today", "in town", "again", "since Monday", "please help", "at home", "on the train", "I think")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained as the command does it, on labels written as the glossary writes them, and one the glossary lacks."""
    place = tmp_path_factory.mktemp("trained")
    with (place / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(
            (f"{text} {where}", label) for label, texts in SAID.items() for text in texts for where in PLACES
        )
    out = place / "model"
    run_train("topics", TrainRequest(labels=place / "labels.csv", out=out, group_by="item", folds=3))
    return out


def settings(folder: Path | None, **more: object) -> Settings:
    glossary = {name: str(ROOT / "glossaries" / f"{name}.yaml") for name in ("b2b", "b2c")}
    trained = {"model_dir": None if folder is None else str(folder), **more}
    return Settings.model_validate({"glossary": glossary, "topics": {"method": "trained", "trained": trained}})


def ask(chosen: Settings, text: str, segment: CustomerSegment | None = CustomerSegment.B2C, **more: str) -> StepResult:
    step = next(step for step in build_language_steps(chosen, None) if step.name == "topic")
    return step.run([call(("client", text), ("agent", "I lost my card, too"), segment=segment, **more)], [{}])[0]


def test_the_trained_label_comes_with_its_probability(folder: Path) -> None:
    result = ask(settings(folder), "hello, my invoice is wrong, it is too high")
    assert isinstance(result.payload, Topic)
    assert (result.payload.topic, result.payload.subtopic) == ("Billing", "Wrong amount")
    assert result.payload.confidence is not None
    assert 0.3 < result.payload.confidence <= 1
    assert (result.payload.catalogue, result.provider) == ("b2c", "trained")


@pytest.mark.parametrize(
    ("text", "segment", "language", "told"),
    [
        ("I lost my card", CustomerSegment.B2B, "en", "knows no label of this call's catalogue|likely enough"),
        ("ich habe meine Karte verloren", CustomerSegment.B2C, "de", "knows en, this call is in de"),
        ("...", CustomerSegment.B2C, "en", "nobody speaks"),
    ],
)
def test_no_label_is_none_with_the_reason(
    folder: Path, text: str, segment: CustomerSegment, language: str, told: str
) -> None:
    chosen = settings(folder)
    step = next(step for step in build_language_steps(chosen, None) if step.name == "topic")
    result = step.run([call(("client", text), segment=segment, language=language)], [{}])[0]
    assert (result.state, result.payload) == (StepState.MISSING, None)
    assert any(part in (result.reason or "") for part in told.split("|")), result.reason


def test_a_class_outside_the_glossary_is_never_given(folder: Path) -> None:
    result = ask(settings(folder, min_confidence=0.0), "do you sell umbrellas, is it raining, what is the weather")
    assert isinstance(result.payload, Topic)
    assert result.payload.topic != "Something else"
    unsure = ask(settings(folder, min_confidence=0.5), "do you sell umbrellas, is it raining, what is the weather")
    assert unsure.state is StepState.MISSING
    assert "likely enough" in (unsure.reason or "")


def test_another_model_is_another_fingerprint(folder: Path, tmp_path: Path) -> None:
    one = call(("client", "hello"))
    trained = next(step for step in build_language_steps(settings(folder), None) if step.name == "topic")
    by_words = Settings.model_validate({**settings(folder).model_dump(), "topics": {"method": "keywords"}})
    keywords = next(step for step in build_language_steps(by_words, None) if step.name == "topic")
    assert trained.fingerprint(one) != keywords.fingerprint(one)


def test_a_model_of_other_labels_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("topics:\n  - topic: Gardening\n    keywords: [rose]\n", encoding="utf-8")
    glossary = {"b2b": None, "b2c": str(other)}
    chosen = Settings.model_validate({**settings(folder).model_dump(mode="json"), "glossary": glossary})
    with pytest.raises(ConfigurationError, match="write labels as `topic > subtopic`"):
        build_language_steps(chosen, None)
    with pytest.raises(ValueError, match="model_dir is null"):
        settings(None)
