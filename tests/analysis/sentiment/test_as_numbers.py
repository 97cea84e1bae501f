"""The models that come with Earshot as numbers: current, equal in every answer, and read without what fitted them."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from analysis.model_folder import load_model, read_card, save_model
from analysis.sentiment.as_numbers.attention import AttentionModel
from analysis.sentiment.as_numbers.file import NUMBERS_FILE, load_for_answers, read_numbers, write_numbers
from analysis.sentiment.as_numbers.voice import VoiceModel
from analysis.sentiment.encoded_lines import HeardLine
from analysis.sentiment.shipped_models import FOLDER
from analysis.training.as_numbers import SHIPPED_FOLDERS, numbers_of
from tests.house import PROJECT

ODD_TEXTS = (
    *("", " ", "a", "I", "\u00a0x\u2003y", "Ünï çödé ’s @acme http://a.b/c 123!!!"),
    *("not good, but fine", "İ ŉ ß", "no no"),
)


@pytest.fixture(scope="module")
def pipelines() -> Mapping[str, Any]:
    return {folder.name: load_model(folder, kind=read_card(folder).kind).pipeline for folder in SHIPPED_FOLDERS}


def numbers(name: str) -> Any:
    found = read_numbers(FOLDER / name, read_card(FOLDER / name).model_sha256)
    assert found is not None
    return found


def heard(texts: Sequence[str], seed: int = 0) -> list[HeardLine]:
    """With vectors of nothing in particular, of 0 to 4 words; every third line answers nothing."""
    drawn = np.random.default_rng(seed).standard_normal((5, len(texts), 384)).astype(np.float32)
    return [
        HeardLine(text=text, agent=bool(row % 2), words=drawn[: row % 5, row], before=drawn[4, row] * (row % 3 > 0))
        for row, text in enumerate(texts)
    ]


def differs_by(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())


def service_lines() -> list[str]:
    with (FOLDER / "service_sentences.csv").open(encoding="utf-8") as file:
        return [row["text"] for row in csv.DictReader(file)] + list(ODD_TEXTS)


@pytest.mark.parametrize("folder", SHIPPED_FOLDERS, ids=lambda folder: folder.name)
def test_the_numbers_beside_a_model_are_its_own(folder: Path, pipelines: Mapping[str, Any], tmp_path: Path) -> None:
    """`python -m analysis.training.as_numbers` makes them anew."""
    sha256 = read_card(folder).model_sha256
    write_numbers(tmp_path, numbers_of(pipelines[folder.name]), sha256)
    with np.load(tmp_path / NUMBERS_FILE) as made, np.load(folder / NUMBERS_FILE) as shipped:
        assert set(made) == set(shipped)
        assert [name for name in made if not np.array_equal(made[name], shipped[name])] == []


def test_every_line_gets_the_same_answer(pipelines: Mapping[str, Any]) -> None:
    texts = service_lines()
    asked: dict[str, Any] = {"text": heard(texts), "text_cues": texts}
    for name, rows in asked.items():
        model = numbers(name)
        assert differs_by(model.predict_proba(rows), pipelines[name].predict_proba(rows)) < 1e-12
        assert np.array_equal(model.classes_, pipelines[name].classes_)


def test_every_voice_gets_the_same_answer(pipelines: Mapping[str, Any]) -> None:
    model = numbers("voice")
    assert isinstance(model, VoiceModel)
    drawn = np.random.default_rng(1).standard_normal((60, len(model.mean)))
    for spread in (0.3, 3.0, 100.0):
        rows = model.mean + drawn * spread * model.scale
        assert differs_by(model.predict_proba(rows), pipelines["voice"].predict_proba(rows)) < 1e-9


@settings(max_examples=40)
@given(texts=st.lists(st.text() | st.text("no't good, 1.!?_ "), min_size=1, max_size=3))
def test_any_text_gets_the_same_answer(pipelines: Mapping[str, Any], texts: list[str]) -> None:
    rows = heard(texts)
    assert differs_by(numbers_read().predict_proba(rows), pipelines["text"].predict_proba(rows)) < 1e-12


_READ: list[AttentionModel] = []


def numbers_read() -> AttentionModel:
    """The text model, read once."""
    if not _READ:
        found = numbers("text")
        assert isinstance(found, AttentionModel)
        _READ.append(found)
    return _READ[0]


def test_answers_need_neither_what_fitted_the_models_nor_what_stored_them() -> None:
    """skops imports every estimator of scikit-learn: of a short run's time a quarter went into that."""
    code = (
        "import sys; import numpy; from pathlib import Path\n"
        "from analysis.sentiment.as_numbers.file import load_for_answers\n"
        "from analysis.sentiment.text_trained import TrainedTextSentiment\n"
        "from analysis.sentiment.lines import spoken_lines\n"
        "from analysis.sentiment.shipped_models import FOLDER\n"
        "assert TrainedTextSentiment('shipped').predict(spoken_lines(['Thank you!']))\n"
        "load_for_answers(FOLDER / 'text', kind='text')\n"
        "load_for_answers(FOLDER / 'voice', kind='acoustic').pipeline.predict_proba(numpy.zeros((1, 155)))\n"
        "from analysis.sentiment.features import chunk_features\n"
        "chunk_features(numpy.sin(numpy.arange(16_000, dtype=numpy.float32)))\n"
        "heavy = {'sklearn', 'skops', 'scipy.stats', 'scipy.signal', 'pandas', 'pytest', 'librosa', 'numba'}\n"
        "assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _one_bit(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("change", [_cut, _one_bit, lambda _: b"", lambda _: None, lambda _: b"\x93NUMPY"])
def test_without_sound_numbers_the_model_itself_answers(
    change: Any, pipelines: Mapping[str, Any], tmp_path: Path
) -> None:
    """Models that users trained with earlier versions have none."""
    folder = shutil.copytree(FOLDER / "text_cues", tmp_path / "own")
    changed = change((folder / NUMBERS_FILE).read_bytes())
    (folder / NUMBERS_FILE).unlink() if changed is None else (folder / NUMBERS_FILE).write_bytes(changed)
    loaded = load_for_answers(folder, kind="text")
    assert type(loaded.pipeline) is type(pipelines["text_cues"])
    assert loaded.card is not None
    assert differs_by(loaded.pipeline.predict_proba(["Thanks!"]), numbers("text_cues").predict_proba(["Thanks!"])) == 0


def test_numbers_of_another_model_are_not_used(pipelines: Mapping[str, Any], tmp_path: Path) -> None:
    """A folder into which only the new model was copied."""
    folder = shutil.copytree(FOLDER / "text_cues", tmp_path / "own")
    shutil.copy(FOLDER / "text" / NUMBERS_FILE, folder)
    assert type(load_for_answers(folder, kind="text").pipeline) is type(pipelines["text_cues"])


def test_shapes_that_do_not_fit_are_no_model(tmp_path: Path) -> None:
    with np.load(FOLDER / "text_cues" / NUMBERS_FILE) as content:
        arrays = {**content, "coefficients": content["coefficients"][:, 1:]}
    np.savez(tmp_path / NUMBERS_FILE, allow_pickle=False, **arrays)
    assert read_numbers(tmp_path, read_card(FOLDER / "text_cues").model_sha256) is None


def test_a_pipeline_of_another_make_is_asked_as_it_is(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER / "voice", tmp_path / "own")
    model = make_pipeline(LogisticRegression()).fit([[0.0], [1.0], [2.0]], [0, 1, 2])
    card = save_model(folder, model, read_card(folder))
    write_numbers(folder, numbers_of(model), card.model_sha256)
    assert not (folder / NUMBERS_FILE).exists()
    assert load_for_answers(folder, kind="acoustic").pipeline.predict_proba([[0.0]]).shape == (1, 3)


@pytest.mark.parametrize(("name", "rows"), [("text", ["a text"]), ("text_cues", heard(["a line"]))])
def test_a_model_of_lines_is_not_asked_for_texts_and_the_reverse(name: str, rows: Any) -> None:
    with pytest.raises(TypeError, match="the model reads"):
        numbers(name).predict_proba(rows)
