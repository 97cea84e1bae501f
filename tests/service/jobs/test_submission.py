"""What comes with a recording: its bounds, and when two submissions ask for the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from pipeline.config.areas.sources import InputSettings
from service.jobs.submission import CallDescription, RecordingAtAddress, Submission, submission, texts_of


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ({f"f{n}": n for n in range(64)}, True),
        ({f"f{n}": n for n in range(65)}, False),
        ({"note": "x" * 1000}, True),
        ({"note": "x" * 1001}, False),
        ({"k" * 100: "x"}, True),
        ({"k" * 101: "x"}, False),
        ({"note": ["x"]}, False),
    ],
    ids=["64 fields", "65 fields", "1000 characters", "1001", "a key of 100", "of 101", "a list"],
)
def test_how_much_is_kept_with_a_call(extra: dict[str, Any], kept: bool) -> None:
    metadata = CallDescription.model_validate(extra)
    if kept:
        assert texts_of(metadata) == {key: str(value) for key, value in extra.items()}
    else:
        with pytest.raises(HTTPException) as refused:
            texts_of(metadata)
        assert refused.value.status_code == 422


def test_values_are_kept_as_texts_and_what_is_not_given_is_not_kept() -> None:
    given = {"agent_id": "47", "queue": None, "nothing": None, "vip": True, "score": 0.5, "count": 3}
    assert texts_of(CallDescription.model_validate(given)) == {
        "agent_id": "47", "vip": "true", "score": "0.5", "count": "3"
    }  # fmt: skip


@pytest.mark.parametrize(("length", "taken"), [(4000, True), (4001, False)])
@pytest.mark.parametrize("field", ["recording_url", "callback_url"])
def test_an_address_has_a_length_to_store(field: str, length: int, taken: bool) -> None:
    address = "https://a.example/"
    given = {"recording_url": address, field: address.ljust(length, "x")}
    if taken:
        RecordingAtAddress.model_validate(given)
    else:
        with pytest.raises(ValidationError, match=field):
            RecordingAtAddress.model_validate(given)


@pytest.mark.parametrize(
    ("given", "name", "media_type", "stored_as"),
    [
        ({"file_name": "b.mp3"}, "a.wav", "audio/wav", "b.mp3"),
        ({}, "a.wav", "audio/mpeg", "a.wav"),
        ({}, None, "audio/mpeg", "recording.mp3"),
        ({}, "", "audio/pcma", "recording.alaw"),
        ({}, None, "text/plain", "recording"),
    ],
)
def test_the_name_of_a_recording(given: dict[str, str], name: str | None, media_type: str, stored_as: str) -> None:
    assert submission(given, InputSettings(), name, media_type).file_name == stored_as


def test_what_is_asked_for_is_read() -> None:
    given = {
        "metadata": '{"customer_segment": "B2C", "queue": "cards"}', "priority": "-9",
        "callback_url": "https://a.example/done",
    }  # fmt: skip
    asked = submission(given, InputSettings(), "a.wav")
    assert (asked.customer_segment, asked.queue, asked.priority) == ("b2c", "cards", -9)
    assert (asked.callback_url, asked.recording_url) == ("https://a.example/done", None)
    plain = submission({}, InputSettings(), "a.wav")
    assert (plain.customer_segment, plain.queue, plain.priority, plain.callback_url) == (None, None, 0, None)


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"priority": "10"}, ("priority",)),
        ({"priority": "-10"}, ("priority",)),
        ({"callback_url": "https://a.example/".ljust(4001, "x")}, ("callback_url",)),
        ({"metadata": "{"}, ("metadata",)),
        ({"metadata": '{"agent_id": "' + "x" * 1001 + '"}'}, ("metadata", "agent_id")),
        ({"metadata": '{"direction": "sideways"}'}, ("metadata", "direction")),
    ],
)
def test_a_fault_says_where_it_is_and_not_what_was_sent(given: dict[str, str], where: tuple[str, ...]) -> None:
    with pytest.raises(RequestValidationError) as refused:
        submission(given, InputSettings(), "a.wav")
    (fault,) = refused.value.errors()
    assert fault["loc"][: len(where)] == where
    assert not {"input", "url", "ctx"} & set(fault)


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ('{"direction": "sideways"}', "cannot be read; expected (such as inbound): inbound, outbound or internal."),
        ('{"customer_segment": "b2x"}', "cannot be read; expected (such as b2c): b2b or b2c."),
        ('{"queue_unreadable": "x"}', "cannot be read; expected (such as billing)"),
        ('{"related_call_unreadable": "x"}', "cannot be read; expected: The call this one was transferred from."),
        ('{"odd_unreadable": "x"}', "cannot be read; expected"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_it_is_to_be(metadata: str, told: str) -> None:
    with pytest.raises(RequestValidationError) as refused:
        submission({"metadata": metadata}, InputSettings(), "a.wav")
    assert [fault["msg"] for fault in refused.value.errors()] == [told]


def test_unknown_fields_are_named() -> None:
    with pytest.raises(HTTPException) as refused:
        submission({"b": "", "a": "", "priority": "1"}, InputSettings(), "a.wav")
    assert "unknown fields: a, b" in str(refused.value.detail)


def test_two_submissions_differ_by_all_that_is_asked_for() -> None:
    one = Submission(file_name="a", metadata={"x": "1", "y": "2"}, queue="q")
    others = [
        replace(one, file_name="b"),
        replace(one, metadata={"x": "1"}),
        replace(one, priority=1),
        replace(one, callback_url="https://a.example/"),
        replace(one, recording_url="https://a.example/"),
    ]
    assert len({submitted.digest for submitted in (one, *others)}) == 6
    assert replace(one, metadata={"y": "2", "x": "1"}).digest == one.digest
