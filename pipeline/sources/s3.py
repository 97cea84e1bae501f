"""Recordings in a bucket. Object keys are never used as local paths."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.config.areas.sources import InputSettings
from pipeline.disk import spooling, write_spooled
from pipeline.errors import InputUnavailable, SourceUnreadable
from pipeline.outside import AnswerTooLong, know_credentials, limit_boto3
from pipeline.plurals import counted
from pipeline.records import FoundCall, SkippedFile
from pipeline.retries import retrying
from pipeline.sources.addresses import s3_parts, s3_uri, shown
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars
from pipeline.sources.pairs import Pairing
from pipeline.sources.selection import Selection, Verdict

_BLOCK = 1024 * 1024
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 5.0
_NOT_AT_HAND = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class _Timed:
    """A response body with a deadline, even for a server that sends a few bytes before each time-out.

    Args:
        raw: the connection's own stream; its `read1` returns the bytes that have arrived.
        deadline: by the clock of `time.monotonic`.
        late: makes the error to raise.
    """

    def __init__(self, raw: Any, deadline: float, late: Callable[[], SourceUnreadable]) -> None:
        self._raw = raw
        self._deadline = deadline
        self._late = late

    def read(self, amount: int) -> bytes:
        block = bytearray()
        while len(block) < amount:
            piece = self._raw.read1(amount - len(block))
            if not piece:
                break
            block += piece
            if time.monotonic() > self._deadline:
                raise self._late()
        return bytes(block)

    def close(self) -> None:
        self._raw.close()


class S3Source:
    """A bucket, or what lies under a prefix in it. The client is made on first use; it is safe between threads."""

    def __init__(self, settings: InputSettings) -> None:
        bucket, _, prefix = settings.path.removeprefix("s3://").partition("/")
        self._bucket = bucket
        self._prefix = prefix
        self._settings = settings
        self._selection = Selection(settings)
        self._metadata = MetadataReader(settings)
        self._lock = threading.Lock()
        self._made: Any = None

    def discover(self) -> Iterator[FoundCall | SkippedFile]:
        """See CallSource. Objects appear in a bucket whole, so there is no second look."""
        return Pairing(self._settings.pairs).joined(self._found())

    def _found(self) -> Iterator[FoundCall | SkippedFile]:
        from botocore.exceptions import BotoCoreError, ClientError

        sidecars = Sidecars(self._settings, self._metadata)
        yield from sidecars.load_whole()
        try:
            for page in (
                self._client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            ):
                for entry in page.get("Contents", ()):
                    item = self._look_at(entry, sidecars)
                    if item:
                        yield item
            yield from sidecars.unmatched()
        except (BotoCoreError, ClientError, AnswerTooLong) as error:
            raise InputUnavailable(
                f"s3://{self._bucket}/{self._prefix}: cannot be listed: {error}; check input.path, input.s3, the "
                "credentials in the environment, and s3:ListBucket"
            ) from None

    @contextmanager
    def fetch(self, call: FoundCall, spool: Path) -> Iterator[Path]:
        """See CallSource. Asks for exactly the version that was listed."""
        _, key = s3_parts(call.source_uri)
        with spooling(spool):
            spool.mkdir(parents=True, exist_ok=True)
            opened = tempfile.NamedTemporaryFile(prefix="object-", suffix=_suffix(key), dir=spool, buffering=0)  # noqa: SIM115 - closed below
        with opened as file:
            self._download(key, call, file, spool)
            yield Path(file.name)

    def beginning(self, call: FoundCall, size_bytes: int) -> bytes:
        """The first bytes of a recording, by one ranged request. Raises SourceUnreadable."""
        from botocore.exceptions import BotoCoreError, ClientError

        _, key = s3_parts(call.source_uri)
        try:
            answer = self._client().get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{size_bytes - 1}")
            with closing(answer["Body"]) as body:
                content: bytes = body.read(size_bytes)
        except (BotoCoreError, ClientError, OSError) as error:
            raise SourceUnreadable(f"{call.source_uri}: its beginning cannot be read: {error}") from None
        return content

    def _look_at(self, entry: dict[str, Any], sidecars: Sidecars) -> FoundCall | SkippedFile | None:
        key, size, modified_at = entry["Key"], int(entry["Size"]), entry["LastModified"].astimezone(UTC)
        if key.endswith("/") or not self._is_below(key):
            return None
        relative = key.removeprefix(self._prefix).lstrip("/") or key.rpartition("/")[2]
        name = relative.rpartition("/")[2]
        verdict = self._verdict(name, relative, size, entry.get("StorageClass", "STANDARD"))
        if verdict:
            sidecars.met(relative)
            return SkippedFile(
                source_uri=s3_uri(self._bucket, key),
                file_name=shown(name),
                size_bytes=size,
                modified_at=modified_at,
                reason=verdict[0],
                message=verdict[1],
                etag=entry.get("ETag"),
            )
        return FoundCall(
            source_uri=s3_uri(self._bucket, key),
            file_name=shown(name),
            size_bytes=size,
            modified_at=modified_at,
            etag=entry.get("ETag"),
            metadata=sidecars.applied(relative, self._metadata.from_name(name, relative)),
        )

    def _is_below(self, key: str) -> bool:
        """S3 matches prefixes by letters: `calls` would also match `calls-old/a.wav`."""
        prefix = self._prefix
        return not prefix or prefix.endswith("/") or key == prefix or key.startswith(f"{prefix}/")

    def _verdict(self, name: str, relative: str, size: int, storage_class: str) -> Verdict | None:
        if not self._settings.recursive and "/" in relative:
            return "not_included", "input.recursive is off"
        if ".." in relative.split("/"):
            return "unsafe_path", "its key names a folder above; objects of such names are not taken"
        if any(self._selection.hidden(part) for part in relative.split("/")[:-1]):
            return "hidden", "a folder name in its key begins with a dot; set input.include_hidden to take it"
        if self._selection.is_archive(name):
            return "archive_in_bucket", "a .zip in a bucket is not opened; download it and give its path, or unpack it"
        if storage_class in _NOT_AT_HAND:
            return "archived", f"its storage class is {storage_class}; restore it first"
        return self._selection.by_name(name, relative) or self._selection.by_size(size)

    def _download(self, key: str, call: FoundCall, file: Any, spool: Path) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        condition = {"IfMatch": call.etag} if call.etag else {}
        limit_s = self._settings.s3.download_timeout_s
        deadline = time.monotonic() + limit_s

        def late() -> SourceUnreadable:
            return SourceUnreadable(
                f"{call.source_uri}: its {counted(call.size_bytes, 'byte')} had not arrived after {limit_s:g} s; "
                "it is tried again later, or raise input.s3.download_timeout_s"
            )

        def once() -> None:
            if time.monotonic() > deadline:
                raise late()
            file.seek(0)
            file.truncate()
            body = self._client().get_object(Bucket=self._bucket, Key=key, **condition)["Body"]
            # Below botocore's own stream, which still checks length and checksum.
            body._raw_stream = _Timed(body._raw_stream, deadline, late)
            with closing(body):
                for block in body.iter_chunks(_BLOCK):
                    if file.tell() + len(block) > call.size_bytes:
                        raise SourceUnreadable(
                            f"{call.source_uri}: more arrives than the {counted(call.size_bytes, 'byte')} that were "
                            "listed; it is tried again later"
                        )
                    write_spooled(file, block, spool)

        again = retrying(
            # The connection broke within the body; the client does not retry that by itself.
            lambda error: isinstance(error, BotoCoreError | OSError),
            first_wait_s=_FIRST_WAIT_S,
            longest_wait_s=_LONGEST_WAIT_S,
            attempts=self._settings.s3.attempts,
        )
        try:
            again(once)
        except ClientError as error:
            raise SourceUnreadable(f"{call.source_uri}: {_explained(error)}") from None
        except (BotoCoreError, OSError) as error:
            raise SourceUnreadable(
                f"{call.source_uri}: download broke off {counted(self._settings.s3.attempts, 'time')}: {error}"
            ) from None

    def _client(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make_client()
            return self._made

    def _make_client(self) -> Any:
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        ours = self._settings.s3
        config = Config(
            connect_timeout=ours.connect_timeout_s,
            read_timeout=ours.read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": ours.attempts},
            s3={"addressing_style": ours.addressing},
            signature_version=UNSIGNED if ours.anonymous else None,
        )
        try:
            session = boto3.session.Session()
            know_credentials(session)
            client = session.client("s3", region_name=ours.region, endpoint_url=ours.endpoint_url, config=config)
            limit_boto3(client)
            return client
        except (BotoCoreError, ValueError) as error:
            raise InputUnavailable(f"{self._settings.path}: no S3 client: {error}; check input.s3") from None


def _explained(error: Any) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in ("NoSuchKey", "404"):
        return "vanished since it was found; it is tried again in the next run"
    if code in ("PreconditionFailed", "412"):
        return "changed since it was found; it is tried again in the next run"
    return f"cannot be read: {error}; check s3:GetObject"


def _suffix(key: str) -> str:
    """Only a short, plain suffix is kept from an outside name."""
    suffix = PurePosixPath(key).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""
