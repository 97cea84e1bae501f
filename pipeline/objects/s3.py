"""Buckets of S3 and of servers that speak its protocol."""

from __future__ import annotations

import base64
import mimetypes
import re
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.config.areas.buckets import S3Settings
from pipeline.errors import EarshotError
from pipeline.objects.port import (
    BLOCK,
    ConnectionBroke,
    ObjectChanged,
    ObjectExists,
    ObjectGone,
    RangesIgnored,
    Span,
    StoredObject,
    StoreRefused,
)
from pipeline.outside import AnswerTooLong, know_credentials, limit_boto3
from pipeline.plurals import counted
from pipeline.retries import retrying

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
_GONE = frozenset({"NoSuchKey", "404"})
_CONDITION_FAILED = frozenset({"PreconditionFailed", "412"})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_MAX_PUT_BYTES = 5 * 2**30
_OUR_HASH = "sha256"


class _Timed:
    """A response body with a deadline, even for a server that sends a few bytes before each time-out.

    Args:
        raw: the connection's own stream; its `read1` returns the bytes that have arrived.
        deadline: by the clock of `time.monotonic`.
    """

    def __init__(self, raw: Any, deadline: float) -> None:
        self._raw = raw
        self._deadline = deadline

    def read(self, amount: int) -> bytes:
        block = bytearray()
        while len(block) < amount and (piece := self._raw.read1(amount - len(block))):
            block += piece
            if time.monotonic() > self._deadline:
                raise TimeoutError
        return bytes(block)

    def close(self) -> None:
        self._raw.close()


class S3Store:
    """See ObjectStore. The client is made on first use; it is safe between threads."""

    def __init__(self, bucket: str, settings: S3Settings) -> None:
        self._bucket = bucket
        self._settings = settings
        self._lock = threading.Lock()
        self._made: Any = None

    def listed(self, prefix: str, after: str = "") -> Iterator[StoredObject]:
        """See ObjectStore."""
        from botocore.exceptions import BotoCoreError, ClientError

        start = {"StartAfter": after} if after else {}
        try:
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, **start):
                for entry in page.get("Contents", ()):
                    yield _stored(entry["Key"], entry, int(entry["Size"]))
        except (BotoCoreError, ClientError, AnswerTooLong) as error:
            raise StoreRefused(str(error)) from None

    def look(self, key: str) -> StoredObject:
        """See ObjectStore."""
        answer = self._head(key)
        return _stored(key, answer, int(answer["ContentLength"]))

    def blocks(self, span: Span, deadline: float | None = None) -> Generator[bytes, None, None]:
        """See ObjectStore."""
        from botocore.exceptions import BotoCoreError, ClientError

        left = span.length
        try:
            body = self._body(span)
            if deadline is not None:
                # Below botocore's own stream, which still checks length and checksum.
                body._raw_stream = _Timed(body._raw_stream, deadline)
            with closing(body):
                for block in body.iter_chunks(BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise ObjectChanged(
                            f"more arrives than the {counted(span.length, 'byte')} that were listed; it is tried again "
                            "later"
                        )
                    yield block
        except ClientError as error:
            raise _explained(error) from None
        except TimeoutError:
            raise
        except (BotoCoreError, OSError) as error:
            raise ConnectionBroke(str(error)) from None
        if left:
            raise ConnectionBroke(f"{counted(left, 'byte')} of {span.length:,} did not come")

    def put(self, key: str, path: Path, sha256: str, *, replace: bool) -> None:
        """See ObjectStore."""
        size = path.stat().st_size
        if size > _MAX_PUT_BYTES:
            raise StoreRefused(f"{path.name}: {counted(size, 'byte')} are more than one upload takes (5 GiB)")
        again = retrying(
            lambda error: isinstance(error, ConnectionBroke),
            first_wait_s=FIRST_WAIT_S,
            longest_wait_s=LONGEST_WAIT_S,
            attempts=self._settings.attempts,
        )
        try:
            again(self._put_once, key, path, size, sha256, replace)
        except ConnectionBroke as error:
            raise StoreRefused(str(error)) from None

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client().delete_object(Bucket=self._bucket, Key=key)
        except (BotoCoreError, ClientError, OSError) as error:
            raise StoreRefused(f"{key}: cannot be deleted: {error}; check s3:DeleteObject") from None

    def _put_once(self, key: str, path: Path, size: int, sha256: str, replace: bool) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            try:
                self._send(key, path, sha256, {} if replace else {"IfNoneMatch": "*"})
            except ClientError as error:
                if _code(error) not in _CONDITION_FAILED:
                    raise
                there = self._head(key)
                if there.get("Metadata", {}).get(_OUR_HASH) != sha256:
                    raise ObjectExists(f"{key}: another object has this name; it is not replaced") from None
                if int(there["ContentLength"]) != size:  # what is left of an earlier try of ours
                    self._send(key, path, sha256, {})
        except ClientError as error:
            raise StoreRefused(f"{key}: {error}; check s3:PutObject") from None
        except (BotoCoreError, OSError) as error:
            raise ConnectionBroke(f"{key}: {error}") from None
        self._make_sure(key, size, sha256)

    def _send(self, key: str, path: Path, sha256: str, condition: Mapping[str, str]) -> None:
        with path.open("rb") as content:
            self._client().put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                Metadata={_OUR_HASH: sha256},
                **condition,
            )

    def _make_sure(self, key: str, size: int, sha256: str) -> None:
        try:
            now = self._head(key)
        except ObjectGone:
            raise ConnectionBroke(f"{key}: was taken, and is not there") from None
        if (int(now["ContentLength"]), now.get("Metadata", {}).get(_OUR_HASH)) != (size, sha256):
            raise ConnectionBroke(
                f"{key}: was taken, and has other content: {now['ContentLength']:,} bytes of {size:,}"
            )

    def _head(self, key: str) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Mapping[str, Any] = self._client().head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            raise _explained(error) from None
        except (BotoCoreError, OSError) as error:
            raise StoreRefused(f"{key}: {error}") from None
        return answer

    def _body(self, span: Span) -> Any:
        condition = {"IfMatch": span.etag} if span.etag else {}
        if not span.whole:
            condition["Range"] = f"bytes={span.first}-{span.first + span.length - 1}"
        answer = self._client().get_object(Bucket=self._bucket, Key=span.key, **condition)
        try:
            _same_version(answer, span)
        except EarshotError:
            answer["Body"].close()
            raise
        return answer["Body"]

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = make_client("s3", self._settings, {"addressing_style": self._settings.addressing})
            return self._made


