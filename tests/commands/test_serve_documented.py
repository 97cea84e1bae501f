"""A call handed in to a real server with a real worker, as the documents say: the page's commands, a client made from
the OpenAPI document, a request followed to its row. And what a killed server leaves."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.materials.recordings import RATE_HZ, sample_speech, write_wav
from db.embedded.server import EmbeddedServer
from tests.commands.served import SAMPLES, Served, served
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT
from tests.loopback import Reply, Request, listening
from tests.service.documented import DocumentClient
from tests.waiting import until

pytestmark = pytest.mark.slow
PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8642"
STAGES = ("prepare", "recognise", "analyse", "store")


class Spans:
    """What an OTLP collector was sent, from whichever process."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def of_trace(self, trace_id: str) -> list[Any]:
        """Those of a trace, once all are in: the server and its worker export on their own, in either order."""
        found = [span for span in self.taken if span.trace_id.hex() == trace_id]
        return found if {span.name for span in found} >= {"POST /v1/jobs", "call", *STAGES} else []


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[str, Spans]]:
    spans = Spans()

    def collect(request: Request) -> Reply:
        packed = request.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(request.body) if packed else request.body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                spans.taken += scope.spans
        return Reply()

    with listening(collect) as server:
        yield f"{server.url}/v1/traces", spans


@pytest.fixture(scope="module")
def service(
    server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory, collector: tuple[str, Spans]
) -> Iterator[Served]:
    traced = ["reporting.tracing.enabled=true", f"reporting.tracing.endpoint={collector[0]}"]
    for url in fresh_database(server, TEMPLATE):
        with served(tmp_path_factory.mktemp("documented"), url, traced) as one:
            yield one


def block(language: str, mark: str) -> str:
    """The example of the page that has `mark` in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = (text for text in blocks if mark in text)
    return str(found)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder in which the page's examples find the samples."""
    (tmp_path / "samples").symlink_to(SAMPLES.parent)
    return tmp_path


