"""The service under load and abuse, on loopback: what is accepted, how long it takes, how much memory it needs.

    python -m bench.service_load [--submissions 500] [--slow 100] [--cut 50] [--kills 4]

A server of its own with a fresh database and no workers; client and server share the machine. Ends with 1 where
something that was accepted is lost, an answer is no clear one, or a part is left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from bench.materials.recordings import write_wav

PROJECT = Path(__file__).resolve().parent.parent
_STALL_S = 5.0
_PATIENCE_S = 600.0
_WAV = {"Content-Type": "audio/wav"}


class Server:
    """`run.py serve` over a folder, killed and started again at will."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.peak_mb = 0.0
        self.address = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        settings = {
            "database.data_dir": self.folder / "database", "output.directory": self.folder / "output",
            "run.spool_dir": self.folder / "spool", "service.recordings_dir": self.recordings, "service.workers": 0,
            "service.upload_stall_s": _STALL_S, "service.max_recording_mb": 20, "service.fetch_timeout_s": 5,
            "service.trusted_hosts": "[127.0.0.1]", "transcription.engines": "[sphinx]",
        }  # fmt: skip
        config = self.folder / "config.yaml"
        config.touch()
        command = [sys.executable, "run.py", "serve", "--port", "0", "--config", str(config)]
        command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while not self.address.startswith("http"):
            self.address = self._process.stdout.readline().split()[0]
        threading.Thread(target=self._measure, args=(self._process.pid,), daemon=True).start()

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    @property
    def where(self) -> tuple[str, int]:
        host, _, port = self.address.removeprefix("http://").rstrip("/").rpartition(":")
        return host, int(port)

    def stop(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(120)
        self.address = ""

    def memory_mb(self) -> float:
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / 1e6

    def _measure(self, pid: int) -> None:
        with contextlib.suppress(psutil.Error):
            while True:
                self.peak_mb = max(self.peak_mb, psutil.Process(pid).memory_info().rss / 1e6)
                time.sleep(0.1)

    def parts(self) -> list[Path]:
        return [path for path in (self.recordings / ".uploads").iterdir() if path.is_file()]


def recording(folder: Path, number: int, seconds: float = 4.0) -> bytes:
    """A WAV file of 64 kB for 4 seconds, each with other samples."""
    noise = np.random.default_rng(number).integers(-9000, 9000, (int(8000 * seconds), 1)).astype(np.int16)
    return write_wav(folder / f"{number}.wav", noise, rate_hz=8000).read_bytes()


async def at_once(many: Sequence[Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*many, return_exceptions=True))


async def submissions(server: Server, contents: Sequence[bytes], kind: str = "load") -> dict[str, Any]:
    """All at once, half of them as forms."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=_PATIENCE_S, limits=limits) as client:

        async def one(number: int, content: bytes) -> tuple[int, float]:
            began = time.monotonic()
            headers = {"Idempotency-Key": f"{kind}-{number}"}
            if number % 2:
                files = {"recording": (f"{number}.wav", content)}
                answer = await client.post("/v1/jobs", files=files, headers=headers)
            else:
                answer = await client.post(
                    "/v1/jobs", content=content, params={"file_name": f"{number}.wav"}, headers={**headers, **_WAV}
                )
            return answer.status_code, time.monotonic() - began

        began = time.monotonic()
        answers = await at_once([one(number, content) for number, content in enumerate(contents)])
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
            for at in range(0, len(content), 20):
                writer.write(content[at : at + 20])
                await writer.drain()
                await asyncio.sleep(0.5)
        except OSError:
            pass
        line = await reader.readline()
        writer.close()
        return line.split()[1].decode() if line else "cut off"

    async def quick() -> tuple[int, float]:
        await asyncio.sleep(2)
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=server.address, timeout=_PATIENCE_S) as client:
            answer = await client.post("/v1/jobs", content=content, params={"file_name": "quick.wav"}, headers=_WAV)
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
    with httpx.Client(base_url=server.address, timeout=_PATIENCE_S) as client:
        for number, content in enumerate(contents):
            with socket.create_connection(server.where) as connection:
                connection.sendall(_head(server, len(content), f"cut-{number}") + content[: len(content) // 2])
        for number, content in enumerate(contents):
            where = _left(client, f"cut-{number}")
            here = int(client.head(where).headers["Upload-Offset"])
            ends[client.patch(where, content=content[here:], headers={"Upload-Offset": str(here)}).status_code] += 1
    return {"continued": {str(status): count for status, count in ends.items()}}


def _left(client: httpx.Client, key: str) -> str:
    while True:
        jobs = client.get("/v1/jobs", params={"idempotency_key": key}).json()["jobs"]
        if jobs and jobs[0]["links"]["recording"]:
            return str(jobs[0]["links"]["recording"])
        time.sleep(0.1)


def bad_requests(server: Server) -> dict[str, Any]:
    """Each with the status of its answer."""
    deep = b'{"recording_url": "https://example.com/", "metadata": ' + b'{"a":' * 10_000
    with httpx.Client(base_url=server.address, timeout=_PATIENCE_S) as client:
        json_type = {"Content-Type": "application/json"}
        found = {
            "oversized": client.post("/v1/jobs", content=_zeros(30_000_000), headers=_WAV),
            "deep JSON": client.post("/v1/jobs", content=deep, headers=json_type),
            "deep metadata": client.post(
                "/v1/jobs", files={"metadata": (None, '{"a":' * 10_000), "recording": ("a.wav", b"1")}
            ),
            "endless JSON": client.post("/v1/jobs", content=_zeros(10_000_000), headers=json_type),
            "no recording": client.post("/v1/jobs", content=b"words " * 1000, headers=_WAV),
        }
        return {name: answer.status_code for name, answer in found.items()}


def _zeros(total: int) -> Iterator[bytes]:
    for _ in range(total // 100_000):
        yield bytes(100_000)


class _Endless(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(bytes(65_536))
                time.sleep(0.02)

    def log_message(self, *_: object) -> None: ...


def endless_address(server: Server) -> dict[str, Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Endless) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with httpx.Client(base_url=server.address, timeout=_PATIENCE_S) as client:
            address = f"http://127.0.0.1:{other.server_address[1]}/a.wav"
            job = client.post("/v1/jobs", json={"recording_url": address}).json()["links"]["job"]
            while not (told := client.get(job).json())["ended_at"]:
                time.sleep(0.5)
        other.shutdown()
    return {"state": told["state"], "reason": told["reason"]}


async def killed(server: Server, contents: Sequence[bytes], after_s: float) -> dict[str, Any]:
    """Killed while all are under way; then every job that was accepted is there, with its recording."""
    accepted: dict[str, str] = {}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=_PATIENCE_S, limits=limits) as client:

        async def one(number: int, content: bytes) -> None:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(
                    "/v1/jobs", content=content, params={"file_name": f"{number}.wav"}, headers=_WAV
                )
                if answer.status_code == 202:
                    accepted[answer.json()["job_id"]] = hashlib.sha256(content).hexdigest()

        under_way = [asyncio.ensure_future(one(number, content)) for number, content in enumerate(contents)]
        await asyncio.sleep(after_s)
        await asyncio.to_thread(server.stop, signal.SIGKILL)
        await at_once(under_way)
    server.start()
    lost = 0
    with httpx.Client(base_url=server.address, timeout=_PATIENCE_S) as again:
        for job_id, sha256 in accepted.items():
            told = again.get(f"/v1/jobs/{job_id}")
            lost += told.status_code != 200 or not _is_there(server, job_id, sha256)
    return {"accepted": len(accepted), "lost": lost}


def _is_there(server: Server, job_id: str, sha256: str) -> bool:
    files = [path for path in server.recordings.glob(f"*/{job_id}/*") if path.suffix == ".wav"]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files] == [sha256]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.service_load", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--submissions", type=int, default=500)
    parser.add_argument("--slow", type=int, default=100)
    parser.add_argument("--cut", type=int, default=50)
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
        report["endless address"] = endless_address(server)
        report["cut"] = cut_uploads(server, [recording(folder, n, 60.0) for n in range(given.cut)])
        report["slow"] = asyncio.run(slow_clients(server, given.slow, contents[0]))
        large = recording(folder, 0, 1000.0)
        report["large"] = asyncio.run(submissions(server, [large] * 8, "large"))
        report["rss_peak_mb"] = round(server.peak_mb)
        kills = [asyncio.run(killed(server, contents[:100], 2.0 + number)) for number in range(given.kills)]
        report["kills"] = kills
    finally:
        server.stop(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report))
    clean = set(report["submissions"]["answers"]) == {"202"} and all(
        kill["accepted"] and not kill["lost"] for kill in kills
    )
    sys.exit(0 if clean else 1)


if __name__ == "__main__":
    main()
