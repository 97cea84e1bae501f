"""pyannote.audio through the real loading path, with a pipeline trained here on two hums."""

from __future__ import annotations

import hashlib
import itertools
import pathlib
import pickle
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.audio.vad.choice import choose_detector
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.areas.speech.diarisation import DiarisationSettings, PyannoteWeights
from pipeline.config.areas.speech.voice_activity import PyannoteDetectorSettings, VoiceActivitySettings
from pipeline.diarisation.choice import DIARISERS
from pipeline.diarisation.diariser import DiarisationGivenUp, Diariser, SpeakerTurn
from pipeline.errors import ModelUnavailable
from pipeline.records import FoundCall, PreparedCall
from pipeline.run.processes.preparer import PrepareTask, build_preparer
from tests.pipeline.audio.sounds import write
from tests.pipeline.diarisation import tiny

pytest.importorskip("pyannote.audio", reason="needs the extra `pyannote`")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

SPOKEN = ((0, 1.0, 3.5), (1, 4.5, 6.0), (0, 6.5, 8.0), (1, 8.0, 11.0))
"""Who hums from when to when, in seconds."""
LENGTH_S = 12.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    samples = tiny.pause(LENGTH_S)
    for speaker, start, end in SPOKEN:
        samples[round(start * tiny.RATE) : round(end * tiny.RATE)] = tiny.hum(speaker, end - start, 5)
    path = tmp_path_factory.mktemp("talk") / "0.f32"
    samples.astype("<f4").tofile(path)
    return path, len(samples)


def settings(folder: Path, **changes: Any) -> DiarisationSettings:
    return DiarisationSettings(pyannote=PyannoteWeights(model=str(folder), **changes))


@pytest.fixture(scope="module")
def diariser(folder: Path) -> Diariser:
    return DIARISERS["pyannote"](settings(folder))


def test_two_speakers_are_told_apart(diariser: Diariser, talk: tuple[Path, int]) -> None:
    turns = diariser.diarise(*talk, (), 120.0)
    assert all(turn.end_s > turn.start_s for turn in turns)
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(turns))
    for speaker, start, end in SPOKEN:
        middle = (start + end) / 2
        assert [turn.speaker for turn in turns if turn.start_s <= middle < turn.end_s] == [speaker]


def test_the_same_samples_give_the_same_turns(diariser: Diariser, talk: tuple[Path, int]) -> None:
    assert diariser.diarise(*talk, (), 120.0) == diariser.diarise(*talk, (), 120.0)


def test_nothing_is_reported_to_anybody(diariser: Diariser) -> None:
    from pyannote.audio.telemetry.metrics import is_metrics_enabled

    assert diariser.name == "pyannote"
    assert not is_metrics_enabled()


def test_samples_are_only_read(diariser: Diariser, talk: tuple[Path, int]) -> None:
    before = talk[0].read_bytes()
    diariser.diarise(*talk, (), 120.0)
    assert talk[0].read_bytes() == before


def test_an_empty_channel_has_no_turns(diariser: Diariser, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert diariser.diarise(tmp_path / "empty", 0, (), 10.0) == ()


def test_silence_has_no_turns(diariser: Diariser, tmp_path: Path) -> None:
    tiny.pause(6.0, 9).astype("<f4").tofile(tmp_path / "silence")
    assert diariser.diarise(tmp_path / "silence", 6 * tiny.RATE, (), 60.0) == ()


def test_it_is_given_up_when_it_takes_too_long(diariser: Diariser, talk: tuple[Path, int]) -> None:
    with pytest.raises(DiarisationGivenUp, match="time_limit_s"):
        diariser.diarise(*talk, (), -1.0)


# ------------------------------------------------------------------------------------------ bad weights


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.trace,)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_a_checkpoint_that_runs_code_is_refused(copy: Path, tmp_path: Path) -> None:
    import torch

    trace = tmp_path / "was_here"
    torch.save({"state_dict": {}, "x": Malicious(trace)}, copy / "embedding" / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match=r"it could run code.*diarisation\.pyannote\.trusted_sha256"):
        DIARISERS["pyannote"](settings(copy))
    assert not trace.exists()


