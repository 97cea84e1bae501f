"""The doctor said nothing of diarisation."""

from __future__ import annotations

from pathlib import Path

from commands.doctor.diarisation import diarisation
from commands.doctor.finding import State
from pipeline.config.areas.speech.diarisation import DiarisationSettings


def settings(model: Path | str, engine: str = "pyannote") -> DiarisationSettings:
    return DiarisationSettings.model_validate(
        {"engine": engine, "pyannote": {"model": str(model), "allow_download": False, "hub_timeout_s": 1}}
    )


def installed(_package: str) -> object:
    return object()


def absent(_package: str) -> None:
    return None


def test_switched_off_and_not_installed_are_notes_that_say_what_follows(tmp_path: Path) -> None:
    off = diarisation(settings(tmp_path, "none"), installed)
    missing = diarisation(settings(tmp_path), absent)
    assert (off.state, missing.state) == (State.NOTE, State.NOTE)
    assert "not installed" in missing.detail
    assert all("one unknown speaker" in found.detail for found in (off, missing))


def test_weights_are_there_or_are_named_as_missing(tmp_path: Path) -> None:
    missing = diarisation(settings(tmp_path / "nowhere"), installed)
    assert missing.state is State.WARNING
    (tmp_path / "config.yaml").write_text("version: 4.0.0", encoding="utf-8")
    there = diarisation(settings(tmp_path), installed)
    assert there.state is State.OK
    assert str(tmp_path) in there.detail
