"""The examples of docs/api.md run, and a client that knows only the OpenAPI document reads everything."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from commands.purge.one_call import eraser
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from service.app import API_ROOMS, application
from tests.house import PROJECT
from tests.service.conftest import all_heard
from tests.service.documented import DocumentClient

PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(bash|python)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8642"


@pytest.fixture
def served(  # noqa: PLR0917 - fixtures
    database: Database, settings: Settings, store: PostgresStore, run_id: str, stored: str, tmp_path: Path
) -> Iterator[str]:
    """Address of a real server over a call whose run has ended."""
    assert stored
    store.end_run(run_id, 0, {}, {})
    erase = eraser(database, settings, patience_s=0)
    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS, erase=erase)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_commands_of_the_page_answer(served: str, stored: str, tmp_path: Path) -> None:
    """In the order of the page: the last one erases the call."""
    lines = [line for kind, text in EXAMPLES if kind == "bash" for line in text.splitlines() if line]
    assert len(lines) == 9
    for line in lines:
        command = line.replace(ADDRESS, served).replace("CALL_ID", stored)
        command = command.replace("curl -s", "curl -sS --fail-with-body")
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        assert done.stdout or " -o " in line, line
    assert (tmp_path / "call.srt").read_text().startswith("1\n00:00:00,000 --> ")
    assert httpx.get(f"{served}/v1/calls/{stored}").status_code == 404


def test_the_python_of_the_page_runs(
    served: str, stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (source,) = (text for kind, text in EXAMPLES if kind == "python" and "def all_calls" in text)
    exec(compile(source.replace(ADDRESS, served), "docs/api.md", "exec"), {})
    said = capsys.readouterr().out
    assert "2026-11-20T08:30:00Z A7 The client was charged twice" in said
    assert f"{stored} 3.9" in said
    assert stored in (tmp_path / "calls.jsonl").read_text()


def test_a_client_that_knows_only_the_document_reads_everything(served: str, stored: str) -> None:
    client = DocumentClient(served)
    (listed,) = client("listCalls", mood="negative", limit=5).json()["calls"]
    assert listed["call_id"] == stored
    whole = client("getCall", call_id=stored).json()
    schema = client.document["components"]["schemas"]["Call"]
    assert set(whole) == set(schema["properties"]) == set(schema["required"])
    assert len(client("getTurns", call_id=stored).json()["turns"]) == 3
    assert client("getTranscript", call_id=stored, format="vtt").text.startswith("WEBVTT")
    assert client("getAudio", call_id=stored, Range="bytes=0-3").content == b"RIFF"
    assert client("search", q="refund").json()["found"][0]["call_id"] == stored
    assert stored in client("exportCalls", format="jsonl").text
    assert client("eraseCall", call_id=stored).json()["rows"]["calls"] == 1
    problem = client("getCall", call_id=stored).json()
    assert set(problem) <= set(client.document["components"]["schemas"]["Problem"]["properties"])
