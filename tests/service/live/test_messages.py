"""Messages of a live call one by one: what they mean, what is refused, and how much more may be sent."""

from __future__ import annotations

import asyncio
import base64
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.live.call import LiveCall
from pipeline.live.events import Ending
from pipeline.live.refusals import CallRefused, Refusal
from pipeline.live.sound import TrackSound
from pipeline.records import Role
from service.live import twilio
from service.live.codes import MOST_REASON_BYTES, OF_END, OF_REFUSAL, short
from service.live.credit import Credits
from service.live.dialects import OwnDialect, Stop, TwilioDialect, is_twilio
from service.live.messages import event_text, first_message, frame, later_text
from tests.waiting import Jumping

START = {"type": "start", "sample_rate_hz": 8000, "encoding": "mulaw", "tracks": ["agent"]}


@pytest.mark.parametrize(
    ("content", "sound"),
    [
        (b"\x01\x00\x00\x01\x00abc", TrackSound(1, 256, b"abc")),
        (b"\x00\x00\x00\x00\x00", TrackSound(0, 0, b"")),
        (b"\x00\x00\x00\x00", None),
    ],
)
def test_a_frame_is_its_track_its_place_and_its_sound(content: bytes, sound: TrackSound | None) -> None:
    if sound is not None:
        assert frame(content) == OwnDialect().read(None, content) == sound
        return
    with pytest.raises(CallRefused, match="a header of 5 bytes, not 4") as refused:
        frame(content)
    assert refused.value.refusal is Refusal.BAD_SOUND


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({}, True),
        ({"sample_rate_hz": 7999}, False),
        ({"sample_rate_hz": 48_000}, True),
        ({"sample_rate_hz": 48_001}, False),
        ({"tracks": []}, False),
        ({"tracks": ["agent", "client"]}, True),
        ({"tracks": ["agent"] * 3}, False),
        ({"metadata": {"queue": "q" * 500, "extra": {"k" * 100: "v"}}}, True),
        ({"metadata": {"queue": "q" * 501}}, False),
        ({"metadata": {"extra": {"k" * 101: "v"}}}, False),
        ({"metadata": {"extra": {str(n): "" for n in range(32)}}}, True),
        ({"metadata": {"extra": {str(n): "" for n in range(33)}}}, False),
        ({"metadata": {"language": "eng"}}, False),
        ({"more": 1}, False),
    ],
)
def test_what_a_call_may_begin_with(changes: dict[str, Any], taken: bool) -> None:
    text = json.dumps({**START, **changes})
    if taken:
        assert first_message(text).type == "start"
        return
    with pytest.raises(CallRefused, match="the first message: ") as refused:
        first_message(text)
    assert refused.value.refusal is Refusal.BAD_START


def test_faults_say_where_the_first_three_are_and_never_what_was_sent() -> None:
    sent = json.dumps({**START, "encoding": "secret", "sample_rate_hz": 1, "tracks": [], "metadata": 5})
    with pytest.raises(CallRefused) as refused:
        first_message(sent)
    said = str(refused.value)
    assert said.count("; ") == 2
    assert all(name in said for name in ("start.sample_rate_hz: ", "start.encoding: ", "start.tracks: "))
    assert "secret" not in said
    with pytest.raises(CallRefused, match="a message of text: it: "):
        later_text("{")


def test_an_event_has_its_type_and_its_number() -> None:
    assert json.loads(event_text(7, Ending(reason="stopped"))) == {"type": "ending", "event": 7, "reason": "stopped"}


def test_our_own_clients_say_stop() -> None:
    assert isinstance(OwnDialect().read('{"type": "stop"}', None), Stop)
    with pytest.raises(CallRefused) as refused:
        OwnDialect().read(None, None)
    assert refused.value.refusal is Refusal.BAD_MESSAGE


@pytest.mark.parametrize(
    ("text", "is_it"),
    [('{"event": "start"}', True), ('{"event": "start", "type": "start"}', False), ('{"type": "start"}', False),
     ('["event"]', False), ('"event"', False), ("{", False), ("[" * 100_000, False)],
)  # fmt: skip
def test_twilio_is_known_by_its_first_message(text: str, is_it: bool) -> None:
    assert is_twilio(text) is is_it


def media(track: str = "inbound", timestamp: int = 0, payload: str = "") -> str:
    return json.dumps({"event": "media", "media": {"track": track, "timestamp": str(timestamp), "payload": payload}})


@pytest.mark.parametrize(
    ("timestamp_ms", "offered", "first"),
    [(0, 0, 0), (100, 0, 0), (101, 0, 808), (1000, 7200, 7200), (1000, 7199, 8000), (0, 500, 500)],
)
def test_media_follows_its_track_or_leaves_a_gap(timestamp_ms: int, offered: int, first: int) -> None:
    dialect = TwilioDialect(twilio.MediaClock(("outbound", "inbound"), lambda: (9999, offered)))
    sound = dialect.read(media(timestamp=timestamp_ms, payload=base64.b64encode(b"abc").decode()), None)
    assert sound == TrackSound(1, first, b"abc")


