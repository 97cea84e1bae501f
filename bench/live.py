"""Live calls: how long after somebody has finished speaking the turn is told, and how many calls a machine holds.

    python -m bench.live [--calls 1,4,16] [--seconds 40] [--recognisers sleeping,tiny.en] [--data ../shared/data]

A server in a process of its own takes two-track calls over WebSockets, at the pace at which people talk: the Harper
Valley calls of the reference data, else the sample calls, each call from another place on. A turn's delay is counted
from the moment the last sample of its speech was sent to the moment its final turn arrives, mood included; the silence
that ends a turn (`live.end_silence_ms`) is part of it.

- sleeping: a recogniser that waits a twentieth of the speech's length and draws words;
- tiny.en: Whisper tiny.en on the processor.

Prints a JSON line for each recogniser and number of calls; the last line has all of them.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.materials.recordings import PROJECT
from bench.materials.testbed import processor_s, with_children
from bench.options import options_of

RATE_HZ = 8_000
FRAME_S = 0.04
LONGEST_S = 60.0
"""Rest of a round after the last sample: what is not told by then counts as lost."""
RECOGNISERS: dict[str, dict[str, Any]] = {
    "sleeping": {"engines": ["scripted"], "scripted": {"missing": "hash", "sleep_per_audio_s": 0.05}},
    "tiny.en": {
        "engines": ["faster_whisper"],
        "faster_whisper": {
            "model": "Systran/faster-whisper-tiny.en",
            "revision": "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
            "compute_type": "int8",
        },
    },
}
Tracks = npt.NDArray[np.int16]
"""Shape (samples, 2) at RATE_HZ."""


# ------------------------------------------------------------------------------------------------- server


class _Nowhere:
    """`LiveStore`: rows are no part of what is measured."""

    def begin(self, header: object) -> None: ...

    def add_turn(self, session: str, turn: object) -> None: ...

    def handed_over(self, session: str, source_uri: str | None, job: str | None) -> None: ...

    def end(self, session: str, reason: str, duration_s: float | None, analysis: object) -> None: ...


class _NoAudit:
    """Who is told the words is no part of what is measured."""

    def read_live(self, reader: object, session: str, *, hands_in: bool = False) -> None: ...


def _serve(settings: dict[str, Any], told: Connection) -> None:
    """Runs in the server's process."""
    from fastapi import FastAPI

    from commands.serving.live import open_live_room
    from commands.serving.server import server_of
    from pipeline.config.root import Settings
    from pipeline.live.ports import HandedOver
    from service.access.needs import OpenGate
    from service.live import routes

    room = open_live_room(
        Settings.model_validate(settings), _Nowhere(), lambda _, header: HandedOver(header.session, None)
    )
    app = FastAPI()
    app.state.live, app.state.gate, app.state.context = room, OpenGate(), SimpleNamespace(audit=_NoAudit())
    app.include_router(routes.router)
    server = server_of(app)
    server.config.port = 0

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.05)
        told.send(server.servers[0].sockets[0].getsockname()[1])

    async def run() -> None:
        telling = asyncio.create_task(tell())
        await server.serve()
        await telling

    asyncio.run(run())
    room.close()


# ------------------------------------------------------------------------------------------------ clients


class _Caller:
    """One call at the pace of talk."""

    def __init__(self, url: str, sound: Tracks) -> None:
        self._url = url
        self._sound = sound
        self.delays_s: list[float] = []
        self.partials = 0
        self.unheard = 0
        """Turns without words."""
        self.moods = 0
        self.why_no_mood = "no turn"
        self.late_s = 0.0
        """How far its own sending fell behind: the measuring process was too slow."""

    async def run(self, begin_after_s: float) -> None:
        from websockets.asyncio.client import connect

        from service.live.messages import FRAME_HEADER

        await asyncio.sleep(begin_after_s)
        async with connect(self._url, compression=None, open_timeout=60, ping_timeout=None) as socket:
            first: dict[str, Any] = {"type": "start", "sample_rate_hz": RATE_HZ, "encoding": "pcm_s16le"}
            first |= {"tracks": ["client", "agent"], "metadata": {"language": "en"}}
            await socket.send(json.dumps(first))
            await socket.recv()
            began = time.monotonic()
            reader = asyncio.create_task(self._read(socket, began))
            step = int(FRAME_S * RATE_HZ)
            for sample in range(0, len(self._sound), step):
                due = began + (sample + step) / RATE_HZ
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.late_s = max(self.late_s, time.monotonic() - due)
                for track in (0, 1):
                    content = np.ascontiguousarray(self._sound[sample : sample + step, track]).tobytes()
                    await socket.send(FRAME_HEADER.pack(track, sample) + content)
            await socket.send(json.dumps({"type": "stop"}))
            await asyncio.wait_for(reader, LONGEST_S)

    async def _read(self, socket: Any, began: float) -> None:
        length_s = len(self._sound) / RATE_HZ
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "partial":
                self.partials += 1
            elif message["type"] == "turn":
                self.unheard += not message["text"]
                self.moods += message["mood"]["label"] is not None
                self.why_no_mood = message["mood"]["reason"] or self.why_no_mood
                if message["end_s"] < length_s - 0.3:  # not one that the end of the call cut off
                    self.delays_s.append(time.monotonic() - began - (message["end_s"] - _PADDING_S))
            elif message["type"] == "ended":
                return


