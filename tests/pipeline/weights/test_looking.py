"""A hub that only looks: an engine's load ends as soon as its weights are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import WeightsWanted
from pipeline.weights.looking import LookingHub, WeightsAbsent, WeightsSeen


def wanted(model: str, revision: str | None = None) -> WeightsWanted:
    return WeightsWanted(
        model=model, revision=revision, patterns=("*",), required=("model.bin",), setting="transcription.x.model"
    )


def test_weights_on_disk_are_told_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no weights at all")
    with pytest.raises(WeightsSeen, match=str(tmp_path)) as seen:
        LookingHub(allow_download=False, timeout_s=1).find(wanted(str(tmp_path)))
    assert (seen.value.found.folder, seen.value.found.source) == (tmp_path, "folder")


def test_absent_weights_name_the_repository_that_was_asked_for(tmp_path: Path) -> None:
    hub = LookingHub(allow_download=False, timeout_s=1, cache_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match="allow_download is false") as absent:
        hub.find(wanted("owner/name", "a" * 40))
    cause = absent.value.__cause__
    assert isinstance(cause, WeightsAbsent)
    assert (cause.model, cause.revision) == ("owner/name", "a" * 40)
