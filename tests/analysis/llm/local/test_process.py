"""The supervised process: time-outs, crashes, restarts, a model that cannot be built."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.llm.local.process import SupervisedProcess
from pipeline.errors import InvalidReply, ModelUnavailable, StageTimeout, WorkerCrashed
from tests.conftest import PROJECT


def build_obedient(greeting: str) -> Callable[[Any], Any]:
    """Does what the message says; runs in the process."""

    def obey(message: Any) -> Any:
        what, argument = message
        if what == "sleep":
            time.sleep(argument)
        elif what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "refuse":
            raise InvalidReply("not like this")
        elif what == "break":
            raise ZeroDivisionError("unforeseen")
        return f"{greeting} {argument} from {os.getpid()}"

    return obey


def build_impossible() -> Callable[[Any], Any]:
    raise ModelUnavailable("no weights in the folder")


def build_slowly() -> Callable[[Any], Any]:
    time.sleep(60)
    raise AssertionError


@pytest.fixture
def obedient() -> Any:
    process = SupervisedProcess("test", build_obedient, ("hello",), start_limit_s=60, restarts=2)
    yield process
    process.close()


def test_serves_from_one_process_of_its_own(obedient: SupervisedProcess) -> None:
    first = obedient.call(("greet", 1), 30)
    assert first == f"hello 1 from {obedient.pid}"
    assert obedient.pid != os.getpid()
    assert obedient.call(("greet", 2), 30) == f"hello 2 from {obedient.pid}"


def test_its_errors_come_over_by_type_and_leave_it_alive(obedient: SupervisedProcess) -> None:
    with pytest.raises(InvalidReply, match="not like this"):
        obedient.call(("refuse", 0), 30)
    before = obedient.pid
    with pytest.raises(WorkerCrashed, match="ZeroDivisionError"):
        obedient.call(("break", 0), 30)
    assert obedient.call(("greet", 3), 30).endswith(str(before))


def test_killed_over_time_then_restarted(obedient: SupervisedProcess) -> None:
    obedient.call(("greet", 1), 30)
    before = obedient.pid
    with pytest.raises(StageTimeout):
        obedient.call(("sleep", 60), 0.2)
    assert before is not None
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert not obedient.call(("greet", 2), 30).endswith(str(before))


def test_death_is_a_crash_and_restarts_are_counted(obedient: SupervisedProcess) -> None:
    for _ in range(3):
        with pytest.raises(WorkerCrashed, match="exit code -9"):
            obedient.call(("die", 0), 30)
    with pytest.raises(ModelUnavailable, match="too often"):
        obedient.call(("greet", 1), 30)


def test_an_answer_in_between_gives_the_restarts_back(obedient: SupervisedProcess) -> None:
    for _ in range(5):
        with pytest.raises(WorkerCrashed):
            obedient.call(("die", 0), 30)
        assert obedient.call(("greet", 1), 30)


def test_closed_is_closed(obedient: SupervisedProcess) -> None:
    obedient.call(("greet", 1), 30)
    obedient.close()
    obedient.close()
    with pytest.raises(ModelUnavailable, match="closed"):
        obedient.call(("greet", 1), 30)


ORPHAN = """
import sys
from analysis.llm.local.process import SupervisedProcess
from tests.analysis.llm.local.test_process import build_obedient
if __name__ == "__main__":
    process = SupervisedProcess("test", build_obedient, ("hello",), 60, 0)
    process.call(("greet", 1), 30)
    print(process.pid, flush=True)
    process.call(("sleep", 600), 600)
"""


def test_process_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    """Not even in the middle of a call."""
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    supervisor = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert supervisor.stdout is not None
    child = int(supervisor.stdout.readline())
    supervisor.kill()
    supervisor.wait(10)
    for _ in range(100):
        if not _lives(child):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {child} lives on")


def _lives(pid: int) -> bool:
    """A zombie (its new parent has not looked yet) is dead."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_what_cannot_be_built_is_said_once_and_remembered() -> None:
    process = SupervisedProcess("test", build_impossible, (), start_limit_s=60, restarts=5)
    with pytest.raises(ModelUnavailable, match="no weights") as first:
        process.call(1, 30)
    with pytest.raises(ModelUnavailable, match="no weights") as second:
        process.call(1, 30)
    assert process.pid is None
    assert second.value is first.value, "it must not be built again"


def test_start_has_a_limit() -> None:
    process = SupervisedProcess("test", build_slowly, (), start_limit_s=0.5, restarts=5)
    with pytest.raises(ModelUnavailable, match="not ready"):
        process.call(1, 30)
    process.close()