def shell(script: str, service: Served, folder: Path) -> str:
    text = script.replace(ADDRESS, str(service.client.base_url).rstrip("/"))
    done = subprocess.run(["bash", "-euc", text], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")


@curl
def test_the_commands_that_hand_a_call_in_follow_it_and_read_its_page(service: Served, desk: Path) -> None:
    said = shell(block("sh", "Idempotency-Key: lost-card-1"), service, desk)
    assert '"state":"done"' in said
    assert "lost-card.wav</h1>" in said or "lost-card" in said.partition("<html")[2]
    body = json.loads(shell(block("sh", "Content-Type: audio/ogg"), service, desk))
    assert (body["state"], body["priority"]) == ("accepted", 5)
    service.ended(body["links"]["job"])


@curl
def test_the_commands_that_continue_an_upload(service: Served, desk: Path) -> None:
    content = (SAMPLES / "rec-000017.ogg").read_bytes()
    (desk / "big.wav").write_bytes(content)
    begun = service.client.post(
        "/v1/jobs",
        content=content[:5000],
        params={"file_name": "big.ogg"},
        headers={"Idempotency-Key": "big-1", "Upload-Complete": "?0"},
    )
    assert begun.status_code == 201, begun.text
    told = json.loads(shell(block("sh", "idempotency_key=big-1"), service, desk))
    assert (told["state"], told["job_id"]) == ("accepted", begun.json()["job_id"])
    (kept,) = (path for path in service.files() if path.name == "big.ogg")
    assert kept.read_bytes() == content
    service.ended(told["links"]["job"])


def test_the_python_that_hands_a_call_in_and_reads_it(
    service: Served, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(desk)
    text = block("python", "def hand_in").replace(ADDRESS, str(service.client.base_url).rstrip("/"))
    exec(compile(text, "docs/api.md", "exec"), {})
    said = capsys.readouterr().out.splitlines()
    assert '"state":"accepted"' in "".join(said)
    assert said[-1].split()[0] in ("agent", "client", "unknown"), said


def test_a_client_that_knows_only_the_document_hands_in_follows_and_reads(service: Served) -> None:
    client = DocumentClient(str(service.client.base_url))
    content = (SAMPLES / "rec-000017.ogg").read_bytes()
    form = {"recording": ("by-document.ogg", content), "metadata": '{"queue": "billing"}', "priority": "1"}
    job = client("submit", body=form, media_type="multipart/form-data", **{"idempotency-key": "document-1"}).json()
    assert set(job) == set(client.document["components"]["schemas"]["JobAnswer"]["properties"])
    again = client("submit", body=form, media_type="multipart/form-data", **{"idempotency-key": "document-1"}).json()
    assert again["job_id"] == job["job_id"]
    events = client("events", job_id=job["job_id"]).text
    assert events.rstrip().splitlines()[-1].startswith("data:")
    told = client("job", job_id=job["job_id"]).json()
    assert told["state"] == "done"
    assert client("getCall", call_id=told["call_id"]).json()["queue"] == "billing"
    assert client("getTurns", call_id=told["call_id"]).json()["turns"]
    assert client("getTranscript", call_id=told["call_id"], format="srt").text.startswith("1\n")
    half = client(
        "submit", body=content[:999], media_type="application/octet-stream", file_name="half.ogg",
        **{"upload-complete": "?0"},
    ).json()  # fmt: skip
    offset = client("uploadOffset", job_id=half["job_id"]).headers["Upload-Offset"]
    went_on = client(
        "goOn", job_id=half["job_id"], body=content[int(offset) :], media_type="application/partial-upload",
        **{"upload-offset": offset},
    )  # fmt: skip
    assert went_on.status_code == 202
    assert client("cancel", job_id=half["job_id"]).json()["state"] == "cancelled"
    assert [one["job_id"] for one in client("jobs", state="cancelled").json()["jobs"]] == [half["job_id"]]


def test_one_trace_leads_from_the_request_through_all_processes_to_the_row(
    service: Served, collector: tuple[str, Spans]
) -> None:
    trace_id, caller = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    headers = {"X-Request-ID": "order-77", "traceparent": f"00-{trace_id}-{caller}-01"}
    content = write_wav(service.folder / "t.wav", sample_speech(60.0)[45 * RATE_HZ :][: 6 * RATE_HZ]).read_bytes()
    answer = service.client.post("/v1/jobs", content=content, params={"file_name": "t.wav"}, headers=headers)
    job = service.ended(answer.json()["links"]["job"])
    spans = collector[1]
    found = until(lambda: spans.of_trace(trace_id))
    by_name = {span.name: span for span in found}
    request = next(span for span in found if span.parent_span_id.hex() == caller)
    assert request.name == "POST /v1/jobs"
    assert by_name["call"].parent_span_id == request.span_id
    for stage in STAGES:
        assert by_name[stage].parent_span_id == by_name["call"].span_id
    (row,) = service.rows("SELECT request_id, traceparent, call_id::text FROM jobs WHERE request_id = 'order-77'")
    assert row == ("order-77", f"00-{trace_id}-{request.span_id.hex()}-01", job["call_id"])

    def lines() -> list[dict[str, Any]]:
        logs = service.output.glob("logs/earshot_*.jsonl")
        written = (line for path in logs for line in path.read_text().splitlines(keepends=True))
        return [json.loads(line) for line in written if "order-77" in line and line.endswith("\n")]

    until(lambda: any(line.get("call_id") == job["call_id"] for line in lines()))  # a worker's
    assert {line["trace_id"] for line in lines()} == {trace_id}
    assert {line["request_id"] for line in lines()} == {"order-77"}


def upload(service: Served, key: str, content: bytes) -> None:
    """Begin an upload and never send its second half; returns when something of it is on the disk."""
    host = f"{service.client.base_url.host}:{service.client.base_url.port}"
    head = (
        f"POST /v1/jobs?file_name={key}.wav HTTP/1.1\r\nHost: {host}\r\nContent-Type: audio/wav\r\n"
        f"Content-Length: {len(content)}\r\nIdempotency-Key: {key}\r\n\r\n"
    )
    connection = service.connect()
    connection.sendall(head.encode() + content[: len(content) // 2])
    until(lambda: any(path.stat().st_size for path in service.recordings.glob(".uploads/*")))
    threading.Thread(target=_closed_when_cut, args=(connection,), daemon=True).start()


def _closed_when_cut(connection: Any) -> None:
    with contextlib.suppress(OSError), connection:
        connection.recv(1)


def of_key(service: Served, key: str) -> dict[str, Any]:
    (job,) = service.client.get("/v1/jobs", params={"idempotency_key": key}).json()["jobs"]
    return dict(job)


def test_a_killed_server_loses_nothing_it_accepted_and_half_a_recording_is_continued_or_goes(service: Served) -> None:
    """SIGKILL in mid-upload and right after 202, all workers with it."""
    content = write_wav(service.folder / "long.wav", sample_speech(60.0)[: 40 * RATE_HZ]).read_bytes()
    upload(service, "cut", content)
    accepted = service.submit((SAMPLES / "rec-000017.ogg").read_bytes(), "accepted.ogg")
    service.end()
    service.start()
    cut = of_key(service, "cut")
    assert cut["state"] == "receiving"
    where = cut["links"]["recording"]
    here = int(service.client.head(where).headers["Upload-Offset"])
    assert 0 < here <= len(content) // 2
    rest = service.client.patch(where, content=content[here:], headers={"Upload-Offset": str(here)})
    assert rest.status_code == 202, rest.text
    assert service.ended(accepted)["state"] == "done"
    assert service.ended(cut["links"]["job"])["state"] == "done"
    (kept,) = (path for path in service.files() if path.name == "cut.wav")
    assert hashlib.sha256(kept.read_bytes()).digest() == hashlib.sha256(content).digest()

    upload(service, "never", content)
    service.end()
    service.start("service.keep_unfinished_h=0.0001", "service.workers=0")
    until(lambda: not list(service.recordings.glob(".uploads/*")))
    assert service.client.get("/v1/jobs", params={"idempotency_key": "never"}).json()["jobs"] == []
    with contextlib.suppress(httpx.HTTPError):
        assert service.client.get("/healthz").status_code == 200
