"""A queue on loopback: as much of SQS's JSON protocol as receiving, holding and deleting need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import Reply, Request, json_reply, listening


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


_JSON = {"Content-Type": "application/x-amz-json-1.0"}


@contextmanager
def serving_queue(*bodies: str) -> Iterator[HeldQueue]:
    queue = HeldQueue(list(bodies))

    def answer(request: Request) -> Reply:
        if queue.failures > 0:
            queue.failures -= 1
            return json_reply({"__type": "com.amazonaws.sqs#ServiceUnavailable"}, 503, _JSON)
        action = request.headers["x-amz-target"].removeprefix("AmazonSQS.")
        does = {"ReceiveMessage": _receive, "DeleteMessageBatch": _delete}.get(action, _hide)
        return json_reply(does(queue, request.json()), 200, _JSON)

    with listening(answer) as server:
        queue.url = f"{server.url}/123/calls"
        yield queue


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
