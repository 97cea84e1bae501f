"""Training from labels to a folder the configuration can point to."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.model_folder import load_model
from analysis.records import Sentiment
from analysis.sentiment.acoustic import build_acoustic
from analysis.sentiment.as_numbers.file import read_numbers
from analysis.sentiment.as_numbers.voice import VoiceModel
from analysis.sentiment.fusion import build_fusion
from analysis.sentiment.lines import spoken_lines
from analysis.sentiment.steps import build_sentiment_steps
from analysis.sentiment.text_trained import TrainedTextSentiment
from analysis.training.judging.crossvalidation import PlainMaterial, cross_validate
from analysis.training.kinds.text import TEXT_RECIPES
from analysis.training.labelled.recordings import Samples
from analysis.training.open_set import rows_of
from analysis.training.task import TrainingRequest
from analysis.training.train import KINDS, TrainingOutcome
from commands.evaluate.sentiment import evaluation_text, run_evaluate_sentiment, sentiment_command
from commands.train.requests import LabelRequest, run_train, tell
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError, EarshotError
from pipeline.records import Role
from tests.analysis.encoder.conftest import real_encoder  # noqa: F401 - a fixture
from tests.analysis.sentiment.test_features import voice
from tests.pinned import assert_pinned

SAYINGS = {
    "negative": "This is awful, I am still waiting and nobody calls back about the {}.",
    "neutral": "I would like to ask about the {} please.",
    "positive": "Thank you so much, the {} is wonderful.",
}
THINGS = ("parcel", "bill", "phone", "card", "heating", "ticket")
PITCH_HZ = {"negative": 260, "neutral": 140, "positive": 200}
LEXICON = ("sentiment.text.engine=lexicon",)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six speakers, three recordings of each class, with words; pitch tells the classes apart."""
    import soundfile  # type: ignore[import-untyped]

    folder = tmp_path_factory.mktemp("labels")
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "text", "label", "group", "role", "topic"])
        for speaker, thing in enumerate(THINGS):
            for label, saying in SAYINGS.items():
                for take in range(3):
                    name = f"{speaker}_{label}_{take}.wav"
                    sound = voice(PITCH_HZ[label] * (1 + 0.02 * speaker), seed=take + 10 * speaker)
                    soundfile.write(folder / name, sound, 8_000)
                    role = "agent" if take == 2 else "client"
                    writer.writerow([name, saying.format(thing), label, f"s{speaker}", role, THINGS[take]])
    return folder / "labels.csv"


def request_for(labels: Path, tmp_path: Path, **more: object) -> LabelRequest:
    (tmp_path / "config.yaml").write_text("{}\n", encoding="utf-8")
    return LabelRequest(labels=labels, config=tmp_path / "config.yaml", **more)  # type: ignore[arg-type]


def trained(kind: str, labels: Path, tmp_path: Path, name: str, **more: object) -> TrainingOutcome:
    of_labels = {key: more.pop(key) for key in list(more) if key in LabelRequest.__slots__}
    return run_train(kind, request_for(labels, tmp_path, **of_labels), out=tmp_path / name, **{"folds": 3, **more})