_PADDING_S = 0.25
"""`voice_activity.padding_ms`: a turn ends so long after its speech."""


async def _round(url: str, sounds: Sequence[Tracks], calls: int, seconds: float) -> list[_Caller]:
    callers = [_Caller(url, cut(sounds, number, seconds)) for number in range(calls)]
    await asyncio.gather(*(caller.run(number * seconds / 8 / calls) for number, caller in enumerate(callers)))
    return callers


def cut(sounds: Sequence[Tracks], number: int, seconds: float) -> Tracks:
    """So many seconds of one of the calls, from another place on for each number; it begins again at its end."""
    sound = sounds[number % len(sounds)]
    places = np.arange(round(seconds * RATE_HZ)) + number * 7 * RATE_HZ
    chosen: Tracks = sound[places % len(sound)]
    return chosen


def sounds_of(data: Path) -> list[Tracks]:
    """Two-track calls of people where the reference data is there, else the samples."""
    import av

    found = sorted((data / "calls" / "harper_valley").glob("*.wav"))
    sounds = []
    for path in found or sorted((PROJECT / "samples" / "calls").glob("*.flac")):
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE_HZ)
            frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        sounds.append(np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in frames]).astype(np.int16))
    return sounds


# ---------------------------------------------------------------------------------------------- measuring


def measured(recogniser: str, calls: Sequence[int], seconds: float, data: Path) -> list[dict[str, Any]]:
    """A line for each number of calls, with one server."""
    with tempfile.TemporaryDirectory() as folder:
        live = {"directory": folder, "max_calls": max(calls) + 1, "max_backlog_s": 3600.0, "analysis": False}
        settings = {"live": live, "transcription": RECOGNISERS[recogniser]}
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        server = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings, theirs))
        server.start()
        try:
            if not ours.poll(120):
                raise SystemExit("the server did not start")
            url = f"ws://127.0.0.1:{ours.recv()}/v1/live"
            sounds = sounds_of(data)
            _warm(url, sounds)
            lines = []
            for number in calls:
                before, load = processor_s(with_children(server.pid)), os.getloadavg()[0]
                callers = asyncio.run(_round(url, sounds, number, seconds))
                used = processor_s(with_children(server.pid)) - before
                lines.append(_line(recogniser, callers, calls=number, seconds=seconds, processor_s=used, load=load))
                print(json.dumps(lines[-1]), flush=True)
            return lines
        finally:
            _end(server.pid)
            server.join()


def _warm(url: str, sounds: Sequence[Tracks]) -> None:
    """Calls until recogniser and moods are loaded."""
    for _ in range(12):
        (caller,) = asyncio.run(_round(url, sounds, 1, 12.0))
        if caller.moods:
            return
    raise SystemExit(f"no turn with words and a mood in twelve calls: {caller.why_no_mood}")


def _line(
    recogniser: str, callers: Sequence[_Caller], *, calls: int, seconds: float, processor_s: float, load: float
) -> dict[str, Any]:
    delays = np.array([delay for caller in callers for delay in caller.delays_s])
    per_call = processor_s / (calls * seconds)
    return {
        "recogniser": recogniser,
        "calls": calls,
        "seconds": seconds,
        "turns": len(delays),
        "delay_p50_s": round(float(np.percentile(delays, 50)), 2) if len(delays) else None,
        "delay_p95_s": round(float(np.percentile(delays, 95)), 2) if len(delays) else None,
        "partials": sum(caller.partials for caller in callers),
        "turns_with_mood": sum(caller.moods for caller in callers),
        "turns_without_words": sum(caller.unheard for caller in callers),
        "server_processor_s_per_call_s": round(per_call, 3),
        "calls_by_processor": round((os.cpu_count() or 1) / per_call, 1),
        "sent_late_s": round(max(caller.late_s for caller in callers), 2),
        "load_before": round(load, 1),
    }


def _end(pid: int | None) -> None:
    for process in reversed(with_children(pid)):
        process.kill()


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--calls", default="1,4,16")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--recognisers", default="sleeping,tiny.en")
    given = parser.parse_args()
    calls = [int(number) for number in given.calls.split(",")]
    lines = [line for name in given.recognisers.split(",") for line in measured(name, calls, given.seconds, given.data)]
    print(json.dumps({"live": lines}))


if __name__ == "__main__":
    main()