@pytest.mark.parametrize(
    ("text", "content", "refusal"),
    [
        (None, b"x", Refusal.BAD_MESSAGE),
        (media(track="outbound"), None, Refusal.BAD_SOUND),
        (media(payload="!"), None, Refusal.BAD_SOUND),
        (media(timestamp=-1), None, Refusal.BAD_MESSAGE),
        ('{"event": "song"}', None, Refusal.BAD_MESSAGE),
    ],
)
def test_what_twilio_does_not_send_is_refused(text: str | None, content: bytes | None, refusal: Refusal) -> None:
    with pytest.raises(CallRefused) as refused:
        TwilioDialect(twilio.MediaClock(("inbound",), lambda: (0,))).read(text, content)
    assert refused.value.refusal is refusal


def test_other_messages_of_twilio_are_nothing_or_the_end() -> None:
    dialect = TwilioDialect(twilio.MediaClock(("inbound",), lambda: (0,)))
    assert dialect.read('{"event": "dtmf"}', None) is None
    assert dialect.read('{"event": "connected"}', None) is None
    assert isinstance(dialect.read('{"event": "stop"}', None), Stop)


def stream(tracks: list[str], parameters: dict[str, str]) -> twilio.Start:
    message = twilio.twilio_message(json.dumps({"event": "start", "start": {
        "streamSid": "S", "callSid": "C", "tracks": tracks, "customParameters": parameters,
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }}))  # fmt: skip
    assert isinstance(message, twilio.Start)
    return message


def test_a_stream_of_twilio_is_a_call_with_its_parameters() -> None:
    given = {"agent_id": "A7", "queue": "", "token": "secret", "shop": "north", "k" * 101: "v" * 501}
    start = twilio.call_start(stream(["outbound", "inbound"], given), "me")
    assert (start.sample_rate_hz, start.roles, start.owner) == (8000, (Role.AGENT, Role.CLIENT), "me")
    assert (start.metadata.agent_id, start.metadata.queue) == ("A7", None)
    assert start.metadata.extra == {
        "shop": "north", "k" * 100: "v" * 500, "twilio_stream": "S", "twilio_call": "C"
    }  # fmt: skip
    assert twilio.token_of(stream(["inbound"], given)) == "secret"
    odd = twilio.call_start(
        stream(["inbound"], {"direction": "sideways", "agent_id": "A7", "shop": "s"}), "me"
    ).metadata
    assert (odd.direction, odd.agent_id) == (None, None)
    assert odd.extra == {
        "shop": "s", "direction_unreadable": "sideways", "agent_id_unreadable": "A7", "twilio_stream": "S",
        "twilio_call": "C",
    }  # fmt: skip


def test_a_reason_is_cut_to_what_a_close_frame_holds_at_a_character() -> None:
    assert short("x" * MOST_REASON_BYTES) == "x" * MOST_REASON_BYTES
    assert short("x" * (MOST_REASON_BYTES - 1) + "é") == "x" * (MOST_REASON_BYTES - 1)
    assert set(OF_REFUSAL) == set(Refusal)
    assert len(OF_END) == 8


def test_a_credit_comes_after_a_quarter_of_the_buffer_or_a_second() -> None:
    """A window of 4000 bytes, samples of 2 bytes."""
    recorded = [0, 0]
    call = cast(LiveCall, SimpleNamespace(
        header=SimpleNamespace(start=SimpleNamespace(encoding=SimpleNamespace(sample_bytes=2)))))  # fmt: skip
    told: list[Any] = []

    async def follow() -> None:
        call.recorded = (0, 0)  # type: ignore[misc]
        credit = Credits(call, 4000)
        assert credit.look_again_s == 0.25
        for more, pause_s in (
            (0, 2.0), (499, 0.0), (1, 0.0), (0, 5.0), (1, 0.5), (0, 0.5), (499, 0.9), (0, 0.2), (0, 9.0), (500, 0.0)
        ):  # fmt: skip
            recorded[1] += more
            call.recorded = tuple(recorded)  # type: ignore[misc]
            await asyncio.sleep(pause_s)
            due = credit.due()
            told.append(None if due is None else json.loads(due))

    with asyncio.Runner(loop_factory=Jumping) as runner:
        runner.run(follow())
    assert [one and one["received"][1] for one in told] == [
        None, 499, None, 500, None, 501, None, 1000, None, 1500
    ]  # fmt: skip
    assert told[1] == {"type": "credit", "received": [0, 499]}
