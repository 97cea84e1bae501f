from __future__ import annotations

from pathlib import Path

import pytest

from commands.doctor.finding import State
from commands.doctor.weights import SIZES, weights
from pipeline.config.root import Settings
from pipeline.weights import packages
from pipeline.weights.hub import Hub
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import MINILM, WHISPER_BASE


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path / "models"))
    return Hub(allow_download=False, timeout_s=1, cache_dir=tmp_path / "cache")


def whisper(model: str, revision: str = "b" * 40) -> Settings:
    options = {"model": model, "revision": revision}
    return Settings.model_validate(
        {"transcription": {"engines": "faster_whisper", "faster_whisper": options}, "encoder": {"engine": "off"}}
    )


def files(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "model.bin", "tokenizer.json"):
        (folder / name).write_text("{}")
    return folder


def test_the_weights_used_are_named_with_where_they_come_from(tmp_path: Path, hub: Hub) -> None:
    (found,) = weights(whisper(str(files(tmp_path / "own"))), hub)
    assert found.state is State.OK
    assert f"from a folder ({tmp_path / 'own'})" in found.detail
    assert found.figures is not None
    assert found.figures["source"] == "folder"
    assert str(found.figures["revision"]).startswith("sha256-")


def test_what_a_larger_model_costs_is_said(tmp_path: Path, hub: Hub) -> None:
    files(tmp_path / "cache" / "models--Systran--faster-whisper-small" / "snapshots" / ("b" * 40))
    used, better = weights(whisper("Systran/faster-whisper-small"), hub)
    assert "from the hub's cache" in used.detail
    assert "--model medium (1.53 GB to fetch, about 3 times the arithmetic)" in better.detail
    assert "--model base" not in better.detail
    assert better.state is State.NOTE


def test_absent_weights_are_told_with_the_packages_that_carry_them(hub: Hub) -> None:
    missing = ["part-one", "part-two"]
    (found,) = weights(whisper("owner/name"), hub, lambda row: missing)
    assert "part-one" not in found.detail
    settings = whisper(WHISPER_BASE.model, "c" * 40)
    (found,) = weights(settings, hub, lambda row: missing)
    assert "part-one" not in found.detail  # another commit is in no package
    assert found.state is State.NOTE
    if missing_packages(WHISPER_BASE):
        (found,) = weights(whisper(WHISPER_BASE.model, WHISPER_BASE.revision), hub, lambda row: missing)
        assert "part-one, part-two carries them (0.15 GB): make setup" in found.detail


def test_every_size_that_is_named_can_be_given_to_model() -> None:
    from pipeline.config.model_choice import settings_of_model

    for size in SIZES:
        assert f"faster-whisper-{size.name}" in str(settings_of_model(size.name))


def test_the_sentence_encoder_is_named_or_the_packages_that_carry_it(hub: Hub) -> None:
    settings = Settings.model_validate({"transcription": {"engines": "sphinx"}})
    hub.pack = lambda _: None
    (found,) = weights(settings, hub, lambda row: ["part-one"])
    assert (found.name, found.state) == ("encoder", State.NOTE)
    assert "part-one carries them (0.02 GB): make setup" in found.detail
    hub.pack = packages.joined
    if not missing_packages(MINILM):
        (found,) = weights(settings, hub)
        assert (found.name, found.state) == ("encoder", State.OK)
        assert MINILM.model in found.detail
