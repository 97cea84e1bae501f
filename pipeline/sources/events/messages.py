"""What a message about objects says: S3's own notifications, the same through SNS, and EventBridge's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus


class MalformedMessage(Exception):
    """It is none of these."""


@dataclass(frozen=True, slots=True)
class Created:
    """An object was made or replaced."""

    bucket: str
    key: str


def created_in(body: str) -> tuple[Created, ...]:
    """The objects that a message says were made; empty for a test message, and where objects were deleted.

    Raises MalformedMessage.
    """
    try:
        return tuple(_created(json.loads(body)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedMessage(type(error).__name__) from None


def _created(message: Mapping[str, Any]) -> Iterator[Created]:
    if message.get("Event") == "s3:TestEvent":
        return
    if message.get("Type") == "Notification" and "TopicArn" in message:
        yield from _created(json.loads(message["Message"]))
    elif "detail-type" in message:
        if message["detail-type"] == "Object Created":
            yield Created(_text(message["detail"]["bucket"]["name"]), _text(message["detail"]["object"]["key"]))
    else:
        for record in message["Records"]:
            # "aws:s3" is the source; names of events may begin with "s3:" in copies of the protocol.
            if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:"):
                # In S3's own notifications keys are written as in a form.
                yield Created(_text(record["s3"]["bucket"]["name"]), unquote_plus(_text(record["s3"]["object"]["key"])))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value
