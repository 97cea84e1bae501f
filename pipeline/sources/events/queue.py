"""Messages of an SQS queue: held while a run works on what they name, deleted when its rows are stored."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config.areas.buckets import S3Settings
from pipeline.config.areas.events import EventSettings
from pipeline.errors import ServiceUnavailable, described
from pipeline.objects.s3 import make_client
from pipeline.threads import begun

_AT_ONCE = 10
"""Most messages of one request, by SQS's rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it was received."""

    message_id: str
    receipt: str
    body: str


class Queue:
    """One queue. Safe between threads."""

    def __init__(self, settings: EventSettings, s3: S3Settings, notice: Callable[[str], None]) -> None:
        self._settings = settings
        self._s3 = s3.model_copy(update={"endpoint_url": settings.endpoint_url})
        self._notice = notice
        self._lock = threading.Lock()
        self._made: Any = None
        self._held: dict[str, Message] = {}
        self._closed = threading.Event()
        self._renewing: threading.Thread | None = None

    def received(self) -> Iterator[Message]:
        """Messages until none comes, at most `input.events.most_messages`; each is held. Raises ServiceUnavailable."""
        left = self._settings.most_messages
        while left > 0:
            messages = self._receive(min(_AT_ONCE, left))
            if not messages:
                return
            left -= len(messages)
            with self._lock:
                self._held.update((message.receipt, message) for message in messages)
            self._keep_renewing()
            yield from messages

    def delete(self, messages: Iterable[Message]) -> None:
        """They are done with. Raises ServiceUnavailable; what is left comes again."""
        for some in _tens(list(messages)):
            with self._lock:
                for message in some:
                    self._held.pop(message.receipt, None)
            self._batch("delete_message_batch", some)

    def close(self) -> None:
        """What is still held comes again at once, to whoever asks."""
        self._closed.set()
        if self._renewing is not None:
            self._renewing.join()
        with self._lock:
            held, self._held = list(self._held.values()), {}
        try:
            for some in _tens(held):
                self._batch("change_message_visibility_batch", some, VisibilityTimeout=0)
        except ServiceUnavailable:
            pass  # it comes again when its time is over

    def _receive(self, most: int) -> list[Message]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client().receive_message(
                QueueUrl=self._settings.queue_url,
                MaxNumberOfMessages=most,
                WaitTimeSeconds=self._settings.wait_s,
                VisibilityTimeout=self._settings.hidden_s,
            )
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"{self._settings.queue_url}: {error}") from None
        return [
            Message(message_id=item["MessageId"], receipt=item["ReceiptHandle"], body=item["Body"])
            for item in answer.get("Messages", ())
        ]

    def _keep_renewing(self) -> None:
        if self._renewing is None:
            self._renewing = begun("event-messages", self._renew)

    def _renew(self) -> None:
        while not self._closed.wait(self._settings.hidden_s / 3):
            try:
                self.renew()
            except ServiceUnavailable as error:
                self._notice(f"messages could not be held longer and may come twice: {described(error)}")

    def renew(self) -> None:
        """A message that is not deleted or renewed in time is given to others. Raises ServiceUnavailable."""
        with self._lock:
            held = list(self._held.values())
        for some in _tens(held):
            self._batch("change_message_visibility_batch", some, VisibilityTimeout=self._settings.hidden_s)

    def _batch(self, what: str, messages: Sequence[Message], **more: int) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [{"Id": str(i), "ReceiptHandle": message.receipt, **more} for i, message in enumerate(messages)]
        try:
            answer = getattr(self._client(), what)(QueueUrl=self._settings.queue_url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise ServiceUnavailable(f"{self._settings.queue_url}: {error}") from None
        if answer.get("Failed"):
            raise ServiceUnavailable(f"{self._settings.queue_url}: {len(answer['Failed'])} of {len(entries)} refused")

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = make_client("sqs", self._s3)
            return self._made


def _tens(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for first in range(0, len(messages), _AT_ONCE):
        yield messages[first : first + _AT_ONCE]
