"""A queue on loopback: as much of SQS's JSON protocol as receiving, holding and deleting need."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class HeldQueue:
    """What the server holds, and how it misbehaves. Nothing becomes visible by time: see `come_again`."""

    waiting: list[str] = field(default_factory=list)
    """Bodies."""
    hidden: dict[str, str] = field(default_factory=dict)
    """Bodies by receipt."""
    renewals: int = 0
    """Messages whose time was prolonged."""
    failures: int = 0
    """This many requests are answered with 503 first."""
    refuses_deletes: bool = False
    url: str = ""
    received: int = 0

    def come_again(self) -> None:
        """The time of all hidden messages is over."""
        self.waiting.extend(self.hidden.values())
        self.hidden.clear()


@contextmanager
def serving_queue(*bodies: str) -> Iterator[HeldQueue]:
    queue = HeldQueue(list(bodies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if queue.failures > 0:
                queue.failures -= 1
                self._answer(503, {"__type": "com.amazonaws.sqs#ServiceUnavailable"})
                return
            action = self.headers["X-Amz-Target"].removeprefix("AmazonSQS.")
            self._answer(
                200, {"ReceiveMessage": _receive, "DeleteMessageBatch": _delete}.get(action, _hide)(queue, asked)
            )

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    queue.url = f"http://127.0.0.1:{server.server_port}/123/calls"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield queue
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _receive(queue: HeldQueue, asked: dict[str, Any]) -> dict[str, Any]:
    messages = []
    for body in queue.waiting[: asked["MaxNumberOfMessages"]]:
        queue.received += 1
        receipt = f"receipt-{queue.received}"
        queue.hidden[receipt] = body
        md5 = hashlib.md5(body.encode()).hexdigest()
        messages.append({"MessageId": f"m{queue.received}", "ReceiptHandle": receipt, "MD5OfBody": md5, "Body": body})
    del queue.waiting[: len(messages)]
    return {"Messages": messages} if messages else {}


def _delete(queue: HeldQueue, asked: dict[str, Any]) -> dict[str, Any]:
    entries = asked["Entries"]
    if queue.refuses_deletes:
        return {"Successful": [], "Failed": [{"Id": e["Id"], "Code": "x", "SenderFault": False} for e in entries]}
    for entry in entries:
        queue.hidden.pop(entry["ReceiptHandle"], None)
    return {"Successful": [{"Id": entry["Id"]} for entry in entries], "Failed": []}


def _hide(queue: HeldQueue, asked: dict[str, Any]) -> dict[str, Any]:
    for entry in asked["Entries"]:
        if entry["VisibilityTimeout"] == 0 and entry["ReceiptHandle"] in queue.hidden:
            queue.waiting.append(queue.hidden.pop(entry["ReceiptHandle"]))
        queue.renewals += entry["VisibilityTimeout"] > 0
    return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []}
