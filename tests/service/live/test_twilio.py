"""Twilio Media Streams' messages, as its documentation shows them."""

from __future__ import annotations

import base64
import json
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live.refusals import CallRefused
from service.live.twilio import twilio_message
from tests.service.live.conftest import Client, Serve, Served
from tests.waiting import until

Open = Callable[..., Client]
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
START: dict[str, Any] = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "streamSid": "MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "callSid": "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"queue": "billing", "FirstName": "Jane"},
    },
    "streamSid": "MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
}
STOP = {
    "event": "stop",
    "sequenceNumber": "5",
    "stop": {"accountSid": "ACXX", "callSid": "CAXX"},
    "streamSid": "MZXX",
}


def media(track: str, timestamp: int, content: bytes, number: int = 1) -> dict[str, Any]:
    return {
        "event": "media",
        "sequenceNumber": str(number + 1),
        "media": {
            "track": track,
            "chunk": str(number),
            "timestamp": str(timestamp),
            "payload": base64.b64encode(content).decode(),
        },
        "streamSid": "MZXX",
    }


def say(client: Client, *messages: dict[str, Any]) -> None:
    for message in messages:
        client.socket.send(json.dumps(message))


def recorded(served: Served) -> tuple[int, np.ndarray[tuple[int, int], np.dtype[np.int16]]]:
    (place,) = served.bed.recordings.taken.values()
    with wave.open(str(place)) as file:
        content = file.readframes(file.getnframes())
        return file.getframerate(), np.frombuffer(content, dtype="<i2").reshape(-1, file.getnchannels())


LOUD, QUIET = b"\x80" * 160, b"\xff" * 160
"""20 ms of the loudest and of no sound."""


def test_a_stream_is_a_call(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    say(one, CONNECTED, START)
    for number in range(5):
        say(one, media("inbound", 20 * number, LOUD, number), media("outbound", 20 * number + 5, QUIET, number))
    say(one, {"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "1"}, "streamSid": "MZXX"})
    say(one, {"event": "mark", "mark": {"name": "m"}, "streamSid": "MZXX"}, STOP)
    assert one.code()[0] == 1000
    assert one.told == []  # Twilio takes no messages of ours
    until(lambda: served.bed.recordings.taken)
    rate, samples = recorded(served)
    assert (rate, samples.shape) == (8000, (800, 2))
    assert (samples == [32124, 0]).all()
    (header,) = served.bed.rows.begun.values()
    assert header.start.roles == ("client", "agent")
    assert header.start.metadata.queue == "billing"
    assert header.start.metadata.extra["FirstName"] == "Jane"
    assert header.start.metadata.extra["twilio_call"] == START["start"]["callSid"]


def test_media_that_skips_leaves_silence(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    say(one, CONNECTED, START, media("inbound", 0, LOUD), media("inbound", 1020, LOUD), STOP)
    assert one.code()[0] == 1000
    until(lambda: served.bed.recordings.taken)
    _, samples = recorded(served)
    assert len(samples) == 1020 * 8 + 160
    assert not samples[160 : 1020 * 8].any()
    assert (samples[1020 * 8 :, 0] == 32124).all()


def test_jitter_leaves_no_silence(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    say(one, CONNECTED, START, media("inbound", 40, LOUD), media("inbound", 75, LOUD), media("inbound", 61, LOUD), STOP)
    assert one.code()[0] == 1000
    until(lambda: served.bed.recordings.taken)
    assert len(recorded(served)[1]) == 3 * 160


def test_a_stream_that_breaks_off_ends_its_call(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    say(one, CONNECTED, START, media("inbound", 0, LOUD))
    until(lambda: served.bed.room.calls and served.bed.room.calls[0].recorded == (160, 0))
    one.socket.socket.close()
    until(lambda: served.bed.recordings.taken)
    assert served.bed.room.calls[0].reason == "lost"


def changed(**changes: object) -> dict[str, Any]:
    return {**START, "start": {**START["start"], **changes}}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (changed(mediaFormat={"encoding": "audio/x-mulaw", "sampleRate": 16000, "channels": 1}), 4422),
        (changed(tracks=["sideways"]), 4422),
        (media("inbound", 0, LOUD), 4400),
    ],
)
def test_a_wrong_start_is_refused(serve: Serve, client: Open, message: dict[str, Any], code: int) -> None:
    served = serve()
    one = client(served)
    say(one, CONNECTED, message)
    assert one.code()[0] == code
    assert not served.bed.room.calls


def test_parameters_that_cannot_be_read_are_kept_as_they_are(serve: Serve, client: Open) -> None:
    served = serve()
    say(client(served), CONNECTED, changed(customParameters={"direction": "sideways"}))
    until(lambda: served.bed.rows.begun)
    (header,) = served.bed.rows.begun.values()
    assert header.start.metadata.direction is None
    assert header.start.metadata.extra["direction_unreadable"] == "sideways"


@pytest.mark.parametrize("payload", ["not base64!", "AAA"])
def test_a_payload_that_is_none_is_refused(serve: Serve, client: Open, payload: str) -> None:
    one = client(serve())
    broken = media("inbound", 0, b"")
    broken["media"]["payload"] = payload
    say(one, CONNECTED, START, broken)
    assert one.code()[0] == 4422


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_garbage_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(CallRefused):
        twilio_message(text)
