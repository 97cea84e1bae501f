"""The service under load and abuse, on loopback: what is accepted, how long it takes, how much memory it needs.

    python -m bench.service_load [--submissions 500] [--slow 100] [--cut 50] [--sockets 100] [--kills 4]

A server of its own with a fresh database and no workers; client and server share the machine. Ends with 1 where
something that was accepted is lost, or an answer is not the one that is wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import connect as ws_connect
from websockets.exceptions import ConnectionClosed

from bench.options import options_of
from bench.serving.abuse import WANTED, bad_requests, endless_address, wrong_tokens
from bench.serving.server import PATIENCE_S, WAV, Server, recording
from service.live.messages import FRAME_HEADER


async def at_once(many: Sequence[Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*many, return_exceptions=True))


async def submissions(server: Server, contents: Sequence[bytes], kind: str = "load") -> dict[str, Any]:
    """All at once, half of them as forms."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=PATIENCE_S, limits=limits) as client:

        async def hand_in(number: int, content: bytes) -> tuple[int, float]:
            began = time.monotonic()
            headers = {"Idempotency-Key": f"{kind}-{number}"}
            if number % 2:
                files = {"recording": (f"{number}.wav", content)}
                answer = await client.post("/v1/jobs", files=files, headers=headers)
            else:
                answer = await client.post(
                    "/v1/jobs", content=content, params={"file_name": f"{number}.wav"}, headers={**headers, **WAV}
                )
            return answer.status_code, time.monotonic() - began

        began = time.monotonic()
        answers = await at_once([hand_in(number, content) for number, content in enumerate(contents)])
        wall_s = time.monotonic() - began
    taken_s = [answer[1] for answer in answers if isinstance(answer, tuple)]
    statuses = Counter(str(a[0]) if isinstance(a, tuple) else type(a).__name__ for a in answers)
    return {
        "answers": dict(statuses),
        "wall_s": round(wall_s, 2),
        "p50_s": round(statistics.median(taken_s), 2),
        "p95_s": round(sorted(taken_s)[int(0.95 * (len(taken_s) - 1))], 2),
    }


async def slow_clients(server: Server, number: int, content: bytes) -> dict[str, Any]:
    """They send a few bytes a second; a quick one is served beside them."""

    async def slow() -> str:
        reader, writer = await asyncio.open_connection(*server.where)
        writer.write(_head(server, len(content)))
        try:
            for first in range(0, len(content), 20):
                writer.write(content[first : first + 20])
                await writer.drain()
                await asyncio.sleep(0.5)
            line = await reader.readline()
        except OSError:
            return "cut off"
        finally:
            writer.close()
        return line.split()[1].decode() if line else "cut off"

    async def quick() -> tuple[int, float]:
        await asyncio.sleep(2)
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=server.address, timeout=PATIENCE_S) as client:
            answer = await client.post("/v1/jobs", content=content, params={"file_name": "quick.wav"}, headers=WAV)
        return answer.status_code, time.monotonic() - began

    *slow_ones, fast = await at_once([*(slow() for _ in range(number)), quick()])
    status, took_s = fast
    return {"slow": dict(Counter(map(str, slow_ones))), "quick": status, "quick_s": round(took_s, 2)}


