"""What a Ray actor answers while its worker is built, works, is stopped and ends."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from pipeline.errors import ModelUnavailable
from pipeline.run.executors.ray_cluster.host import Greeting, Host, News
from pipeline.run.executors.ray_cluster.process import like_an_own_process
from pipeline.run.joined_worker import JoinedWorker
from pipeline.version import code_digest


class Worker:
    """In place of a JoinedWorker."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.signals = self
        self.in_hand = 3
        self.figures = "figures"
        self.said: list[object] = []
        self._tell = tell

    def load_recogniser(self) -> str:
        self._tell("the second recogniser serves")
        return "identity"

    def work(self, *, stays: bool) -> None:
        self.said.append(("work", stays))
        if self.in_hand == 0:
            raise ModelUnavailable("no weights")

    def stop(self, reason: str) -> None:
        self.said.append(("stop", reason))


class Opening:
    """Opens one worker; `hired` is who decodes and analyses for it."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.hired: object = None
        self.closed = 0

    @contextmanager
    def __call__(self, tell: Callable[[str], None], hire: object) -> Iterator[tuple[JoinedWorker, str]]:
        self.worker, self.hired = Worker(tell), hire
        yield cast("JoinedWorker", self.worker), "host/1"
        self.closed += 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Earshot; the test stands in another one."""
    (tmp_path / "earshot").mkdir()
    (tmp_path / "ray").mkdir()
    monkeypatch.chdir(tmp_path / "ray")
    return tmp_path / "earshot"


def hire(*_: Any) -> Any:
    raise AssertionError("nobody is hired here")


def test_a_worker_greets_works_and_ends_with_its_figures(folder: Path) -> None:
    opening = Opening()
    host = Host(opening, hire, str(folder))
    assert host.greet() == (True, Greeting(name="host/1", host=socket.gethostname(), code=code_digest()))
    assert Path.cwd() == folder
    assert opening.hired is hire
    assert opening.worker is not None
    assert host.news() == (True, News(in_hand=3))
    assert host.identify() == (True, "identity")
    assert host.news() == (True, News(in_hand=3, notices=("the second recogniser serves",)))
    assert host.news() == (True, News(in_hand=3)), "a notice is told once"
    host.stop("it is late")
    assert opening.closed == 0
    assert host.work() == (True, "figures")
    assert opening.worker.said == [("stop", "it is late"), ("work", False)]
    assert opening.closed == 1


def test_a_worker_that_fails_is_closed_and_says_why(folder: Path) -> None:
    opening = Opening()
    host = Host(opening, hire, str(folder))
    host.greet()
    assert opening.worker is not None
    opening.worker.in_hand = 0
    done, error = host.work()
    assert (done, type(error), str(error), opening.closed) == (False, ModelUnavailable, "no weights", 1)


def test_nothing_is_asked_before_the_greeting(folder: Path) -> None:
    host = Host(Opening(), hire, str(folder))
    host.stop("it is late")
    done, error = host.identify()
    assert not done
    assert "AssertionError" in str(error)


def test_where_the_folder_is_missing_the_greeting_says_so(folder: Path) -> None:
    done, error = Host(Opening(), hire, str(folder / "other")).greet()
    assert not done
    assert str(error).startswith(f"{socket.gethostname()}: {folder / 'other'}: No such file or directory; ")


def test_a_file_is_read_and_written_in_pieces(tmp_path: Path) -> None:
    host, path = Host(Opening(), hire, ""), tmp_path / "spool.f32"
    for offset, content in ((0, b"first"), (5, b"second"), (2, b"RST")):
        assert host.write_piece(path, offset, content) == (True, None)
    assert path.read_bytes() == b"fiRSTsecond"
    assert [host.read_piece(path, offset, 4)[1] for offset in (0, 4, 8, 11)] == [b"fiRS", b"Tsec", b"ond", b""]
    assert host.write_piece(path, 0, b"anew") == (True, None)
    assert path.read_bytes() == b"anew"
    assert host.read_piece(tmp_path / "nowhere", 0, 4)[0] is False


@pytest.mark.parametrize(("main", "stays"), [("/lib/ray/workers/default_worker.py", False), ("/earshot/run.py", True)])
def test_children_do_not_load_the_main_module_of_ray(
    folder: Path, monkeypatch: pytest.MonkeyPatch, main: str, stays: bool
) -> None:
    module = ModuleType("__main__")  # a process of pytest-xdist has none with a file to put back
    module.__file__ = main
    monkeypatch.setitem(sys.modules, "__main__", module)
    like_an_own_process(folder)
    assert (getattr(module, "__file__", None) == main) is stays
