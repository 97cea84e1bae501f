"""The WebSocket: calls sent, heard, taken up again; whatever else clients do."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable

import numpy as np
import pytest
from fastapi import HTTPException
from starlette.requests import HTTPConnection
from websockets.exceptions import InvalidStatus

from service.access import LOCAL, Principal, Scope
from service.live import socket as live_socket
from service.live.messages import FRAME_HEADER
from tests.live_rooms import RATE_HZ, SaysItsPlace, speech
from tests.service.live.conftest import Client, Serve, Served
from tests.waiting import until

Open = Callable[..., Client]


def recorded(served: Served, session: str) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    with wave.open(str(served.bed.recordings.taken[session])) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)


def test_a_call_is_sent_and_told(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    started = one.start(metadata={"queue": "billing", "direction": "inbound"})
    assert (started["type"], started["received"]) == ("started", [0, 0])
    one.talk(16.0)
    one.say(type="stop")
    assert one.code() == (1000, "stopped")
    turns = [event for event in one.events if event["type"] == "turn"]
    assert {turn["role"] for turn in turns} == {"client", "agent"}
    assert all(turn["mood"]["label"] == "positive" for turn in turns)
    numbers = [event["event"] for event in one.events]
    assert numbers == sorted(numbers)
    assert [event["type"] for event in one.events[-2:]] == ["analysis", "ended"]
    assert one.events[-1]["job"] == f"job of {started['session']}"
    assert (recorded(served, started["session"]) == speech(16.0)).all()
    assert served.bed.rows.begun[started["session"]].start.metadata.queue == "billing"


def test_whoever_is_told_a_live_call_is_in_the_audit(serve: Serve, client: Open) -> None:
    """Pages and events were; the WebSocket, which is told every turn, was not."""
    served = serve()
    one = client(served)
    session = one.start()["session"]
    until(lambda: served.audit.told)
    one.socket.close()
    two = client(served)
    two.say(type="resume", session=session, last_event=0)
    two.until("resumed")
    until(lambda: len(served.audit.told) > 1)
    assert set(served.audit.told) == {(served.audit.told[0][0], session, True)}


def test_no_word_is_told_before_that_is_put_down_and_the_call_is_heard_all_the_same(serve: Serve, client: Open) -> None:
    served = serve()
    served.audit.broken = 1
    one = client(served)
    session = one.start()["session"]
    one.talk(16.0)
    one.say(type="stop")
    first = one.until("turn")
    assert served.audit.told, "before the first word"
    assert first["text"]
    assert one.code() == (1000, "stopped")
    assert (recorded(served, session) == speech(16.0)).all()


def test_mulaw_at_8_khz_on_one_track(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    started = one.start(sample_rate_hz=8000, encoding="mulaw", tracks=["unknown"])
    one.frame(0, 0, bytes([0x00, 0x80, 0xFF]))
    one.say(type="stop")
    assert one.code()[0] == 1000
    with wave.open(str(served.bed.recordings.taken[started["session"]])) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        assert np.frombuffer(file.readframes(3), dtype="<i2").tolist() == [-32124, 32124, 0]


def test_credits_tell_what_is_recorded(serve: Serve, client: Open) -> None:
    one = client(serve(buffer_bytes=16_384))
    one.start()
    one.talk(2.0)
    while one.until("credit")["received"] != [RATE_HZ * 2, RATE_HZ * 2]:
        pass


def test_a_lost_connection_goes_on_where_it_was(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    session = one.start()["session"]
    one.talk(9.0)
    first_turn = one.until("turn")
    one.socket.socket.close()  # no goodbye
    other = client(served)
    other.say(type="resume", session=session, last_event=first_turn["event"])
    resumed = other.next()
    assert resumed["type"] == "resumed"
    since = min(resumed["received"])
    other.talk(16.0, since_s=since / RATE_HZ - 0.5)  # some of it twice
    other.say(type="stop")
    assert other.code()[0] == 1000
    assert (recorded(served, session) == speech(16.0)).all()
    numbers = [event["event"] for event in other.events]
    assert min(numbers) > first_turn["event"]
    ordinals = [(event["track"], event["ordinal"]) for event in (*one.events, *other.events) if event["type"] == "turn"]
    assert len(ordinals) == len(set(ordinals))


def test_events_that_were_missed_are_told_again(serve: Serve, client: Open) -> None:
    served = serve()
    one = client(served)
    session = one.start()["session"]
    one.talk(9.0)
    one.say(type="stop")
    one.code()
    again = client(served)
    again.say(type="resume", session=session, last_event=0)
    assert again.code()[0] == 1000
    lasting = [event for event in one.events if event["type"] != "partial"]
    assert [event for event in again.events if event["type"] != "partial"] == lasting


def test_the_latest_connection_has_the_call(serve: Serve, client: Open) -> None:
    served = serve()
    one, other = client(served), client(served)
    session = one.start()["session"]
    other.say(type="resume", session=session, last_event=0)
    assert other.next()["type"] == "resumed"
    assert one.code()[0] == 4409
    other.talk(1.0)
    other.say(type="stop")
    assert other.code()[0] == 1000


FIRST = {"type": "start", "sample_rate_hz": 8000, "encoding": "pcm_s16le", "tracks": ["client", "agent"]}


@pytest.mark.parametrize(
    ("message", "code", "says"),
    [
        ("{", 4400, "Invalid JSON"),
        ("[" * 5000, 4400, "Invalid JSON"),
        ("null", 4400, "first message"),
        (b"\x00\x00\x00\x00\x00", 4400, "a text"),
        (json.dumps(FIRST | {"type": "begin"}), 4400, "type"),
        (json.dumps(FIRST | {"sample_rate_hz": 4000}), 4400, "sample_rate_hz"),
        (json.dumps(FIRST | {"sample_rate_hz": 192_000}), 4400, "sample_rate_hz"),
        (json.dumps(FIRST | {"sample_rate_hz": "quick"}), 4400, "sample_rate_hz"),
        (json.dumps(FIRST | {"encoding": "opus"}), 4400, "encoding"),
        (json.dumps(FIRST | {"tracks": []}), 4400, "tracks"),
        (json.dumps(FIRST | {"tracks": ["agent"] * 3}), 4400, "tracks"),
        (json.dumps(FIRST | {"tracks": ["boss"]}), 4400, "tracks"),
        (json.dumps(FIRST | {"colour": "red"}), 4400, "colour"),
        (json.dumps(FIRST | {"metadata": {"language": "English"}}), 4400, "language"),
        (json.dumps(FIRST | {"version": 2}), 4400, "version"),
        (json.dumps({"type": "resume", "session": "nobody", "last_event": 0}), 4404, "can be resumed"),
        (json.dumps({"type": "resume", "session": "nobody", "last_event": -1}), 4400, "last_event"),
        (json.dumps({"event": "stop"}), 4400, "start"),
        (json.dumps({"event": "shout"}), 4422, "event"),
    ],
)
def test_a_bad_first_message_is_refused_with_its_reason(
    serve: Serve, client: Open, message: str | bytes, code: int, says: str
) -> None:
    served = serve()
    one = client(served)
    one.socket.send(message)
    assert one.code()[0] == code
    assert says in one.told[-1]["reason"]
    assert not served.bed.room.calls


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("{", "Invalid JSON"),
        (json.dumps({"type": "go"}), "type"),
        (b"\x00", "header of 5 bytes"),
        (FRAME_HEADER.pack(7, 0) + b"ab", "no track 7"),
        (FRAME_HEADER.pack(0, 0) + b"abc", "no whole samples"),
        (FRAME_HEADER.pack(0, 2**32 - 1) + b"ab", "a gap may be"),
    ],
)
def test_a_bad_message_ends_the_connection_and_not_the_call(
    serve: Serve, client: Open, message: str | bytes, says: str
) -> None:
    served = serve()
    one = client(served)
    session = one.start()["session"]
    one.talk(0.5)
    one.socket.send(message)
    assert one.code()[0] == 4422
    assert says in one.told[-1]["reason"]
    other = client(served)
    other.say(type="resume", session=session, last_event=0)
    assert other.next()["received"] == [RATE_HZ // 2, RATE_HZ // 2]


def test_a_message_that_is_too_long_ends_the_connection(serve: Serve, client: Open) -> None:
    served = serve(max_message_bytes=2048)
    one = client(served)
    one.start()
    one.frame(0, 0, bytes(4096))
    assert one.code()[0] == 1009


def test_there_is_no_room_for_another_call(serve: Serve, client: Open) -> None:
    served = serve(max_calls=1)
    first, second = client(served), client(served)
    first.start()
    second.start()
    code, reason = second.code()
    assert code == 1013
    assert "live.max_calls" in reason


def test_a_silent_client_is_let_go(serve: Serve, client: Open) -> None:
    one = client(serve(idle_s=0.2))
    one.start()
    assert one.code()[0] == 4408


def test_a_call_that_is_too_long_is_ended(serve: Serve, client: Open) -> None:
    served = serve(max_call_s=1.0)
    one = client(served)
    session = one.start()["session"]
    one.talk(1.6)
    assert one.code()[0] == 4413
    assert 0 < len(recorded(served, session)) <= RATE_HZ


def test_who_never_begins_a_call_is_let_go(serve: Serve, client: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_socket, "START_WITHIN_S", 0.2)
    assert client(serve()).code()[0] == 4408


@pytest.mark.parametrize("stage", ["before the start", "in mid-call", "after stop"])
def test_a_client_that_vanishes_leaves_nothing_behind(serve: Serve, client: Open, stage: str) -> None:
    served = serve(resume_s=0.2)
    one = client(served)
    sessions = []
    if stage != "before the start":
        sessions.append(one.start()["session"])
        one.talk(1.0)
        until(lambda: served.bed.room.calls[0].recorded == (RATE_HZ, RATE_HZ))
    if stage == "after stop":
        one.say(type="stop")
    one.socket.socket.close()
    until(lambda: not served.bed.room.calls)
    assert list(served.bed.recordings.taken) == sessions
    for session in sessions:
        assert (recorded(served, session) == speech(1.0)).all()


def test_pages_of_other_sites_may_not_connect(serve: Serve, client: Open) -> None:
    served = serve()
    with pytest.raises(InvalidStatus):
        client(served, origin="https://elsewhere.example")
    client(served, origin=f"http://{served.address}").start()


class TokenGate:
    """Knows one token that may hand calls in, and one that may only read."""

    def admit(self, connection: HTTPConnection) -> Principal:
        scopes = {"Bearer in": Scope.SUBMIT, "Bearer out": Scope.READ}
        scope = scopes.get(connection.headers.get("authorization", ""))
        if scope is None:
            raise HTTPException(401, "no such token")
        return Principal(name=f"may {scope}", scopes=frozenset({scope}))


@pytest.mark.parametrize(
    ("header", "token", "code"),
    [("in", None, None), (None, "in", None), (None, None, 4401), (None, "wrong", 4401), ("out", None, 4401)],
)
def test_who_hands_a_call_in_is_known(
    serve: Serve, client: Open, header: str | None, token: str | None, code: int | None
) -> None:
    served = serve(gate=TokenGate())
    headers = {"additional_headers": {"Authorization": f"Bearer {header}"}} if header else {}
    one = client(served, **headers)
    answer = one.start(**({"token": token} if token else {}))
    if code is None:
        assert served.bed.room.calls[0].header.start.owner == "may submit"
    else:
        assert (answer["code"], one.code()[0]) == (code, code)
        assert not served.bed.room.calls


def test_calls_of_the_local_user_belong_to_it(serve: Serve, client: Open) -> None:
    served = serve()
    client(served).start()
    assert served.bed.room.calls[0].header.start.owner == LOCAL.name


def test_what_was_said_before_a_recogniser_answers_is_told_when_it_does(serve: Serve, client: Open) -> None:
    recogniser = SaysItsPlace()
    recogniser.silent = True
    served = serve(recogniser)
    one = client(served)
    session = one.start()["session"]
    one.talk(9.0)
    one.say(type="stop")
    one.until("ending")
    until(lambda: session in served.bed.recordings.taken)
    recogniser.answer_all()
    assert one.code()[0] == 1000
    assert [event["type"] for event in one.events].count("turn") >= 1