def _head(server: Server, length: int, key: str = "") -> bytes:
    host, port = server.where
    lines = [
        "POST /v1/jobs?file_name=a.wav HTTP/1.1", f"Host: {host}:{port}", "Content-Type: audio/wav",
        f"Content-Length: {length}", *([f"Idempotency-Key: {key}"] if key else []), "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def cut_uploads(server: Server, contents: Sequence[bytes]) -> dict[str, Any]:
    """Each is cut in the middle, found by its key, and continued."""
    ends: Counter[int] = Counter()
    with httpx.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        for number, content in enumerate(contents):
            with socket.create_connection(server.where) as connection:
                connection.sendall(_head(server, len(content), f"cut-{number}") + content[: len(content) // 2])
        for number, content in enumerate(contents):
            where = _left(client, f"cut-{number}")
            while (went_on := _go_on(client, where, content)) == httpx.codes.CONFLICT:
                time.sleep(0.5)  # the server has not noticed yet that it was cut
            ends[went_on] += 1
    return {"continued": {str(status): count for status, count in ends.items()}}


def _go_on(client: httpx.Client, where: str, content: bytes) -> int:
    here = int(client.head(where).headers["Upload-Offset"])
    return client.patch(where, content=content[here:], headers={"Upload-Offset": str(here)}).status_code


def _left(client: httpx.Client, key: str) -> str:
    while True:
        jobs = client.get("/v1/jobs", params={"idempotency_key": key}).json()["jobs"]
        if jobs and jobs[0]["links"]["recording"]:
            return str(jobs[0]["links"]["recording"])
        time.sleep(0.1)


async def sockets(server: Server, number: int, seconds: float = 4.0) -> dict[str, Any]:
    """That many live calls at once; every second client stops reading and sending in mid-call."""
    noise = np.random.default_rng(1).integers(-9000, 9000, int(8000 * seconds)).astype("<i2")

    async def call(stalls: bool) -> str:
        host, port = server.where
        async with ws_connect(f"ws://{host}:{port}/v1/live", open_timeout=PATIENCE_S, max_queue=1) as socket:
            first = {"type": "start", "sample_rate_hz": 8000, "encoding": "pcm_s16le", "tracks": ["client"]}
            try:
                await socket.send(json.dumps(first))
                await socket.recv()
                for sample in range(0, len(noise), 1600):
                    await socket.send(FRAME_HEADER.pack(0, sample) + noise[sample : sample + 1600].tobytes())
                if stalls:
                    await asyncio.sleep(2 * seconds)
                    return "stalled"
                await socket.send(json.dumps({"type": "stop"}))
                while True:
                    await socket.recv()
            except ConnectionClosed as closed:
                return str(closed.rcvd.code if closed.rcvd else "cut off")

    began = time.monotonic()
    ends = await at_once([call(stalls=bool(client % 2)) for client in range(number)])
    return {"ends": dict(Counter(map(str, ends))), "wall_s": round(time.monotonic() - began, 1)}


async def killed(server: Server, contents: Sequence[bytes], after: int) -> dict[str, Any]:
    """Killed when `after` are accepted and the others under way; then each accepted job and its recording are there."""
    accepted: dict[str, str] = {}
    enough = asyncio.Event()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=PATIENCE_S, limits=limits) as client:

        async def hand_in(number: int, content: bytes) -> None:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(
                    "/v1/jobs", content=content, params={"file_name": f"{number}.wav"}, headers=WAV
                )
                if answer.status_code == 202:
                    accepted[answer.json()["job_id"]] = hashlib.sha256(content).hexdigest()
                    if len(accepted) >= after:
                        enough.set()

        under_way = [asyncio.ensure_future(hand_in(number, content)) for number, content in enumerate(contents)]
        await enough.wait()
        await asyncio.to_thread(server.stop, signal.SIGKILL)
        await at_once(under_way)
    server.start()
    lost = 0
    with httpx.Client(base_url=server.address, timeout=PATIENCE_S) as again:
        for job_id, sha256 in accepted.items():
            told = again.get(f"/v1/jobs/{job_id}")
            lost += told.status_code != 200 or not _is_there(server, job_id, sha256)
    return {"accepted": len(accepted), "lost": lost}


def _is_there(server: Server, job_id: str, sha256: str) -> bool:
    files = [path for path in server.recordings.glob(f"*/{job_id}/*") if path.suffix == ".wav"]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == [sha256]


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--submissions", type=int, default=500)
    parser.add_argument("--slow", type=int, default=100)
    parser.add_argument("--cut", type=int, default=50)
    parser.add_argument("--sockets", type=int, default=100)
    parser.add_argument("--kills", type=int, default=4)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="earshot-load-"))
    folder.chmod(0o755)
    server = Server(folder)
    try:
        contents = [recording(folder, number) for number in range(given.submissions)]
        server.start()
        asyncio.run(submissions(server, contents[:1]))
        report: dict[str, Any] = {"rss_before_mb": round(server.memory_mb())}
        report["submissions"] = asyncio.run(submissions(server, contents))
        report["rss_peak_mb_submissions"] = round(server.peak_mb)
        report["bad requests"] = bad_requests(server)
        report["wrong tokens"] = wrong_tokens(server)
        report["endless address"] = endless_address(server)
        report["cut"] = cut_uploads(server, [recording(folder, n, 60.0) for n in range(given.cut)])
        report["slow"] = asyncio.run(slow_clients(server, given.slow, contents[0]))
        report["sockets"] = asyncio.run(sockets(server, given.sockets))
        large = recording(folder, 0, 1000.0)
        report["large"] = asyncio.run(submissions(server, [large] * 8, "large"))
        report["rss_peak_mb"] = round(server.peak_mb)
        kills = [asyncio.run(killed(server, contents[:100], 1 + 5 * number)) for number in range(given.kills)]
        report["kills"] = kills
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"bench": "service_load", **report}))
    clean = all(
        [
            set(report["submissions"]["answers"]) == set(report["large"]["answers"]) == {"202"},
            report["bad requests"] == WANTED,
            set(report["wrong tokens"]["answers"]) <= {"401", "429"} and report["wrong tokens"]["then"] == 200,
            report["endless address"]["state"] == "failed",
            set(report["cut"]["continued"]) == {"202"},
            report["slow"]["quick"] == 202,
            set(report["sockets"]["ends"]) <= {"1000", "1013", "stalled"},
            all(kill["accepted"] and not kill["lost"] for kill in kills),
        ]
    )
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
