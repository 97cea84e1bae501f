"""`topics.method: trained`: a folder that `run.py train topics` wrote, named in the configuration."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from analysis.encoder.choice import open_encoder
from analysis.model_folder import read_card
from analysis.records import Topic
from analysis.steps import build_language_steps
from analysis.training.open_set import SHARE_LEFT, fit_weights
from commands.train.requests import LabelRequest, run_train
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from pipeline.ports import AnalysisStep
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
    run_train("topics", LabelRequest(labels=place / "labels.csv", group_by="item"), out=out, folds=3, model="plain")
    return out


def settings(folder: Path | None, **more: object) -> Settings:
    glossary = {name: str(ROOT / "glossaries" / f"{name}.yaml") for name in ("b2b", "b2c")}
    trained = {"model_dir": None if folder is None else str(folder), **more}
    return Settings.model_validate({"glossary": glossary, "topics": {"method": "trained", "trained": trained}})


def topic_step(chosen: Settings) -> AnalysisStep:
    return next(
        step for step in build_language_steps(chosen, None, open_encoder(chosen.encoder)) if step.name == "topic"
    )


def ask(chosen: Settings, text: str, segment: CustomerSegment | None = CustomerSegment.B2C, **more: str) -> StepResult:
    step = topic_step(chosen)
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
    step = topic_step(chosen)
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
    trained = topic_step(settings(folder))
    by_words = Settings.model_validate({**settings(folder).model_dump(), "topics": {"method": "keywords"}})
    keywords = topic_step(by_words)
    assert trained.fingerprint(one) != keywords.fingerprint(one)


def test_a_model_of_other_labels_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("topics:\n  - topic: Gardening\n    keywords: [rose]\n", encoding="utf-8")
    glossary = {"b2b": None, "b2c": str(other)}
    chosen = Settings.model_validate({**settings(folder).model_dump(mode="json"), "glossary": glossary})
    with pytest.raises(ConfigurationError, match="write labels as `topic > subtopic`"):
        topic_step(chosen)
    with pytest.raises(ValueError, match="model_dir is null"):
        settings(None)


UNKNOWN = ("sing songs", "zoo animals", "tall towers", "cats sleep")
"""Words alone tell nothing of a text whose words the model has met in every class."""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight labels of the shipped glossary, trained on words alone."""
    said = {
        "Billing > Wrong amount": ("the invoice is too high", "you charged me twice"),
        "Billing > Refund": ("when is my money back", "I wait for the refund"),
        "Cards > Lost or stolen": ("I lost my card", "my card was stolen"),
        "Delivery > Late or missing": ("the parcel is late", "the package never came"),
        "Account > Balance": ("what is the balance", "how much is in the account"),
        "Account > Password and login": ("I forgot the password", "the login fails"),
        "Internet and phone > Outage": ("the internet is down", "no connection here"),
        "Cancellation": ("I cancel the contract", "end the subscription"),
    }
    place = tmp_path_factory.mktemp("wide")
    with (place / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(
            (f"{text} {where}", label) for label, texts in said.items() for text in texts for where in PLACES
        )
    out = place / "model"
    run_train("topics", LabelRequest(labels=place / "labels.csv", group_by="item"), out=out, folds=3, model="plain")
    return out


def test_a_trained_model_leaves_without_a_topic_what_it_was_not_trained_on(wide: Path) -> None:
    assert [ask(settings(wide), text).payload for text in UNKNOWN] == [None] * len(UNKNOWN)
    known = ask(settings(wide), "hello, I forgot the password")
    assert isinstance(known.payload, Topic)
    assert (known.payload.topic, known.payload.subtopic) == ("Account", "Password and login")
    assert known.payload.confidence is not None
    assert known.payload.confidence > 0.5


def test_the_card_says_how_many_are_answered_at_that_confidence(wide: Path) -> None:
    figures = read_card(wide).figures
    assert 0 < figures["least_confidence"] < 1
    assert figures["answered"] > 0.5
    assert figures["right_where_answered"] > 0.9


def test_a_recording_has_no_topic_by_a_trained_model_either(wide: Path) -> None:
    step = topic_step(settings(wide))
    menu = call(("agent", "If you lost your card, press one. If you forgot the password, press two."))
    result = step.run([menu], [{}])[0]
    assert (result.payload, result.reason) == (None, "there is nothing but a recorded menu")


def test_the_weights_leave_enough_of_the_withheld() -> None:
    rng = np.random.default_rng(3)
    known, withheld = rng.normal(1.0, 1.0, (400, 2)), rng.normal(-1.0, 1.0, (300, 2))
    weights, least = fit_weights(known, np.ones(400, dtype=bool), withheld)
    assert weights.shape == (3,)
    confidence = 1 / (1 + np.exp(-(withheld @ weights[:-1] + weights[-1])))
    assert float((confidence < least).mean()) == pytest.approx(SHARE_LEFT, abs=0.01)
