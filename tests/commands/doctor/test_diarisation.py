"""The doctor said nothing of diarisation."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.doctor.diarisation import diarisation
from commands.doctor.finding import State
from pipeline.config.areas.speech.diarisation import DiarisationSettings


def settings(engine: str, pyannote: Path | str, voices: Path | str) -> DiarisationSettings:
    weights = {"model": str(pyannote), "allow_download": False, "hub_timeout_s": 1}
    return DiarisationSettings.model_validate(
        {"engine": engine, "pyannote": weights, "voices": {"model": str(voices), "revision": None}}
    )


def here() -> bool:
    return True


def absent() -> bool:
    return False


@pytest.fixture
def pyannote(tmp_path: Path) -> Path:
    folder = tmp_path / "pyannote"
    folder.mkdir()
    (folder / "config.yaml").write_text("version: 4.0.0", encoding="utf-8")
    return folder


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    folder = tmp_path / "voices"
    folder.mkdir()
    (folder / "pretrained.pt").touch()
    return folder


def test_switched_off_and_not_installed_are_notes_that_say_what_follows(tmp_path: Path) -> None:
    off = diarisation(settings("none", tmp_path, tmp_path), here)
    missing = diarisation(settings("pyannote", tmp_path, tmp_path), absent)
    assert (off.state, missing.state) == (State.NOTE, State.NOTE)
    assert "not installed" in missing.detail
    assert all("one unknown speaker" in found.detail for found in (off, missing))


def test_weights_are_there_or_are_named_as_missing(tmp_path: Path, pyannote: Path) -> None:
    missing = diarisation(settings("pyannote", tmp_path / "nowhere", tmp_path), here)
    assert missing.state is State.WARNING
    there = diarisation(settings("pyannote", pyannote, tmp_path), here)
    assert (there.state, there.name) == (State.OK, "pyannote")
    assert str(pyannote) in there.detail


def test_the_choice_is_shown_and_what_would_be_better(tmp_path: Path, pyannote: Path, voices: Path) -> None:
    nowhere = tmp_path / "nowhere"
    plain = diarisation(settings("auto", nowhere, voices), absent)
    assert (plain.state, plain.name) == (State.OK, "voices")
    assert str(voices) in plain.detail
    assert "pip install -r requirements-pyannote.lock" in plain.detail
    unfetched = diarisation(settings("auto", nowhere, voices), here)
    assert (unfetched.state, unfetched.name) == (State.OK, "voices")
    assert "pyannote, the better choice, has no weights" in unfetched.detail
    best = diarisation(settings("auto", pyannote, nowhere), here)
    assert (best.state, best.name) == (State.OK, "pyannote")
    neither = diarisation(settings("auto", nowhere, nowhere), absent)
    assert neither.state is State.WARNING
    assert "one unknown speaker" in neither.detail
    assert diarisation(settings("voices", pyannote, voices), here).name == "voices"
