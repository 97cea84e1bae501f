"""Tasks elsewhere: their files brought in pieces and sent back, or left in place where both sides see them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import AudioUndecodable, OutputUnavailable, StageTimeout, WorkerCrashed
from pipeline.records import ChannelAudio, FoundCall, PreparedCall, Role
from pipeline.run.context import ChildBuild
from pipeline.run.executors.ray_cluster.errand import Errands, Terms
from pipeline.run.executors.ray_cluster.host import Host
from pipeline.run.executors.ray_cluster.travel import at_hand
from pipeline.run.processes.analyser import AnalyseTask, CallToAnalyse, DescribeTask
from pipeline.run.processes.preparer import PrepareTask
from pipeline.version import code_digest
from tests.analysis.calls import call
from tests.pipeline.run.planted import build_worker, planted_call

PIECE = 1_000


def _nobody(*_arguments: Any) -> Any:
    raise AssertionError("no worker is opened here")


class HostsDepot:
    """`Depot` of a worker on another machine: the paths that begin with `there` are its own, and lie elsewhere."""

    def __init__(self, there: Path, really: Path) -> None:
        self._host = Host(_nobody, _nobody, "")
        self._there = there
        self._really = really
        self.pieces: list[int] = []

    def _path(self, path: Path) -> Path:
        return self._really / path.relative_to(self._there)

    def read(self, path: Path, offset: int, most: int) -> bytes:
        done, content = self._host.read_piece(self._path(path), offset, most)
        assert done, content
        self.pieces.append(len(content))
        return bytes(content)

    def write(self, path: Path, offset: int, content: bytes) -> None:
        done, error = self._host.write_piece(self._path(path), offset, content)
        assert done, error
        self.pieces.append(len(content))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder of the worker, as it is called there; no such folder is here."""
    return tmp_path / "far" / "spool"


@pytest.fixture
def depot(there: Path, tmp_path: Path) -> HostsDepot:
    really = tmp_path / "machine_of_the_worker"
    really.mkdir()
    return HostsDepot(there, really)


def found_call() -> FoundCall:
    return FoundCall(
        source_uri="file:///calls/a.wav",
        file_name="a.wav",
        size_bytes=1,
        modified_at=datetime(2026, 9, 14, tzinfo=UTC),
    )


def prepared(spool: Path, samples: np.ndarray) -> PreparedCall:
    """As a decoder leaves it: two speakers of one channel, one file."""
    path = spool / "channel_0.f32"
    samples.astype("<f4").tofile(path)
    made = planted_call("a.wav", path)
    return replace(made, channels=(made.channels[0], replace(made.channels[0], channel=1)))


SAMPLES = np.random.default_rng(3).uniform(-1, 1, 1_234).astype(np.float32)


def test_what_is_decoded_elsewhere_arrives_in_pieces_and_nothing_of_it_stays(
    tmp_path: Path, there: Path, depot: HostsDepot
) -> None:
    (tmp_path / "machine_of_the_worker" / "c1").mkdir()
    (tmp_path / "machine_of_the_worker" / "a.ogg").write_bytes(b"o" * 2_500)
    task = PrepareTask(found_call(), there / "c1", local_paths=(there / "a.ogg",))
    with at_hand(task, tmp_path / "here", depot, PIECE) as ready:
        assert ready.task.local_paths[0].read_bytes() == b"o" * 2_500
        assert ready.task.spool != task.spool
        call_made = ready.send(prepared(ready.task.spool, SAMPLES))
    first, second = call_made.channels
    assert first.samples_path == second.samples_path
    assert first.samples_path.parent == task.spool
    arrived = tmp_path / "machine_of_the_worker" / first.samples_path.relative_to(there)
    np.testing.assert_array_equal(np.fromfile(arrived, dtype="<f4"), SAMPLES)
    assert depot.pieces == [1_000, 1_000, 500, 0, 1_000, 1_000, 1_000, 1_000, 936]
    assert list((tmp_path / "here").iterdir()) == []


def test_two_attempts_write_different_files(tmp_path: Path, there: Path, depot: HostsDepot) -> None:
    """The first may be on a machine that is believed lost, and still write."""
    (tmp_path / "machine_of_the_worker" / "c1").mkdir()
    names = set()
    for _ in range(2):
        with at_hand(PrepareTask(found_call(), there / "c1"), tmp_path / "here", depot, PIECE) as ready:
            names.add(ready.send(prepared(ready.task.spool, SAMPLES)).channels[0].samples_path)
    assert len(names) == 2


