"""Erasures through a real server that is never idle: its recogniser is held in the middle of a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from bench.materials.recordings import RATE_HZ, sample_speech, write_wav
from commands.app import app
from db.embedded.server import EmbeddedServer
from tests.commands.served import Served, served
from tests.databases import TEMPLATE, fresh_database

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def busy(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("busy")
    for url in fresh_database(server, TEMPLATE):
        held = ["transcription.scripted.hang_on=[under-way.wav,c-88.wav]",
                f"transcription.scripted.hang_while={folder / 'held'}"]  # fmt: skip
        with served(folder, url, held) as one:
            yield one


@contextmanager
def held(busy: Served, job: str) -> Iterator[None]:
    """The job's call is with the recogniser, and stays there."""
    (busy.folder / "held").touch()
    busy.at_stage(job, "recognise")
    yield
    (busy.folder / "held").unlink()


def recording(busy: Served, seconds: float, first: float = 0.0) -> bytes:
    sound = sample_speech(60.0)[int(first * RATE_HZ) :][: int(seconds * RATE_HZ)]
    return write_wav(busy.folder / "made.wav", sound).read_bytes()


def purge(busy: Served, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["db", "purge", *arguments, "--yes", "--config", str(busy.config)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def test_a_call_is_erased_while_another_is_worked_on(busy: Served) -> None:
    """A service that was never idle answered 409 for ever."""
    finished = busy.ended(busy.submit(recording(busy, 4.0), "finished.wav"))
    under_way = busy.submit(recording(busy, 4.0, 8.0), "under-way.wav")
    with held(busy, under_way):
        answer = busy.client.delete(f"{finished['links']['call']}?recording=true")
        assert answer.status_code == 200, answer.text
        assert busy.told(under_way)["state"] == "queued", "the other call was not waited for"
        assert busy.client.get(finished["links"]["call"]).status_code == 404
        assert not [path for path in busy.files() if "finished" in path.name]
    assert busy.ended(under_way)["state"] == "done", "nor harmed"


def test_a_call_that_is_worked_on_leaves_nothing_but_its_mark(busy: Served) -> None:
    """`db purge` beside a worker that has the call: what the worker makes of it comes too late."""
    marks = busy.rows("SELECT count(*) FROM tombstones")[0][0]
    calls = busy.rows("SELECT count(*) FROM calls")
    content = recording(busy, 4.0, 16.0)
    job = busy.submit(content, "c-88.wav", metadata='{"customer": "C-88"}')
    with held(busy, job):
        assert "erased: 1 recording" in purge(busy, "--customer", "C-88", "--with-audio")
        assert busy.client.get(job).status_code == 404
    after = busy.ended(busy.submit(recording(busy, 4.0, 24.0), "after.wav"))
    assert after["state"] == "done", "the worker goes on; one recogniser: it is done with the erased call"
    assert busy.rows("SELECT count(*) FROM calls") == [(calls[0][0] + 1,)]
    assert busy.rows("SELECT count(*) FROM finished_segments") == [(0,)]
    assert busy.rows("SELECT count(*) FROM transcripts t WHERE NOT EXISTS (SELECT FROM calls c "
                     "WHERE c.transcript_fingerprint = t.fingerprint)") == [(0,)]  # fmt: skip
    assert busy.rows("SELECT count(*) FROM tombstones")[0][0] == marks + 2, "of its address and of its bytes"
    assert [path for path in busy.files() if "c-88" in str(path)] == []
    assert busy.naming("c-88.wav") == []
    again = busy.ended(busy.submit(content, "another-name.wav"))
    assert (again["state"], again["reason"]) == ("skipped", "erased"), "the same bytes"
