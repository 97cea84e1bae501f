"""A queue that tells of new objects: doubled, odd and lost messages lose no recording."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, ServiceUnavailable
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.events.messages import Created, MalformedMessage, created_in
from pipeline.sources.events.source import EventSource
from tests.pipeline.sources.bucket_server import Bucket, serving
from tests.pipeline.sources.helpers import calls, wav_bytes
from tests.pipeline.sources.queue_server import HeldQueue, serving_queue


def notification(*keys: str, bucket: str = "recordings", event: str = "ObjectCreated:Put") -> str:
    records = [
        {"eventName": event, "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/")}}}
        for key in keys
    ]
    return json.dumps({"Records": records})


def by_event_bridge(key: str, kind: str = "Object Created") -> str:
    return json.dumps({"detail-type": kind, "detail": {"bucket": {"name": "recordings"}, "object": {"key": key}}})


def by_topic(body: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": body})


ODD_KEY = "calls/a b+ü(1).wav"


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (notification(ODD_KEY), [ODD_KEY]),
        (notification("calls/a.wav", "calls/b.wav", event="s3:ObjectCreated:Post"), ["calls/a.wav", "calls/b.wav"]),
        (by_topic(notification(ODD_KEY)), [ODD_KEY]),
        (by_event_bridge(ODD_KEY), [ODD_KEY]),
        (by_event_bridge(ODD_KEY, "Object Deleted"), []),
        (notification("calls/a.wav", event="ObjectRemoved:Delete"), []),
        ('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "recordings"}', []),
    ],
)
def test_what_messages_say(body: str, keys: list[str]) -> None:
    assert created_in(body) == tuple(Created("recordings", key) for key in keys)


odd_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@example("[" * 100_000)
@given(st.text() | odd_json.map(lambda content: json.dumps({"Records": content})))
def test_no_message_breaks_the_reading(body: str) -> None:
    with suppress(MalformedMessage):
        created_in(body)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving({"calls/a.wav": wav_bytes(), "calls/b.wav": wav_bytes()}) as held:
        yield held


@pytest.fixture
def queue() -> Iterator[HeldQueue]:
    with serving_queue() as held:
        yield held


def source_of(bucket: Bucket, queue: HeldQueue, **more: Any) -> EventSource:
    s3 = {"endpoint_url": bucket.url, "region": "eu-central-1", "anonymous": True, "addressing": "path", "attempts": 2}
    events = {"queue_url": queue.url, "endpoint_url": queue.url.rpartition("/123")[0], "wait_s": 0}
    path = "s3://recordings/calls"
    return EventSource(InputSettings.model_validate({"path": path, "s3": s3, "events": events, **more}))


def address(name: str) -> str:
    return f"s3://recordings/calls/{name}"


def test_a_message_is_deleted_when_its_recording_has_its_row_and_not_before(
    bucket: Bucket, queue: HeldQueue, tmp_path: Path
) -> None:
    queue.waiting = [notification("calls/a.wav"), notification("calls/b.wav")]
    source = source_of(bucket, queue)
    found = calls(source.discover())
    assert set(found) == {"a.wav", "b.wav"}
    assert found["a.wav"].etag
    with source.fetch(found["a.wav"], tmp_path) as path:
        assert path.read_bytes() == wav_bytes()
    assert len(queue.hidden) == 2
    assert source.settle([address("a.wav")]) == 1
    assert list(queue.hidden.values()) == [notification("calls/b.wav")]
    source.close()
    assert queue.waiting == [notification("calls/b.wav")], "at once, not when its time is over"


def test_a_killed_runs_messages_come_again(bucket: Bucket, queue: HeldQueue) -> None:
    queue.waiting = [notification("calls/a.wav")]
    assert len(calls(source_of(bucket, queue).discover())) == 1
    queue.come_again()
    again = source_of(bucket, queue)
    assert set(calls(again.discover())) == {"a.wav"}
    assert again.settle([address("a.wav")]) == 0
    assert not queue.hidden


def test_doubled_messages_offer_a_recording_once_and_go_together(bucket: Bucket, queue: HeldQueue) -> None:
    queue.waiting = [
        notification("calls/a.wav"),
        by_event_bridge("calls/a.wav"),
        notification("calls/a.wav", "calls/b.wav"),
    ]
    source = source_of(bucket, queue)
    assert sorted(item.file_name for item in source.discover() if isinstance(item, FoundCall)) == ["a.wav", "b.wav"]
    assert source.settle([address("a.wav")]) == 1, "one of them names another, too"
    assert source.settle([address("b.wav")]) == 0
    assert not queue.hidden


def test_what_there_is_nothing_to_do_for_is_deleted_at_once(bucket: Bucket, queue: HeldQueue) -> None:
    queue.waiting = [
        json.dumps({"Event": "s3:TestEvent"}),
        notification("calls/a.wav", event="ObjectRemoved:Delete"),
        notification("calls/gone.wav"),
    ]
    assert list(source_of(bucket, queue).discover()) == []
    assert not queue.hidden


def test_what_is_not_ours_or_not_understood_stays_and_is_told(
    bucket: Bucket, queue: HeldQueue, caplog: pytest.LogCaptureFixture
) -> None:
    odd = ["no JSON", notification("calls/a.wav", bucket="other"), notification("calls-old/a.wav")]
    queue.waiting = [*odd, notification("calls/a.wav")]
    source = source_of(bucket, queue)
    assert set(calls(source.discover())) == {"a.wav"}
    assert source.settle([address("a.wav")]) == 0
    assert list(queue.hidden.values()) == odd
    assert "1 message not understood" in caplog.text
    assert "2 messages about another place" in caplog.text
    source.close()
    assert queue.waiting == odd


def test_an_object_that_cannot_be_looked_at_now_comes_again(bucket: Bucket, queue: HeldQueue) -> None:
    queue.waiting = [notification("calls/a.wav")]
    bucket.forbidden = True
    source = source_of(bucket, queue)
    (item,) = source.discover()
    assert isinstance(item, SkippedFile)
    assert item.waiting
    source.close()
    assert queue.waiting


def test_a_throttled_queue_loses_nothing_and_one_that_refuses_deletes_is_told(bucket: Bucket, queue: HeldQueue) -> None:
    queue.waiting = [notification("calls/a.wav")]
    queue.failures = 1
    source = source_of(bucket, queue)
    assert set(calls(source.discover())) == {"a.wav"}
    queue.refuses_deletes = True
    with pytest.raises(ServiceUnavailable, match="1 of 1 refused"):
        source.settle([address("a.wav")])
    assert queue.hidden, "it comes again, and is known by then"


def test_a_queue_out_of_reach_stops_the_start(bucket: Bucket, queue: HeldQueue) -> None:
    queue.failures = 1000
    with pytest.raises(InputUnavailable, match=r"input\.events"):
        list(source_of(bucket, queue).discover())


def test_messages_are_held_for_as_long_as_the_run_works(bucket: Bucket, queue: HeldQueue) -> None:
    queue.waiting = [notification("calls/a.wav")]
    source = source_of(bucket, queue)
    list(source.discover())
    source.renew()
    assert queue.renewals == 1
    source.settle([address("a.wav")])
    source.renew()
    assert queue.renewals == 1


def test_events_need_a_bucket() -> None:
    with pytest.raises(ValueError, match=r"events\.queue_url"):
        InputSettings.model_validate({"path": "calls", "events": {"queue_url": "https://sqs/1/x"}})
