"""Calls handed in over HTTP, as strangers and their networks do it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from pipeline.jobs import JobEnd, JobState
from pipeline.sources.addresses import file_path
from service.jobs.room import JobRoom

WAV = {"Content-Type": "audio/wav"}


def kept(job_room: JobRoom) -> list[Path]:
    """Every file below the folder of recordings, parts included."""
    return sorted(path for path in job_room.settings.recordings_dir.rglob("*") if path.is_file())


def hand_in(client: TestClient, content: bytes, key: str | None = None, **query: str) -> httpx2.Response:
    headers = WAV if key is None else {**WAV, "Idempotency-Key": key}
    return client.post("/v1/jobs", content=content, headers=headers, params={"file_name": "a.wav", **query})


def test_a_form_is_taken_in_with_its_metadata(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    fields = {"metadata": json.dumps({"agent_id": "47", "customer_segment": "B2C", "ticket": 7}), "priority": "3"}
    answer = client.post("/v1/jobs", files={"recording": ("in/../a b.wav", wav)}, data=fields)
    told = answer.json()
    assert answer.status_code == 202
    assert (told["state"], told["file_name"], told["priority"], told["size_bytes"]) == (
        "accepted",
        "a b.wav",
        3,
        len(wav),
    )
    assert answer.headers["location"] == told["links"]["job"]
    job = job_room.jobs.job(told["job_id"])
    assert job is not None
    assert job.source_uri is not None
    path = file_path(job.source_uri)
    assert path.read_bytes() == wav
    said = json.loads(path.with_name("a b.wav.json").read_text(encoding="utf-8"))
    assert said == {"agent_id": "47", "customer_segment": "B2C", "ticket": "7", "file_name": "a b.wav"}
    assert kept(job_room) == sorted([path, path.with_name("a b.wav.json")]), "no part is left"


def test_a_body_is_taken_in(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    answer = hand_in(client, wav, metadata='{"queue": "cards"}', priority="-2")
    assert answer.status_code == 202
    assert answer.json()["metadata"] == {"queue": "cards"}
    assert job_room.accepted.is_set()


def test_the_same_key_is_the_same_job(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    first, second = hand_in(client, wav, "k"), hand_in(client, wav, "k")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["job_id"] == second.json()["job_id"]
    assert len(kept(job_room)) == 1
    form = client.post("/v1/jobs", files={"recording": ("a.wav", wav)}, headers={"Idempotency-Key": "k"})
    assert form.json()["job_id"] == first.json()["job_id"], "a form says the same as a body"


@pytest.mark.parametrize("other", ["recording", "metadata", "priority", "file_name"])
def test_the_same_key_with_something_else_is_refused(
    client: TestClient, job_room: JobRoom, wav: bytes, other: str
) -> None:
    hand_in(client, wav, "k")
    changed = {"metadata": '{"queue": "x"}', "priority": "2", "file_name": "b.wav"}
    query = {other: changed[other]} if other in changed else {}
    answer = hand_in(client, wav + b"\0\0" if other == "recording" else wav, "k", **query)
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]
    assert len(kept(job_room)) == 1


def test_a_cut_upload_is_found_by_its_key_and_continued(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    opened = client.post(
        "/v1/jobs",
        content=wav[:50_000],
        headers={**WAV, "Idempotency-Key": "k", "Upload-Complete": "?0"},
        params={"file_name": "a.wav"},
    )
    assert (opened.status_code, opened.json()["state"]) == (201, "receiving")
    (listed,) = client.get("/v1/jobs", params={"idempotency_key": "k"}).json()["jobs"]
    where = listed["links"]["recording"]
    assert (listed["received_bytes"], where) == (50_000, opened.headers["location"])
    head = client.head(where)
    assert (head.headers["upload-offset"], head.headers["upload-complete"]) == ("50000", "?0")
    part = {"Content-Type": "application/partial-upload"}
    wrong = client.patch(where, content=wav[60_000:], headers={**part, "Upload-Offset": "60000"})
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "50000")
    more = {**part, "Upload-Offset": "50000", "Upload-Complete": "?0"}
    assert client.patch(where, content=wav[50_000:70_000], headers=more).status_code == 201
    end = client.patch(where, content=wav[70_000:], headers={**part, "Upload-Offset": "70000"})
    assert (end.status_code, end.json()["state"]) == (202, "accepted")
    (path,) = kept(job_room)
    assert path.read_bytes() == wav
    assert hand_in(client, wav, "k").json()["job_id"] == end.json()["job_id"]


def test_an_upload_that_begins_again_with_its_key_begins_anew(
    client: TestClient, job_room: JobRoom, wav: bytes
) -> None:
    client.post(
        "/v1/jobs",
        content=b"nonsense" * 30_000,
        headers={**WAV, "Idempotency-Key": "k", "Upload-Complete": "?0"},
        params={"file_name": "a.wav"},
    )
    assert hand_in(client, wav, "k").status_code == 202
    (path,) = kept(job_room)
    assert path.read_bytes() == wav


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no recording": ({"content": b"just some text, " * 500}, 415, "not a recording"),
    "empty": ({"content": b""}, 422, "empty"),
    "too large": ({"content": b"\0" * 600_000}, 413, "max_recording_mb"),
    "too large without a length": ({"content": iter([b"\0" * 300_000] * 3)}, 413, "max_recording_mb"),
    "metadata is no JSON": ({"params": {"metadata": "{"}}, 422, ""),
    "metadata is nested": ({"params": {"metadata": '{"a": {"b": 1}}'}}, 422, "a text or a number"),
    "metadata is nested deeply": (
        {"files": {"metadata": (None, '{"a":' * 750), "recording": ("a.wav", b"1")}}, 422, "",
    ),
    "metadata is a list": ({"params": {"metadata": "[]"}}, 422, ""),
    "too many fields": ({"params": {"metadata": json.dumps({str(n): n for n in range(99)})}}, 422, "fields"),
    "a long value": ({"params": {"metadata": json.dumps({"agent_id": "x" * 2000})}}, 422, ""),
    "a direction nobody knows": ({"params": {"metadata": '{"direction": "sideways"}'}}, 422, "direction"),
    "a start that cannot be read": ({"params": {"metadata": '{"started_at": "soon"}'}}, 422, "started_at"),
    "priority": ({"params": {"priority": "10"}}, 422, ""),
    "the name of a sidecar": ({"params": {"file_name": "calls.csv"}}, 422, "sidecar"),
    "callback over http": ({"params": {"callback_url": "http://example.com/"}}, 422, "https"),
    "callback with a password": ({"params": {"callback_url": "https://a:b@example.com/"}}, 422, "password"),
    "two files": ({"files": [("recording", ("a.wav", b"1")), ("recording", ("b.wav", b"2"))]}, 422, "two files"),
    "no file": ({"files": {"metadata": (None, "{}")}}, 422, "no file"),
    "unknown field": ({"files": {"recording": ("a.wav", b"1"), "colour": (None, "red")}}, 422, "unknown"),
    "large fields": ({"files": {"metadata": (None, "x" * 9000), "recording": ("a.wav", b"1")}}, 413, "max_metadata_kb"),
    "no boundary": ({"headers": {"Content-Type": "multipart/form-data"}, "content": b"x"}, 422, "boundary"),
    "no form": (
        {"headers": {"Content-Type": "multipart/form-data; boundary=b"}, "content": b"nothing alike"}, 422, "form",
    ),
    "JSON that is endless": (
        {"headers": {"Content-Type": "application/json"}, "content": b'{"a":' * 5000}, 413, "max_metadata_kb",
    ),
    "JSON nested deeply": ({"headers": {"Content-Type": "application/json"}, "content": b"[" * 3900}, 422, ""),
    "an address of another kind": ({"json": {"recording_url": "file:///etc/passwd"}}, 422, ""),
    "an address without https": ({"json": {"recording_url": "http://example.com/a.wav"}}, 422, "https"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_in_is_refused_and_leaves_nothing(
    client: TestClient, job_room: JobRoom, wav: bytes, name: str
) -> None:
    request, status, says = REFUSED[name]
    content = {} if set(request) & {"files", "json", "content"} else {"content": wav}
    params = {"file_name": "a.wav", **request.get("params", {})} if "files" not in request else {}
    answer = client.post("/v1/jobs", **{"headers": WAV if "files" not in request and "json" not in request else {},
                                        **content, **request, "params": params})  # fmt: skip
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.text
    assert kept(job_room) == []
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_job_is_called_off_and_its_recording_goes(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    where = hand_in(client, wav).json()["links"]["job"]
    assert client.delete(where).json()["state"] == "cancelled"
    assert client.delete(where).json()["state"] == "cancelled"
    assert kept(job_room) == []
    assert "event: state" in client.get(f"{where}/events").text


def test_a_job_that_has_ended_stays_as_it_is(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    told = hand_in(client, wav).json()
    job_room.jobs.end([JobEnd(job_id=told["job_id"], state=JobState.FAILED, reason="noise", detail="no")])
    answer = client.delete(told["links"]["job"])
    assert (answer.status_code, "has ended: failed" in answer.json()["detail"]) == (409, True)
    assert len(kept(job_room)) == 1
    more = {"Content-Type": "application/partial-upload", "Upload-Offset": "0"}
    answer = client.patch(f"{told['links']['job']}/recording", content=b"1", headers=more)
    assert (answer.status_code, "the job is failed" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(("bytes_too_many", "status"), [(0, 415), (1, 413)])
def test_a_form_that_is_announced_too_large_is_refused_before_it_comes(
    client: TestClient, job_room: JobRoom, bytes_too_many: int, status: int
) -> None:
    limits = job_room.limits
    content = b"--b\r\nContent-Disposition: form-data; name=r; filename=a.wav\r\n\r\n" + b"x" * 9000 + b"\r\n--b--\r\n"
    announced = limits.most_bytes + limits.most_field_bytes + bytes_too_many
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(announced)}
    answer = client.post("/v1/jobs", content=content, headers=headers)
    assert answer.status_code == status, answer.text


def test_jobs_are_listed_page_by_page(client: TestClient, wav: bytes) -> None:
    ids = [hand_in(client, wav).json()["job_id"] for _ in range(3)]
    first = client.get("/v1/jobs?limit=2").json()
    second = client.get(first["next"]).json()
    assert [job["job_id"] for job in (*first["jobs"], *second["jobs"])] == ids[::-1]
    assert second["next"] is None
    assert client.get("/v1/jobs?state=done").json() == {"jobs": [], "next": None}


def test_followers_go_on_after_the_last_event_they_saw(client: TestClient, wav: bytes) -> None:
    where = hand_in(client, wav).json()["links"]["job"]
    client.delete(where)
    text = client.get(f"{where}/events").text
    ids = [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]
    assert len(ids) == 3
    rest = client.get(f"{where}/events", headers={"Last-Event-ID": ids[1]}).text
    assert [line for line in rest.splitlines() if line.startswith("id: ")] == [f"id: {ids[2]}"]


@pytest.mark.parametrize("path", ["", "/events", "/recording"])
def test_a_job_that_is_not_there(client: TestClient, path: str) -> None:
    where = f"/v1/jobs/6f0e1c1e-0000-4000-8000-000000000000{path}"
    answer = client.head(where) if path == "/recording" else client.get(where)
    assert answer.status_code == 404


def test_sound_without_a_header_is_told_by_its_suffix(client: TestClient) -> None:
    assert hand_in(client, b"\xd5" * 16_000, file_name="a.ulaw").status_code == 202


def test_uploads_that_nobody_continues_go(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    from commands.serving.tasks import tidy_up

    client.post("/v1/jobs", content=wav[:9], headers={**WAV, "Upload-Complete": "?0"}, params={"file_name": "a.wav"})
    stray = job_room.folder.part("of-a-killed-server", "b.wav")
    stray.write_bytes(b"1")
    tidy_up(job_room)
    assert len(kept(job_room)) == 2, "they may still be continued"
    settings = job_room.settings.model_copy(update={"keep_unfinished_h": -1.0})
    from dataclasses import replace

    tidy_up(replace(job_room, settings=settings))
    assert kept(job_room) == []
    assert client.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    "key", ["\x00", "a\x00b", "é", "a b", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_a_key_that_no_job_can_have_is_refused_when_jobs_are_looked_for(client: TestClient, key: str) -> None:
    """NUL in it was an error of the database, and a 500."""
    answer = client.get("/v1/jobs", params={"idempotency_key": key})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("field", ["metadata", "file_name", "callback_url"])
@pytest.mark.parametrize(
    "value", ["\x00", "a\x00b.wav", '{"customer": "a\\u0000b"}', '{"\\u0000": 1}', '{"a": "\\ud800"}']
)
def test_text_that_no_database_takes_is_no_fault_of_ours(
    client: TestClient, wav: bytes, field: str, value: str
) -> None:
    answer = client.post("/v1/jobs", content=wav, headers=WAV, params={field: value})
    assert answer.status_code in (202, 422), answer.text
    if answer.status_code == 202:
        assert client.get(answer.json()["links"]["job"]).status_code == 200


def test_a_misspelt_parameter_is_no_recording_without_it(client: TestClient, wav: bytes) -> None:
    """`callback_ulr`: nobody would have been called back."""
    answer = client.post("/v1/jobs", params={"file_name": "a.wav", "callback_ulr": "https://a.example/"}, content=wav)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "query.callback_ulr"


def test_an_empty_recording_is_told_in_every_form(client: TestClient) -> None:
    for answer in (
        client.post("/v1/jobs", content=b"", headers={"Content-Type": "audio/wav"}),
        client.post("/v1/jobs", files={"recording": ("a.wav", b"")}),
    ):
        assert (answer.status_code, "is empty; send it" in answer.json()["detail"]) == (422, True)


def test_metadata_that_cannot_be_read_says_what_is_expected(client: TestClient, wav: bytes) -> None:
    answer = client.post(
        "/v1/jobs", files={"recording": ("a.wav", wav)}, data={"metadata": '{"started_at": "yesterday"}'}
    )
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["where"]) == (422, "metadata.started_at")
    assert "2026-11-26T09:15:02+01:00" in fault["what"]