def test_what_both_sides_see_is_read_and_written_in_place(tmp_path: Path, depot: HostsDepot) -> None:
    spool, recording = tmp_path / "c1", tmp_path / "a.ogg"
    spool.mkdir()
    recording.write_bytes(b"o")
    task = PrepareTask(found_call(), spool, local_paths=(recording,))
    with at_hand(task, tmp_path / "here", depot, PIECE) as ready:
        assert ready.task == task
        made = prepared(spool, SAMPLES)
        assert ready.send(made) is made
    assert depot.pieces == []
    assert recording.exists()
    assert not (tmp_path / "here").exists()


def test_an_analysis_elsewhere_reads_the_samples_of_its_calls(tmp_path: Path, there: Path, depot: HostsDepot) -> None:
    SAMPLES.tofile(tmp_path / "machine_of_the_worker" / "channel_0.f32")
    audio = ChannelAudio(
        channel=0, role=Role.CLIENT, samples_path=there / "channel_0.f32", samples=len(SAMPLES)
    )  # fmt: skip
    item = CallToAnalyse(
        call=replace(call(("client", "hello")), audio=(audio, replace(audio, channel=1))), wanted=None, earlier={}
    )
    with at_hand(AnalyseTask((item,)), tmp_path / "here", depot, PIECE) as ready:
        one, two = ready.task.calls[0].call.audio
        assert one.samples_path == two.samples_path
        np.testing.assert_array_equal(np.fromfile(one.samples_path, dtype="<f4"), SAMPLES)
        assert ready.send("an answer") == "an answer"
    assert not one.samples_path.exists()


def test_questions_without_files_pass_as_they_are(tmp_path: Path, depot: HostsDepot) -> None:
    with at_hand(DescribeTask(), tmp_path / "here", depot) as ready:
        assert ready.task == DescribeTask()


@pytest.fixture
def errands(tmp_path: Path) -> Iterator[Errands]:
    before, opened = os.getcwd(), Errands()
    yield opened
    opened.close()
    os.chdir(before)


class Settled:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def terms(tmp_path: Path, **others: Any) -> Terms:
    standard: dict[str, Any] = {
        "name": "decoder",
        "child": ChildBuild(build_worker, ("near",)),
        "limit_key": "run.prepare_timeout_s",
        "settle": Settled(),
        "folder": tmp_path,
        "spool": tmp_path / "spool",
        "code": code_digest(),
    }
    return Terms(**{**standard, **others})


def test_a_process_of_ray_answers_many_tasks_with_one_of_its_own(
    errands: Errands, tmp_path: Path, depot: HostsDepot
) -> None:
    settled, asked = Settled(), []

    def the_terms() -> Terms:
        asked.append(1)
        return terms(tmp_path, settle=settled)

    pids = {errands.answer("decoder", the_terms, "pid", 10, depot) for _ in range(2)}
    other = errands.answer("analysis", the_terms, "pid", 10, depot)
    assert len(pids) == 1
    assert other not in pids
    assert (len(asked), settled.times) == (2, 1)


HARM = {
    "undecodable": (10, AudioUndecodable, "no decoder"),
    "crash": (10, WorkerCrashed, "exit code 7"),
    "hang": (0.2, StageTimeout, "run.prepare_timeout_s"),
}


@pytest.mark.parametrize("task", HARM)
def test_what_a_recording_does_to_a_decoder_is_told_as_on_the_workers_machine(
    task: str, errands: Errands, tmp_path: Path, depot: HostsDepot
) -> None:
    limit_s, error, said = HARM[task]
    with pytest.raises(error, match=said):
        errands.answer("decoder", lambda: terms(tmp_path), task, limit_s, depot)
    assert errands.answer("decoder", lambda: terms(tmp_path), "next", 10, depot) == "near:next"


def test_a_machine_with_other_code_answers_nothing(errands: Errands, tmp_path: Path, depot: HostsDepot) -> None:
    with pytest.raises(WorkerCrashed, match=r"another version of Earshot's code .* install the same one"):
        errands.answer("decoder", lambda: terms(tmp_path, code="other"), "next", 10, depot)


def test_a_machine_without_earshot_in_its_folder_says_so(errands: Errands, tmp_path: Path, depot: HostsDepot) -> None:
    with pytest.raises(OutputUnavailable, match=r"ray.folder must name it"):
        errands.answer("decoder", lambda: terms(tmp_path, folder=tmp_path / "nowhere"), "next", 10, depot)


def test_a_piece_for_a_call_that_was_given_up_is_refused(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "gone", ignore_errors=True)
    done, error = Host(_nobody, _nobody, "").write_piece(tmp_path / "gone" / "channel_0.f32", 0, b"x")
    assert not done
    assert "spool folder" in str(error)