@pytest.fixture(scope="module")
def voice_model(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    return trained("acoustic", labels, tmp_path_factory.mktemp("voice"), "voice", model="svm")


@pytest.fixture(scope="module")
def text_model(labels: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingOutcome:
    return trained("text", labels, tmp_path_factory.mktemp("text"), "t", model="plain")


@pytest.mark.parametrize(("kind", "model"), [("acoustic", "svm"), ("text", "plain")])
def test_same_input_same_model(
    request: pytest.FixtureRequest, labels: Path, tmp_path: Path, kind: str, model: str
) -> None:
    first = request.getfixturevalue("voice_model" if kind == "acoustic" else "text_model")
    second = trained(kind, labels, tmp_path, "again", model=model)
    assert (first.folder / "held_out.csv").read_bytes() == (second.folder / "held_out.csv").read_bytes()
    assert first.card.model_sha256 == second.card.model_sha256


def test_everything_that_is_told_of_a_training(
    text_model: TrainingOutcome, voice_model: TrainingOutcome, labels: Path, tmp_path: Path
) -> None:
    """Figures, card and report of a text model and a voice model of fifty-four items, and how engines in use do."""
    lines = []
    for outcome in (text_model, voice_model):
        card = asdict(outcome.card) | {"versions": None, "model_sha256": None}
        report = (outcome.folder / "report.html").read_text(encoding="utf-8")
        report = re.sub(r"base64,[^\"]+", "base64,", report.partition("<body>")[2])
        lines += [json.dumps(card, indent=1, default=str), str(outcome.scores), outcome.note, report]
    evaluation = run_evaluate_sentiment(request_for(labels, tmp_path, overrides=LEXICON))
    lines.append(evaluation_text(evaluation))
    told = re.sub(r"\d\.\d+e-\d+", "0.0", "\n".join(lines))
    told = re.sub(r"(\d\.\d{3})\d+|\b[0-9a-f]{32,}\b", r"\1", told)
    told = re.sub(r"<td>\d+\.\d+\.\d+</td>|20\d\d-\d\d-\d\d", "VARIES", told)
    assert_pinned("trained.txt", told.replace(str(labels.parent), "FOLDER"))


def test_acoustic_is_reported_and_usable(voice_model: TrainingOutcome) -> None:
    assert voice_model.scores.recall.value > 0.9
    assert voice_model.comparison is not None
    page = (voice_model.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert "http" not in page.split("<body>")[0]
    settings = SentimentSettings.model_validate({"acoustic": {"client_model": str(voice_model.folder)}})
    engine = build_acoustic(settings)
    assert engine is not None
    sound = np.repeat(voice(150, 3.0), 2)
    spans = [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]
    assert all(found for found, _ in engine.channel(sound, spans, Role.CLIENT))


def test_a_new_model_is_kept_as_numbers_too(voice_model: TrainingOutcome) -> None:
    numbers = read_numbers(voice_model.folder, voice_model.card.model_sha256)
    assert isinstance(numbers, VoiceModel)
    pipeline = load_model(voice_model.folder, kind="acoustic").pipeline
    rows = np.random.default_rng(0).standard_normal((20, len(voice_model.card.features)))
    assert np.allclose(numbers.predict_proba(rows), pipeline.predict_proba(rows), rtol=0, atol=1e-9)


def test_text_is_compared_with_the_model_in_use_and_usable(
    labels: Path, tmp_path: Path, text_model: TrainingOutcome
) -> None:
    assert text_model.comparison is not None
    assert "sklearn" in text_model.note
    engine = TrainedTextSentiment(str(text_model.folder))
    assert engine.predict(spoken_lines(["Thank you so much, wonderful!"]))[0].label.value == "positive"
    with pytest.raises(ConfigurationError, match="--overwrite"):
        trained("text", labels, text_model.folder.parent, "t", model="plain")
    # Labels were added and moved: what the model in use learned is known again.
    rows = labels.read_text(encoding="utf-8").splitlines()
    more = [row.replace("bill", "invoice").replace("_", "+") for row in rows[1:] if "the bill" in row]
    (tmp_path / "more.csv").write_text("\n".join([rows[0], *more, *reversed(rows[1:])]), encoding="utf-8")
    use = [f"sentiment.text.sklearn.client_model={text_model.folder}"]
    grown = trained("text", tmp_path / "more.csv", tmp_path, "v", overrides=use, model="plain")
    assert f"on 54 of {54 + len(more)} items by its own held-out answers" in grown.note


def test_topics_take_any_label(labels: Path, tmp_path: Path) -> None:
    outcome = trained("topics", labels, tmp_path, "topics")
    loaded = load_model(tmp_path / "topics", kind="topics")
    texts = rows_of(["Thank you so much, the bill is wonderful."], open_encoder(EncoderSettings()).encoder)
    rows = loaded.pipeline.predict_proba(texts)
    assert outcome.card.classes[int(loaded.pipeline.classes_[rows[0].argmax()])] == "positive"
    assert rows.sum() == pytest.approx(1.0)


def test_labels_that_are_told_apart_without_a_mistake_leave_room_for_doubt(
    tmp_path: Path,
    real_encoder: SentenceEncoder,  # noqa: F811
) -> None:
    """Where all held-out answers are right the temperature makes every share 1: texts about nothing got a topic."""
    things = {"parcel": "arrive", "invoice": "pay", "doctor": "visit", "password": "reset", "flight": "board"}
    days = ("today", "soon", "now", "early", "late", "here", "there", "again", "first", "next")
    with (tmp_path / "few.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow(("text", "label"))
        csv.writer(file).writerows(
            (f"when can i {verb} the {thing} {day}", thing) for thing, verb in things.items() for day in days
        )
    outcome = trained("topics", tmp_path / "few.csv", tmp_path, "few", model="encoder", folds=2, group_by="item")
    assert outcome.scores.recall.value == 1.0
    model = load_model(tmp_path / "few", kind="topics").pipeline
    assert model.untempered
    asked = rows_of(
        ["when can i pay the invoice", "a wild swan sings", "is the moon full", "what do ducks eat"], real_encoder
    )
    shares = model.predict_proba(asked)
    sure = model.confidences(asked, shares, shares.argmax(axis=1)) >= model.least
    assert sure.tolist() == [True, False, False, False]


def test_fusion_is_learned_from_held_out_answers(
    labels: Path, tmp_path: Path, voice_model: TrainingOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    use = (*LEXICON, f"sentiment.acoustic.client_model={voice_model.folder}")
    with pytest.raises(ConfigurationError, match="no held-out answers there"):
        trained("fusion", labels, tmp_path, "no", overrides=use, voice_held_out=labels)
    answers = voice_model.folder / "held_out.csv"
    outcome = trained("fusion", labels, tmp_path, "fusion", overrides=use, voice_held_out=answers)
    assert outcome.scores.recall.value > 0.9
    settings = SentimentSettings.model_validate(
        {
            "fusion": {
                "method": "learned",
                "agent_model": str(tmp_path / "fusion"),
                "client_model": str(tmp_path / "fusion"),
            }
        }
    )
    assert len(build_sentiment_steps(settings)) == 3
    tell(outcome)
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()[-2:]] == ["to use it", "to use it"]
    fusion = build_fusion(settings)
    assert fusion is not None
    assert fusion.identity().startswith("learned agent=")
    cross, glad = Sentiment(0.9, 0.08, 0.02), Sentiment(0.02, 0.08, 0.9)
    for role in (Role.AGENT, Role.CLIENT):
        assert fusion.join(cross, cross, role).label.value == "negative"
        assert fusion.join(glad, glad, role).label.value == "positive"
    fusion.close()
    assert fusion.join(glad, glad, Role.CLIENT).label.value == "positive"


def test_evaluation_says_when_fusion_does_not_help(labels: Path, tmp_path: Path) -> None:
    request = request_for(labels, tmp_path, overrides=LEXICON)
    evaluation = run_evaluate_sentiment(request)
    text = evaluation_text(evaluation)
    assert evaluation.both == evaluation.items == 54
    assert "Fusion does not help" in text
    assert all(name in text for name in ("words", "voice", "fused", "["))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("gone.wav,hi,neutral,a\n", "row 2: recording gone.wav is not there"),
        ("bad.wav,hi,neutral,a\n", "row 2"),
    ],
)
def test_recordings_that_cannot_be_read_are_named(tmp_path: Path, labels: Path, rows: str, message: str) -> None:
    (tmp_path / "bad.wav").write_bytes(b"this is no sound" * 100)
    good = "".join(
        f"{labels.parent}/{speaker}_{label}_{take}.wav,x,{label},s{speaker}\n"
        for speaker in range(6)
        for label in SAYINGS
        for take in range(3)
    )
    path = tmp_path / "l.csv"
    path.write_text("path,text,label,group\n" + rows + good, encoding="utf-8")
    with pytest.raises(EarshotError, match=message):
        trained("acoustic", path, tmp_path, "x", model="svm")


def test_every_recording_that_cannot_be_read_is_named_with_its_row(tmp_path: Path, labels: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"this is no sound" * 100)
    header, *rows = labels.read_text(encoding="utf-8").splitlines()
    bad = "bad.wav,x,neutral,s0,client,x"
    lines = [header, bad, *(f"{labels.parent}/{row}" for row in rows[:3]), bad, f"{labels.parent}/{rows[4]}", bad]
    path = tmp_path / "l.csv"
    path.write_text("\n".join([*lines, *(f"{labels.parent}/{row}" for row in rows[5:])]), encoding="utf-8")
    request = request_for(path, tmp_path)
    for ask in (lambda: run_evaluate_sentiment(request), lambda: run_train("acoustic", request, out=tmp_path / "x")):
        with pytest.raises(ConfigurationError, match="3 recordings cannot be read") as caught:
            ask()
        assert all(f"row {row}: " in str(caught.value) for row in (2, 6, 8))


def test_words_are_learned_without_the_recordings(tmp_path: Path, labels: Path) -> None:
    path = tmp_path / "far.csv"
    path.write_text(labels.read_text(encoding="utf-8"), encoding="utf-8")
    request = request_for(path, tmp_path)
    asked = TrainingRequest(labels=request.file(), out=tmp_path / "x", settings=Settings(), read_audio=not_read)
    assert len(KINDS["text"].prepare(asked, "cues", print).labels.items) == 54


def not_read(path: Path, channel: int | None) -> Samples:
    raise AssertionError(f"{path} was read")


def test_copies_of_a_recording_in_two_groups_are_refused(tmp_path: Path, labels: Path) -> None:
    shutil.copy(labels.parent / "0_neutral_0.wav", tmp_path / "copy.wav")
    rows = labels.read_text(encoding="utf-8").splitlines()
    rows = [rows[0], *(f"{labels.parent}/{row}" for row in rows[1:]), "copy.wav,x,neutral,s5,client,x"]
    (tmp_path / "l.csv").write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"row 56: the same sound is in group 's5' here and in 's0' in row"):
        trained("acoustic", tmp_path / "l.csv", tmp_path, "x", model="svm")


def test_a_model_in_use_that_no_longer_loads_does_not_stop_training(labels: Path, tmp_path: Path) -> None:
    gone = [f"sentiment.text.sklearn.client_model={tmp_path / 'gone'}"]
    outcome = trained("text", labels, tmp_path, "a", overrides=gone, model="plain", folds=2)
    assert outcome.comparison is None
    assert "no card.json there" in outcome.note


def test_a_model_is_not_judged_on_what_it_learned(labels: Path, tmp_path: Path, voice_model: TrainingOutcome) -> None:
    shutil.copytree(voice_model.folder, tmp_path / "voice")
    use = [*LEXICON, f"sentiment.acoustic.client_model={tmp_path / 'voice'}"]
    evaluation = run_evaluate_sentiment(request_for(labels, tmp_path, overrides=use))
    assert "acoustic: voice was trained on 36 of these items; its held-out answers are taken" in evaluation.notes
    (tmp_path / "voice" / "held_out.csv").unlink()
    with pytest.raises(ConfigurationError, match="trained on these very labels and keeps no held-out answers"):
        run_evaluate_sentiment(request_for(labels, tmp_path, overrides=use))


def test_a_class_of_one_group_is_refused_in_words() -> None:
    numbers = np.asarray([0, 0, 1, 0, 0, 0, 0, 0])
    material = PlainMaterial(
        np.asarray(["a"] * 8, dtype=object), numbers, ["g0", "g0", "g0", "g1", "g2", "g3", "g4", "g5"]
    )
    with pytest.raises(ConfigurationError, match="a class is in too few groups"):
        cross_validate(material, 2, TEXT_RECIPES["plain"], folds=None, seed=0)


def test_unknown_choices_name_the_others(labels: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="svm, forest"):
        trained("acoustic", labels, tmp_path, "x", model="boost")
    with pytest.raises(ConfigurationError, match="words, cues, plain"):
        trained("text", labels, tmp_path, "x", model="bert")
    with pytest.raises(ConfigurationError, match="written=meant"):
        trained("text", labels, tmp_path, "x", label_map=["anger"], model="cues")


def test_topics_are_compared_with_the_model_in_use(labels: Path, tmp_path: Path) -> None:
    trained("topics", labels, tmp_path, "first", model="plain", folds=2)
    use = [f"topics.trained.model_dir={tmp_path / 'first'}"]
    (tmp_path / "first" / "held_out.csv").unlink()
    other = tmp_path / "other.csv"
    other.write_text(labels.read_text(encoding="utf-8").replace(",neutral,", ",question,"), encoding="utf-8")
    second = trained("topics", other, tmp_path, "second", model="plain", overrides=use, folds=2)
    assert second.comparison is not None
    assert second.comparison.recall.value == pytest.approx(1 / 3), "it does not know one of three topics"


def test_figures_of_an_evaluation_are_told_for_machines_too(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    off = [*LEXICON, "sentiment.acoustic.engine=off"]
    sentiment_command(labels, config=request_for(labels, tmp_path).config, overrides=off, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["items"], told["voice"], told["words"]["items"]) == (54, None, 54)
    sentiment_command(labels, config=request_for(labels, tmp_path).config, overrides=off)
    shown = capsys.readouterr().out.splitlines()
    assert shown[2].split() == ["voice", "no", "values"]
    assert shown[1].split()[:3] == ["words", "54", "6"]
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("label,group\nneutral,a\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no row has words or a recording that could be judged"):
        sentiment_command(nothing, config=request_for(labels, tmp_path).config, overrides=off)
