"""Recordings that a queue tells of. A message is deleted when what it names is settled; until then it comes again."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from pipeline.config.areas.buckets import bucket_and_prefix
from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable, ServiceUnavailable
from pipeline.objects.port import ObjectGone, StoreRefused
from pipeline.plurals import counted
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import object_uri
from pipeline.sources.bucket import BucketSource
from pipeline.sources.events.messages import MalformedMessage, created_in
from pipeline.sources.events.queue import Message, Queue
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars
from pipeline.sources.pairs import Pairing

log = logging.getLogger("earshot.run")


class EventSource:
    """A bucket whose new objects are told of by a queue. For one run."""

    def __init__(self, settings: InputSettings) -> None:
        self._settings = settings
        self._bucket_source = BucketSource(settings)
        self._bucket, self._prefix = bucket_and_prefix(settings.path)
        self._queue = Queue(settings.events, settings.s3, log.warning)
        self._open: dict[str, set[str]] = {}
        """By receipt of a held message, the addresses it names that are not settled."""
        self._messages: dict[str, Message] = {}

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource. Takes the messages that are waiting."""
        return Pairing(self._settings.pairs).joined(self._found())

    def fetch(self, call: FoundCall, spool: Path) -> AbstractContextManager[Path]:
        """See CallSource."""
        return self._bucket_source.fetch(call, spool)

    def settle(self, addresses: Collection[str]) -> int:
        """These have their rows: delete the messages that name nothing else. Returns how many messages are left.

        Raises ServiceUnavailable; the messages come again then.
        """
        for left in self._open.values():
            left.difference_update(addresses)
        done = [receipt for receipt, left in self._open.items() if not left]
        self._queue.delete([self._messages[receipt] for receipt in done])
        for receipt in done:
            del self._open[receipt], self._messages[receipt]
        return len(self._open)

    def renew(self) -> None:
        """Hold what is not settled for longer; done by itself now and then."""
        self._queue.renew()

    def close(self) -> None:
        """What is not settled comes again."""
        self._queue.close()

    def _found(self) -> Iterator[FoundCall | SkippedFile]:
        offered: dict[str, list[str]] = {}
        """By key, the addresses it gave: an event may come twice."""
        odd: Counter[str] = Counter()
        sidecars = Sidecars(self._settings, MetadataReader(self._settings))
        yield from sidecars.load_whole()
        try:
            for message in self._queue.received():
                try:
                    named = created_in(message.body)
                except MalformedMessage:
                    odd["not understood"] += 1
                    continue  # it comes again, and goes where the queue sends what comes too often
                ours = [made.key for made in named if f"s3://{made.bucket}" == self._bucket and self._is_ours(made.key)]
                if named and not ours:
                    odd["about another place"] += 1
                    continue
                self._messages[message.receipt] = message
                addresses: set[str] = set()
                for key in ours:
                    if key not in offered:
                        items = list(self._looked_at(key, sidecars))
                        offered[key] = [item.source_uri for item in items]
                        yield from items
                    addresses.update(offered[key])
                self._open[message.receipt] = addresses
            self.settle(())  # those that name nothing that is there
        except ServiceUnavailable as error:
            raise InputUnavailable(
                f"{error}; check input.events, and sqs:ReceiveMessage, DeleteMessage and ChangeMessageVisibility"
            ) from None
        for what, number in odd.items():
            log.warning(
                "%s: %s %s; left in the queue, which should have a dead-letter queue",
                self._settings.events.queue_url, counted(number, "message"), what,
            )  # fmt: skip

    def _looked_at(self, key: str, sidecars: Sidecars) -> Iterator[FoundCall | SkippedFile]:
        try:
            yield from self._bucket_source.look_at(key, sidecars)
        except ObjectGone:
            return  # deleted since
        except StoreRefused as error:
            yield SkippedFile(
                source_uri=object_uri(self._bucket, key),
                file_name=key.rpartition("/")[2],
                size_bytes=0,
                modified_at=None,
                reason="not_at_hand",
                message=f"cannot be looked at now: {error}; its message comes again",
                waiting=True,
            )

    def _is_ours(self, key: str) -> bool:
        return self._bucket_source.is_below(key)
