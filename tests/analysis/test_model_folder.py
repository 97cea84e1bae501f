"""Models on disk: ours load; pickles, other features and other versions are refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from analysis.model_folder import (
    ModelCard,
    card_text,
    check_model,
    library_versions,
    load_model,
    save_model,
    shown_value,
)
from pipeline.errors import ModelUnavailable, UntrustedModel
from pipeline.hashes import sha256_of

FEATURES = ("a", "b")


class Bomb:
    """Runs code when unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path("/tmp/earshot-bomb").touch, ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = make_pipeline(LogisticRegression()).fit([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]], [0, 1, 2])
    card = ModelCard(
        kind="acoustic",
        title="t",
        classes=("negative", "neutral", "positive"),
        features=FEATURES,
        feature_version="1",
        versions=library_versions(),
        data={},
        figures={},
    )
    save_model(tmp_path / "m", model, card)
    return tmp_path / "m"


def _edit(folder: Path, **changes: Any) -> None:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, **changes}), encoding="utf-8")


def _load(path: Path, **more: Any) -> Any:
    wanted: dict[str, Any] = {"kind": "acoustic", "features": FEATURES, "feature_version": "1", **more}
    return load_model(path, **wanted)


def test_a_saved_model_loads_and_answers(folder: Path) -> None:
    loaded = _load(folder)
    assert loaded.pipeline.predict_proba([[0.0, 0.0]]).shape == (1, 3)
    assert loaded.card is not None
    assert "- numpy" in (folder / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        ({}, {"features": ("a", "c")}, "trained with other features"),
        ({}, {"feature_version": "2"}, "features of version 1, this is 2"),
        ({}, {"kind": "text"}, "holds a model for acoustic, wanted one for text"),
        ({"versions": {"scikit-learn": "0.24.1"}}, {}, "trained with scikit-learn 0.24.1, but .* is installed"),
        ({"versions": {"scikit-learn": "1.0.2"}}, {}, "trained with scikit-learn 1.0.2, but .* is installed"),
        ({"unknown": 1}, {}, "not a model card"),
    ],
)
def test_what_does_not_fit_is_refused(
    folder: Path, changes: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    _edit(folder, **changes)
    with pytest.raises(ModelUnavailable, match=message):
        _load(folder, **more)


def test_missing_pieces_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no card\.json"):
        check_model(tmp_path / "nowhere", kind="text")
    (folder / "model.skops").unlink()
    with pytest.raises(ModelUnavailable, match="missing"):
        _load(folder)


def test_a_pickle_posing_as_a_model_is_not_loaded(folder: Path) -> None:
    mark = Path("/tmp/earshot-bomb")
    mark.unlink(missing_ok=True)
    (folder / "model.skops").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UntrustedModel, match="not a skops file"):
        _load(folder)
    assert not mark.exists()


def test_a_changed_model_is_refused(folder: Path) -> None:
    with (folder / "model.skops").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UntrustedModel, match="SHA-256"):
        _load(folder)


def test_a_skops_file_with_other_types_is_refused(folder: Path) -> None:
    import skops.io

    skops.io.dump({"x": pytest.approx}, folder / "model.skops")
    _edit(folder, model_sha256=sha256_of(folder / "model.skops"))
    with pytest.raises((UntrustedModel, ModelUnavailable)):
        _load(folder)


def test_joblib_files_load_only_when_named_as_trusted(tmp_path: Path) -> None:
    path = tmp_path / "old.joblib"
    joblib.dump(LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0]], ["negative", "positive"]), path)
    with pytest.raises(UntrustedModel, match="trusted_models"):
        _load(path)
    for entry in (str(path), sha256_of(path)):
        assert _load(path, trusted=(entry,)).card is None
    with pytest.raises(ModelUnavailable, match="wants 2 features"):
        _load(path, trusted=(str(path),), features=("a", "b", "c"))
    with pytest.raises(UntrustedModel):
        _load(path, trusted=(str(tmp_path / "other.joblib"), "0" * 64))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.1235"),
        (2.0, "2"),
        (3, "3"),
        ("some words", "some words"),
        (None, "None"),
        (True, "True"),
        ([0.5, "a", (1, 2)], "0.5, a, 1, 2"),
        ({"low": 0.25, "by": {"b": [1]}}, "low 0.25, by b 1"),
        ([], ""),
    ],
)
def test_a_cards_values_are_shown_without_brackets(value: Any, shown: str) -> None:
    assert shown_value(value) == shown


def test_a_card_tells_people_all_that_it_holds() -> None:
    card = ModelCard(
        kind="acoustic", title="A title", classes=("negative", "neutral"), features=FEATURES, feature_version="7",
        versions={"numpy": "2.1"}, data={"calls": 12}, figures={"recall": 0.81234, "averages": {"x": 1}},
        options={"seed": 0}, limits=("English only",),
    )  # fmt: skip
    told = card_text(card)
    assert told.splitlines()[:3] == ["# A title", "", "Kind: acoustic. Classes: negative, neutral."]
    parts = [line for line in told.splitlines() if line.startswith(("## ", "- ")) or line.startswith("2, version")]
    assert parts == [
        "## Data", "- calls: 12", "## Figures", "- recall: 0.8123", "## Options", "- seed: 0",
        "## Limits", "- English only", "## Features", "2, version 7: a, b", "## Versions", "- numpy 2.1",
    ]  # fmt: skip
    assert told.endswith(f"SHA-256 of model.skops: {card.model_sha256}\n")
    assert "## Limits" not in card_text(replace(card, limits=()))
