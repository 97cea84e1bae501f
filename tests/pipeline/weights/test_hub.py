from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import ModelUnavailable
from pipeline.weights.content import content_revision
from pipeline.weights.hub import Hub, WeightsWanted
from tests.loopback import Loopback, Reply, Request, endless, json_reply

COMMIT = "a" * 40
FILES = {"config.json": b"{}", "model.bin": b"weights", "README.md": b"not asked for"}
STATED_SIZE = 250_000_000


class _FakeHub(Loopback):
    """As much of a model hub as fetching a snapshot takes. With `breaks` it drops the line amid the weights."""

    def __init__(self) -> None:
        self.breaks = False
        super().__init__(self._reply)

    @property
    def asked(self) -> list[str]:
        return [request.target for request in self.seen]

    def _reply(self, request: Request) -> Reply:
        path = request.target
        if path.startswith("/api/models/owner/endless"):
            return Reply(200, endless(piece=b" " * 1_000_000))
        if path.startswith(f"/api/models/owner/name/revision/{COMMIT}"):
            files = [{"rfilename": n, "size": STATED_SIZE if n == "model.bin" else len(c)} for n, c in FILES.items()]
            return json_reply({"id": "owner/name", "sha": COMMIT, "siblings": files})
        if path.startswith(f"/api/models/owner/name/tree/{COMMIT}"):
            return json_reply([{"type": "file", "path": n, "size": len(c), "oid": "0" * 40} for n, c in FILES.items()])
        if (name := path.rpartition("/")[2]) in FILES and "/resolve/" in path:
            content = FILES[name]
            about = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
            if self.breaks and name == "model.bin" and request.method == "GET":
                return Reply(200, content[:3], about, missing_bytes=len(content) - 3, resets=True)
            return Reply(200, content, about)
        if "/owner/gated/" in path:
            return Reply(403, headers={"X-Error-Code": "GatedRepo"})
        known = "/owner/name/" in path
        return Reply(404, headers={"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"})


@pytest.fixture
def hub_server() -> Iterator[_FakeHub]:
    with _FakeHub() as server:
        yield server


def _hub(server: _FakeHub, cache: Path, allow: bool = True) -> Hub:
    return Hub(allow_download=allow, timeout_s=5, endpoint=server.url, cache_dir=cache)


def _wanted(model: str = "owner/name", revision: str | None = COMMIT) -> WeightsWanted:
    return WeightsWanted(
        model=model,
        revision=revision,
        patterns=("*.json", "*.bin"),
        required=("config.json", "model.bin"),
        setting="transcription.x.model",
    )


def test_a_hub_that_talks_without_end_is_cut_off(hub_server: _FakeHub, tmp_path: Path) -> None:
    hub = Hub(allow_download=True, timeout_s=60, endpoint=_hub(hub_server, tmp_path).endpoint, cache_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match="longer than 32,000,000 bytes"):
        hub.find(_wanted("owner/endless"))


def test_a_pinned_snapshot_is_fetched_its_size_stated_first_and_found_on_disk_afterwards(
    hub_server: _FakeHub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = _hub(hub_server, tmp_path).find(_wanted())
    assert "0.25 GB" in caplog.text
    assert found.revision == COMMIT
    assert (found.folder / "model.bin").read_bytes() == b"weights"
    assert not (found.folder / "README.md").exists()
    asked = len(hub_server.asked)
    assert _hub(hub_server, tmp_path, allow=False).find(_wanted()).folder == found.folder
    assert len(hub_server.asked) == asked


@pytest.mark.parametrize(
    ("model", "revision", "told"),
    [
        ("owner/name", "b" * 40, "no such revision"),
        ("owner/other", COMMIT, "no such repository"),
        ("owner/gated", COMMIT, "asks for an account"),
        ("owner/na me", COMMIT, "no such repository"),
        ("owner/name", None, "no revision is pinned"),
        ("./nowhere", None, "no such folder"),
        ("just-a-name", COMMIT, "no such folder"),
    ],
)
def test_what_cannot_be_found_is_said_with_a_remedy(
    hub_server: _FakeHub, tmp_path: Path, model: str, revision: str | None, told: str
) -> None:
    with pytest.raises(ModelUnavailable, match=told) as raised:
        _hub(hub_server, tmp_path).find(_wanted(model, revision))
    assert "transcription.x.model" in str(raised.value)


def test_downloads_switched_off(hub_server: _FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="allow_download is false"):
        _hub(hub_server, tmp_path, allow=False).find(_wanted())
    assert hub_server.asked == []


def test_a_folder_is_used_as_it_is_and_its_revision_changes_with_its_content(tmp_path: Path) -> None:
    hub = Hub(allow_download=False, timeout_s=1)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match=r"model\.bin missing"):
        hub.find(_wanted(str(tmp_path)))
    (tmp_path / "model.bin").write_bytes(b"one")
    first = hub.find(_wanted(str(tmp_path)))
    assert first.folder == tmp_path
    assert first.revision == content_revision(tmp_path, ("*.json", "*.bin"))
    (tmp_path / "model.bin").write_bytes(b"two")
    assert hub.find(_wanted(str(tmp_path))).revision != first.revision


