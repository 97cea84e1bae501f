"""A bucket on loopback: as much of the S3 protocol as listing, reading and writing need, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote
from xml.sax.saxutils import escape

from tests.loopback import Reply, Request, listening

PAGE_SIZE = 3


class Bucket:
    """What the server holds, and how it misbehaves."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.url = ""
        self.reset(objects)

    def reset(self, objects: dict[str, bytes]) -> None:
        """As new, with these objects; the server stays."""
        self.objects = objects
        self.storage_classes: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        """What was stored with an object as x-amz-meta-sha256."""
        self.failures = 0
        """This many requests are answered with 503 first."""
        self.broken_bodies = 0
        """This many bodies end early."""
        self.short_lengths = 0
        """This many answers say that they are shorter than the object, and are."""
        self.drip_s = 0.0
        """Bodies come a byte at a time, this many seconds apart."""
        self.forbidden = False
        self.ignores_ranges = False
        self.ignores_conditions = False
        self.loses_uploads = 0
        """This many uploads are acknowledged and forgotten."""
        self.cuts_uploads = 0
        """Of this many uploads only the first half is kept."""
        self.lost_answers = 0
        """This many uploads are kept, and the connection ends without an answer."""
        self.listed: dict[str, bytes] | None = None
        """What a listing shows, where it is behind."""
        self.on_get: Callable[[str], None] = lambda _: None
        """Called with the key before an object is sent."""
        self.requests: list[str] = []
        """Paths of GETs; of others with their method in front."""
        self.sent_bytes = 0
        """Of objects' bodies."""
        self.page_size = PAGE_SIZE


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


@contextmanager
def serving(objects: dict[str, bytes]) -> Iterator[Bucket]:
    bucket = Bucket(objects)

    with listening(lambda request: _Asked(bucket, request).reply()) as server:
        bucket.url = server.url
        yield bucket


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request of a bucket."""

    held: Bucket
    request: Request

    def reply(self) -> Reply | None:
        held, method = self.held, self.request.method
        held.requests.append(self.request.target if method == "GET" else f"{method} {self.request.target}")
        _, _, quoted = self.request.path.lstrip("/").partition("/")
        key = unquote(quoted)
        if held.failures > 0:
            held.failures -= 1
            return Reply(503, _error("SlowDown"))
        if held.forbidden:
            return Reply(403, _error("AccessDenied"))
        if method == "GET":
            return self._object(key) if key else self._list()
        return {"HEAD": self._head, "PUT": self._put, "DELETE": self._delete}[method](key)

    def _head(self, key: str) -> Reply:
        content = self.held.objects.get(key)
        return Reply(404) if content is None else Reply(200, content, self._about(key, content))

    def _put(self, key: str) -> Reply | None:
        held, headers, content = self.held, self.request.headers, self.request.body
        if key in held.objects and headers.get("if-none-match") == "*":
            return Reply(412, _error("PreconditionFailed"))
        said = headers.get("x-amz-checksum-sha256")
        if said and base64.b64decode(said) != hashlib.sha256(content).digest():
            return Reply(400, _error("BadDigest"))
        if held.loses_uploads > 0:
            held.loses_uploads -= 1
        else:
            if held.cuts_uploads > 0:
                held.cuts_uploads -= 1
                content = content[: len(content) // 2]
            held.objects[key] = content
            held.hashes[key] = headers.get("x-amz-meta-sha256", "")
        if held.lost_answers > 0:
            held.lost_answers -= 1
            return None
        return Reply()

    def _delete(self, key: str) -> Reply:
        self.held.objects.pop(key, None)
        return Reply(204)

    def _about(self, key: str, content: bytes) -> dict[str, str]:
        about = {"ETag": etag(content), "Last-Modified": "Mon, 14 Sep 2026 08:15:02 GMT"}
        if self.held.hashes.get(key):
            about["x-amz-meta-sha256"] = self.held.hashes[key]
        if key in self.held.storage_classes:
            about["x-amz-storage-class"] = self.held.storage_classes[key]
        return about

    def _list(self) -> Reply:
        objects, query = self.held.objects if self.held.listed is None else self.held.listed, self.request.query
        prefix = query.get("prefix", [""])[0]
        after = query.get("continuation-token", query.get("start-after", [""]))[0]
        keys = sorted(key for key in objects if key.startswith(prefix) and key > after)
        page, more = keys[: self.held.page_size], len(keys) > self.held.page_size
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-09-14T08:15:02.000Z</LastModified>"
            f"<ETag>{escape(etag(objects[key]))}</ETag><Size>{len(objects[key])}</Size>"
            f"<StorageClass>{self.held.storage_classes.get(key, 'STANDARD')}</StorageClass></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        xml = (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}</ListBucketResult>"
        )
        return Reply(200, xml.encode())

    def _object(self, key: str) -> Reply:
        held, headers = self.held, self.request.headers
        held.on_get(key)
        content = held.objects.get(key)
        if content is None:
            return Reply(404, _error("NoSuchKey"))
        about = self._about(key, content)
        if not held.ignores_conditions and headers.get("if-match", etag(content)) != etag(content):
            return Reply(412, _error("PreconditionFailed"))
        status, cut, wanted = 200, 0, headers.get("range", "")
        if wanted and not held.ignores_ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            size, content = len(content), content[int(first) : int(last) + 1]
            about["Content-Range"] = f"bytes {first}-{int(first) + len(content) - 1}/{size}"
            status = 206
        held.sent_bytes += len(content)
        if held.short_lengths > 0:
            held.short_lengths -= 1
            content = content[: len(content) // 2]
        if held.drip_s:
            return Reply(status, _dripping(content, held.drip_s), {**about, "Content-Length": str(len(content))})
        if held.broken_bodies > 0:
            held.broken_bodies -= 1
            cut = len(content) // 2
        return Reply(status, content[: len(content) - cut], about, missing_bytes=cut)


def _dripping(content: bytes, pause_s: float) -> Generator[bytes, None, None]:
    for place in range(len(content)):
        yield content[place : place + 1]
        time.sleep(pause_s)


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