def test_a_plain_pickle_that_runs_code_is_refused(copy: Path, tmp_path: Path) -> None:
    trace = tmp_path / "was_here"
    (copy / "segmentation" / "pytorch_model.bin").write_bytes(pickle.dumps(Malicious(trace)))
    with pytest.raises(ModelUnavailable, match="it could run code"):
        DIARISERS["pyannote"](settings(copy))
    assert not trace.exists()


def test_a_foreign_architecture_is_refused(copy: Path) -> None:
    import torch

    path = copy / "segmentation" / "pytorch_model.bin"
    checkpoint = torch.load(path, weights_only=False)
    checkpoint["pyannote.audio"]["architecture"]["module"] = "antigravity"
    torch.save(checkpoint, path)
    with pytest.raises(ModelUnavailable, match="foreign module antigravity"):
        DIARISERS["pyannote"](settings(copy))
    assert "antigravity" not in sys.modules


def test_a_checkpoint_with_more_than_weights_is_loaded_when_it_is_trusted(copy: Path) -> None:
    import torch

    path = copy / "segmentation" / "pytorch_model.bin"
    checkpoint = torch.load(path, weights_only=False)
    torch.save(checkpoint | {"trained_on": pathlib.PurePosixPath("/data")}, path)
    with pytest.raises(ModelUnavailable, match="it could run code"):
        DIARISERS["pyannote"](settings(copy))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest().upper()
    assert DIARISERS["pyannote"](settings(copy, trusted_sha256=(sha256,))).name == "pyannote"


def test_no_download_means_no_download() -> None:
    with pytest.raises(ModelUnavailable, match=r"diarisation\.pyannote\.allow_download is false"):
        DIARISERS["pyannote"](settings(Path("nobody/nothing"), revision="0" * 40, allow_download=False))


def damaged(copy: Path, name: str) -> None:
    path = copy / name
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda copy: damaged(copy, "segmentation/pytorch_model.bin"),
        lambda copy: damaged(copy, "plda/plda.npz"),
        lambda copy: (copy / "config.yaml").unlink(),
        lambda copy: (copy / "config.yaml").write_text("pipeline: [1"),
        lambda copy: (copy / "config.yaml").write_text("pipeline: {name: os.system, params: {}}"),
        lambda copy: shutil.rmtree(copy / "embedding"),
        lambda copy: (copy / "config.yaml").write_text(
            (copy / "config.yaml").read_text().replace("$model/plda", "pyannote/elsewhere")
        ),
    ],
    ids=["cut checkpoint", "cut plda", "no config", "broken config", "foreign pipeline", "no embedding", "outside"],
)
def test_weights_that_will_not_do_are_named(copy: Path, spoil: Any) -> None:
    spoil(copy)
    with pytest.raises(ModelUnavailable, match=str(copy)):
        DIARISERS["pyannote"](settings(copy))


def test_a_device_that_is_not_there_is_named(folder: Path) -> None:
    import torch

    absent = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(ModelUnavailable, match=absent):
        DIARISERS["pyannote"](settings(folder, device=absent))


# --------------------------------------------------------------------------------------- voice activity


def detector_settings(folder: Path, **changes: Any) -> VoiceActivitySettings:
    weights = PyannoteDetectorSettings(model=str(folder), **changes)
    return VoiceActivitySettings(detectors=("pyannote", "energy"), pyannote=weights)


def scores(settings: VoiceActivitySettings, samples: Any, blocks: list[int]) -> Any:
    stream = choose_detector(settings).detector.stream()
    given, start = [], 0
    for length in blocks:
        given.append(stream.push(samples[start : start + length]))
        start += length
    given.append(stream.push(samples[start:]))
    given.append(stream.finish())
    return np.concatenate(given)