def make_client(service: str, ours: S3Settings, s3: Mapping[str, object] | None = None) -> Any:
    """A client of boto3 with our limits. Raises StoreRefused."""
    import boto3
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=ours.connect_timeout_s,
        read_timeout=ours.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": ours.attempts},
        max_pool_connections=2 * ours.connections,
        s3=s3,
        signature_version=UNSIGNED if ours.anonymous else None,
    )
    try:
        core = botocore.session.Session()
        core.register_component("data_loader", _descriptions())
        session = boto3.session.Session(botocore_session=core)
        know_credentials(session)
        client = session.client(service, region_name=ours.region, endpoint_url=ours.endpoint_url, config=config)
        limit_boto3(client)
        return client
    except (BotoCoreError, ValueError) as error:
        raise StoreRefused(f"no client for {service}: {error}") from None


@cache
def _descriptions() -> Any:
    """Of the services: reading them takes most of the time of making a client, and they never change."""
    from botocore.loaders import create_loader

    return create_loader()


def _stored(key: str, answer: Mapping[str, Any], size_bytes: int) -> StoredObject:
    return StoredObject(
        key=key,
        size_bytes=size_bytes,
        modified_at=answer["LastModified"].astimezone(UTC),
        etag=answer.get("ETag"),
        storage_class=answer.get("StorageClass", "STANDARD"),
    )


def _same_version(answer: Mapping[str, Any], span: Span) -> None:
    """A server that does not know conditions or ranges, or holds several states, must not make a mixture."""
    if span.etag and answer.get("ETag", span.etag) != span.etag:
        raise ObjectChanged("changed since it was found; it is tried again in the next run")
    if span.whole:
        return
    if answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
        raise RangesIgnored("the server sends whole objects only")
    said = _RANGE.fullmatch(answer.get("ContentRange", ""))
    if said is None or (int(said[1]), int(said[3])) != (span.first, span.size_bytes):
        raise ObjectChanged(
            f"the server sends {answer.get('ContentRange')}, not bytes from {span.first} of {span.size_bytes}; it is "
            "tried again in the next run"
        )


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _explained(error: Any) -> EarshotError:
    code = _code(error)
    if code in _GONE:
        return ObjectGone("vanished since it was found; it is tried again in the next run")
    if code in _CONDITION_FAILED:
        return ObjectChanged("changed since it was found; it is tried again in the next run")
    return StoreRefused(f"cannot be read: {error}; check s3:GetObject")