def test_a_download_whose_line_drops_leaves_the_run_to_the_next_engine(hub_server: _FakeHub, tmp_path: Path) -> None:
    """The client raises errors of its HTTP library, which are neither OSError, RuntimeError nor ValueError."""
    hub_server.breaks = True
    with pytest.raises(ModelUnavailable, match=r"broke off \(.*point transcription\.x\.model") as told:
        _hub(hub_server, tmp_path).find(_wanted())
    assert not isinstance(told.value.__cause__, OSError | RuntimeError | ValueError)


def test_a_snapshot_that_lost_a_file_is_fetched_again(hub_server: _FakeHub, tmp_path: Path) -> None:
    first = _hub(hub_server, tmp_path).find(_wanted())
    (first.folder / "model.bin").unlink()
    again = _hub(hub_server, tmp_path).find(_wanted())
    assert again.source == "hub"
    assert (again.folder / "model.bin").read_bytes() == b"weights"


def test_a_hub_that_another_engine_found_silent_is_not_asked(hub_server: _FakeHub, tmp_path: Path) -> None:
    hub = _hub(hub_server, tmp_path)
    hub.found_silent()
    with pytest.raises(ModelUnavailable, match="no answer in 5 s, asked by another engine"):
        hub.find(_wanted())
    assert hub_server.asked == []


def test_a_name_no_repository_can_have_is_not_taken_for_silence_of_the_hub(
    hub_server: _FakeHub, tmp_path: Path
) -> None:
    hub = _hub(hub_server, tmp_path)
    with pytest.raises(ModelUnavailable, match="no such repository"):
        hub.find(_wanted("owner/na me"))
    assert hub.find(_wanted()).revision == COMMIT


def _unreadable_file(folder: Path) -> str:
    (folder / "config.json").write_text("{}")
    (folder / "model.bin").symlink_to("/proc/self/mem")  # reading its first byte fails, for root too
    return str(folder)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(
            _unreadable_file, marks=pytest.mark.skipif(sys.platform != "linux", reason="no /proc"), id="a file"
        ),
        pytest.param(lambda folder: str(folder / ("x" * 300)), id="the folder's name"),
        pytest.param(lambda _: "x" * 300 + "/name", id="a repository's name as a folder's"),
        pytest.param(lambda _: "~nobody-of-this-name/weights", id="the home"),
    ],
)
def test_what_the_system_will_not_read_is_said_with_a_remedy(tmp_path: Path, model: Callable[[Path], str]) -> None:
    with pytest.raises(ModelUnavailable, match=r"cannot be read .*point transcription\.x\.model"):
        Hub(allow_download=False, timeout_s=1).find(_wanted(model(tmp_path)))


@pytest.fixture
def deaf_hub() -> Iterator[str]:
    """An address whose packets are dropped: its queue of connections is full, so that no further SYN is answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as held:
        address = server.getsockname()
        for _ in range(8):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        with socket.socket() as one_more:
            one_more.settimeout(0.3)
            if one_more.connect_ex(address) == 0:
                pytest.skip("this system's queue of connections does not fill up")
        yield f"http://127.0.0.1:{address[1]}"


def test_a_hub_behind_a_wall_that_drops_packets_is_given_up_in_time(deaf_hub: str, tmp_path: Path) -> None:
    hub = Hub(allow_download=True, timeout_s=0.5, endpoint=deaf_hub, cache_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match=r"hub unreachable .*point transcription\.x\.model") as told:
        hub.find(_wanted())
    assert "0.5 s" in str(told.value) or "time" in str(told.value).lower()
    with pytest.raises(ModelUnavailable, match="hub unreachable"):
        hub.find(_wanted("owner/another"))


def test_a_copy_with_another_patience_knows_that_the_hub_is_silent(tmp_path: Path) -> None:
    hub = Hub(allow_download=True, timeout_s=5, endpoint="http://127.0.0.1:1", cache_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match="hub unreachable"):
        replace(hub, timeout_s=0.5).find(_wanted())
    with socket.create_server(("127.0.0.1", 0)) as server:
        hub.endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        server.setblocking(False)
        with pytest.raises(ModelUnavailable, match="hub unreachable"):
            hub.find(_wanted("owner/another"))
        with pytest.raises(BlockingIOError):  # nobody knocked
            server.accept()