def test_speech_is_where_somebody_hums(folder: Path, talk: tuple[Path, int]) -> None:
    samples = np.fromfile(talk[0], dtype="<f4")
    chosen = choose_detector(detector_settings(folder))
    assert (chosen.detector.name, chosen.passed_over) == ("pyannote", ())
    found = scores(detector_settings(folder), samples, [])
    moments = (np.arange(len(found)) + 0.5) * chosen.detector.step_samples / tiny.RATE
    assert len(found) == -(-len(samples) // chosen.detector.step_samples)
    assert found.min() >= 0
    assert found.max() <= 1
    for _, start, end in SPOKEN:
        assert found[(moments > start + 0.2) & (moments < end - 0.2)].min() > 0.5
    for start, end in ((0.0, 1.0), (3.5, 4.5), (11.0, 12.0)):
        assert found[(moments > start + 0.2) & (moments < end - 0.2)].max() < 0.5


@pytest.mark.parametrize("blocks", [[1], [100, 0, 31_999, 7], [16_000] * 11, [190_000]])
@pytest.mark.parametrize("share", [0.5, 1.0, 0.3])
def test_blocks_do_not_change_the_scores(folder: Path, talk: tuple[Path, int], blocks: list[int], share: float) -> None:
    samples = np.fromfile(talk[0], dtype="<f4")[:-77]
    of = detector_settings(folder, window_step_share=share)
    np.testing.assert_allclose(scores(of, samples, blocks), scores(of, samples, []), atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 31_999, 32_000, 32_001, 48_001])
def test_every_length_has_its_scores(folder: Path, talk: tuple[Path, int], length: int) -> None:
    samples = np.fromfile(talk[0], dtype="<f4")[:length]
    assert len(scores(detector_settings(folder), samples, [])) == -(-length // 320)


def test_the_next_detector_serves_where_the_weights_are_missing(tmp_path: Path) -> None:
    chosen = choose_detector(detector_settings(tmp_path))
    assert chosen.detector.name == "energy"
    assert "pytorch_model.bin missing" in chosen.passed_over[0]


def test_a_mono_recording_leaves_the_decoder_with_two_speakers(
    folder: Path, talk: tuple[Path, int], tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    path = write(calls / "a.wav", np.fromfile(talk[0], dtype="<f4"))
    found = FoundCall(
        source_uri=path.as_uri(),
        file_name=path.name,
        size_bytes=path.stat().st_size,
        modified_at=datetime(2026, 9, 14, tzinfo=UTC),
    )
    prepare = build_preparer(
        InputSettings(path=str(calls)),
        AudioSettings(),
        VoiceActivitySettings(detectors=("energy",), merge_silence_ms=1000.0),
        settings(folder),
    )
    answer = prepare(PrepareTask(found, tmp_path / "spool", 300.0))
    assert isinstance(answer, PreparedCall)
    assert "diarised" in answer.flags, answer.notes
    assert answer.timings_s["diarise"] > 0
    for speaker, start, end in SPOKEN:
        middle = (start + end) / 2
        mine = [s for c in answer.channels for s in c.segments if s.start_s <= middle < s.end_s]
        assert [segment.channel for segment in mine] == [speaker]


def test_turns_are_numbered_as_speakers_come() -> None:
    from pyannote.core import Annotation, Segment

    from pipeline.diarisation.pyannote import numbered

    annotation = Annotation()
    annotation[Segment(5, 7)] = "A"
    annotation[Segment(1, 3)] = "B"
    annotation[Segment(2, 4)] = "A"
    annotation[Segment(2.5, 2.9)] = "B"
    assert numbered(annotation) == (SpeakerTurn(1, 3, 0), SpeakerTurn(3, 4, 1), SpeakerTurn(5, 7, 1))
