"""What a hostile or broken client sends the service, and the answers it gets."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from bench.serving.server import PATIENCE_S, PROJECT, WAV, Server
from db.connection import connect
from pipeline.config.areas.database import DatabaseSettings


def bad_requests(server: Server) -> dict[str, Any]:
    """Each with the status of its answer."""
    deep = b'{"recording_url": "https://example.com/", "metadata": ' + b'{"a":' * 10_000
    with httpx.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        json_type = {"Content-Type": "application/json"}
        found = {
            "oversized": client.post("/v1/jobs", content=_zeros(30_000_000), headers=WAV),
            "deep JSON": client.post("/v1/jobs", content=deep, headers=json_type),
            "deep metadata": client.post(
                "/v1/jobs", files={"metadata": (None, '{"a":' * 10_000), "recording": ("a.wav", b"1")}
            ),
            "endless JSON": client.post("/v1/jobs", content=_zeros(10_000_000), headers=json_type),
            "no recording": client.post("/v1/jobs", content=b"words " * 1000, headers=WAV),
        }
        return {name: answer.status_code for name, answer in found.items()}


WANTED = {"oversized": 413, "deep JSON": 422, "deep metadata": 422, "endless JSON": 413, "no recording": 415}


def _zeros(total: int) -> Iterator[bytes]:
    for _ in range(total // 100_000):
        yield bytes(100_000)


def wrong_tokens(server: Server, tries: int = 40) -> dict[str, Any]:
    """Mistyped, unknown and expired ones in turn; then somebody without a token, from this machine, is served."""
    with httpx.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        wrong = ("earshot_AAAA_not-a-token", "e30.e30.e30", _expired(server))
        statuses = Counter(
            str(client.get("/v1/jobs", headers={"Authorization": f"Bearer {wrong[number % 3]}"}).status_code)
            for number in range(tries)
        )
        return {"answers": dict(statuses), "then": client.get("/v1/jobs").status_code}


def _expired(server: Server) -> str:
    """A token of this server's that is over."""
    command = [sys.executable, "run.py", "tokens", "create", "over", "--scope", "read", "--days", "1"]
    where = ["--config", str(server.folder / "config.yaml"), "--set", f"database.data_dir={server.folder / 'database'}"]
    made = subprocess.run([*command, *where], cwd=PROJECT, capture_output=True, text=True, check=True)
    with (
        connect(DatabaseSettings(data_dir=server.folder / "database")) as database,
        database.connection() as connection,
    ):
        connection.execute("UPDATE access_tokens SET expires_at = now() - interval '1 second'")
    return made.stdout.strip()


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
        with httpx.Client(base_url=server.address, timeout=PATIENCE_S) as client:
            address = f"http://127.0.0.1:{other.server_address[1]}/a.wav"
            job = client.post("/v1/jobs", json={"recording_url": address}).json()["links"]["job"]
            while not (told := client.get(job).json())["ended_at"]:
                time.sleep(0.5)
        other.shutdown()
    return {"state": told["state"], "reason": told["reason"]}
