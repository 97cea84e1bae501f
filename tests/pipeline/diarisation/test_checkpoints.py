"""What is looked at in a folder of weights before anything of it is loaded."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.config.areas.speech.diarisation import PyannoteWeights
from pipeline.diarisation.checkpoints import (
    _PIPELINE,
    _limit_threads,
    _read_config,
    check_checkpoints,
    choose_device,
    untrusted,
)
from pipeline.errors import ModelUnavailable
from tests.pipeline.transcription.engines.numpy_torch import machine


def test_what_could_run_code_is_looked_at_unless_its_owner_trusts_it(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("b.ckpt", "inner/a.bin", "c.pt", "config.yaml", "d.pth", "e.pkl", "f.npz"):
        (tmp_path / name).write_text(name)
    sha256 = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("b.ckpt", "inner/a.bin", "d.pth", "e.pkl")}
    trusted = (hashlib.sha256(b"c.pt").hexdigest().upper(), "0" * 64)
    assert list(untrusted(tmp_path, trusted).items()) == [(tmp_path / name, sha256[name]) for name in sorted(sha256)]


@pytest.mark.parametrize(
    ("wanted", "there", "device"),
    [
        ("auto", {}, "cpu"),
        ("auto", {"mps": True}, "cpu"),
        ("auto", {"cuda": True}, "cuda"),
        ("cpu", {"cuda": True}, "cpu"),
        ("mps", {"mps": True}, "mps"),
        ("mps", {"cuda": True}, None),
        ("cuda", {"mps": True}, None),
    ],
)
def test_the_device(wanted: str, there: dict[str, bool], device: str | None) -> None:
    if device is None:
        with pytest.raises(ModelUnavailable, match=f"device {wanted} is not there"):
            choose_device(machine(**there), wanted)
    else:
        assert choose_device(machine(**there), wanted) == device


@pytest.mark.parametrize(("threads", "told"), [(0, []), (3, [3])])
def test_torch_is_told_its_threads(threads: int, told: list[int]) -> None:
    torch = machine()
    _limit_threads(torch, PyannoteWeights(model="m", cpu_threads=threads))
    assert torch.threads == told


PARTS = {"segmentation": "$model/segmentation", "embedding": "$model/embedding", "plda": "$model/plda"}


@pytest.mark.parametrize(
    ("name", "params", "more", "told"),
    [
        ("pyannote.audio.pipelines.SpeakerDiarization", PARTS, {}, None),
        ("SpeakerDiarization", PARTS, {}, "pipeline SpeakerDiarization; only"),
        (_PIPELINE, PARTS, {"preprocessors": {}}, "only .* without preprocessors is loaded"),
        (_PIPELINE, {**PARTS, "plda": "someone/plda"}, {}, "yaml: plda must be given as"),
        (_PIPELINE, {"plda": "$model/plda"}, {}, "yaml: segmentation, embedding must be given as"),
        (_PIPELINE, {**PARTS, "plda": "$model/../plda"}, {}, "yaml: segmentation, embedding, plda must be given as"),
        (_PIPELINE, {**PARTS, "embedding": "$model/a@main"}, {}, "yaml: segmentation, embedding, plda must be given"),
    ],
)
def test_a_pipeline_that_needs_nothing_outside_its_folder(
    tmp_path: Path, name: str, params: dict[str, str], more: dict[str, object], told: str | None
) -> None:
    config = {"pipeline": {"name": name, "params": params}, **more}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    if told is None:
        assert _read_config(tmp_path) == config
    else:
        with pytest.raises(ModelUnavailable, match=told):
            _read_config(tmp_path)


@pytest.mark.parametrize("content", ["{}", "pipeline: 3", "pipeline: {name: x}", "{", None])
def test_what_is_no_configuration_of_a_pipeline(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(ModelUnavailable, match="not the configuration of a pyannote pipeline"):
        _read_config(tmp_path)


class RestrictedTorch:
    """`torch.load` reads tensors only where it is told to, and knows the types that are safe at that moment."""

    def __init__(self, architecture: str) -> None:
        self._architecture = architecture
        self._safe: list[str] = []
        self.torch_version = SimpleNamespace(TorchVersion="TorchVersion")
        self.serialization = SimpleNamespace(safe_globals=self._allowed)

    @contextmanager
    def _allowed(self, known: list[str]) -> Iterator[None]:
        self._safe = known
        yield
        self._safe = []

    def load(self, path: Path, map_location: str | None = None, weights_only: bool = False) -> object:
        assert (map_location, self._safe) == ("cpu", ["Problem", "Resolution", "Specifications", "TorchVersion"])
        if not weights_only:
            raise AssertionError("code of the file was run")
        if path.name == "evil.bin":
            raise pickle.UnpicklingError("posix.system is not allowed")
        return {"pyannote.audio": {"architecture": {"module": self._architecture}}}


@pytest.mark.parametrize(
    ("files", "architecture", "told"),
    [
        (["a.bin", "b.ckpt"], "pyannote.audio.models.segmentation", None),
        (["a.bin"], "pyannote.audio.modelsx", "foreign module pyannote.audio.modelsx"),
        (["a.bin"], "os", "foreign module os; only pyannote.audio.models"),
        (["a.bin", "evil.bin"], "pyannote.audio.models.x", "evil.bin: not a checkpoint .* it could run code"),
        (["evil.npz"], "os", None),
    ],
)
def test_a_checkpoint_is_read_without_running_anything_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], architecture: str, told: str | None
) -> None:
    known = SimpleNamespace(Problem="Problem", Resolution="Resolution", Specifications="Specifications")
    for package in ("pyannote", "pyannote.audio", "pyannote.audio.core", "pyannote.audio.core.task"):
        monkeypatch.setitem(sys.modules, package, known)
    monkeypatch.setitem(sys.modules, "torch", RestrictedTorch(architecture))
    for name in files:
        (tmp_path / name).write_text(name)
    if told is None:
        check_checkpoints(tmp_path, PyannoteWeights(model="m"), "diarisation.pyannote")
        return
    with pytest.raises(ModelUnavailable, match=told):
        check_checkpoints(tmp_path, PyannoteWeights(model="m"), "diarisation.pyannote")
    trusted = tuple(hashlib.sha256(name.encode()).hexdigest() for name in files)
    check_checkpoints(tmp_path, PyannoteWeights(model="m", trusted_sha256=trusted), "diarisation.pyannote")
