"""A bucket on loopback: as much of the S3 protocol as listing, reading and writing need, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

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

    class Handler(_Handler):
        held = bucket

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    held: Bucket

    def do_GET(self) -> None:
        key = self._key(self.path)
        if key is None:
            return
        if key:
            self._object(key)
        else:
            self._list(parse_qs(urlsplit(self.path).query))

    def do_HEAD(self) -> None:
        key = self._key(f"HEAD {self.path}")
        if key is None:
            return
        content = self.held.objects.get(key)
        if content is None:
            self._answer(404, b"")
        else:
            self._answer(200, content, cut=len(content), **self._about(key, content))

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        key = self._key(f"PUT {self.path}")
        held = self.held
        if key is None:
            return
        if key in held.objects and self.headers.get("If-None-Match") == "*":
            self._answer(412, _error("PreconditionFailed"))
            return
        said = self.headers.get("x-amz-checksum-sha256")
        if said and base64.b64decode(said) != hashlib.sha256(content).digest():
            self._answer(400, _error("BadDigest"))
            return
        if held.loses_uploads > 0:
            held.loses_uploads -= 1
        else:
            if held.cuts_uploads > 0:
                held.cuts_uploads -= 1
                content = content[: len(content) // 2]
            held.objects[key] = content
            held.hashes[key] = self.headers.get("x-amz-meta-sha256", "")
        if held.lost_answers > 0:
            held.lost_answers -= 1
            self.close_connection = True
            return
        self._answer(200, b"")

    def do_DELETE(self) -> None:
        key = self._key(f"DELETE {self.path}")
        if key is not None:
            self.held.objects.pop(key, None)
            self._answer(204, b"")

    def _key(self, request: str) -> str | None:
        """The key asked for; None where the request is answered already."""
        bucket = self.held
        bucket.requests.append(request)
        _, _, key = urlsplit(self.path).path.lstrip("/").partition("/")
        if bucket.failures > 0:
            bucket.failures -= 1
            self._answer(503, _error("SlowDown"))
        elif bucket.forbidden:
            self._answer(403, _error("AccessDenied"))
        else:
            return unquote(key)
        return None

    def _about(self, key: str, content: bytes) -> dict[str, str]:
        about = {"ETag": etag(content), "Last-Modified": "Mon, 14 Sep 2026 08:15:02 GMT"}
        if self.held.hashes.get(key):
            about["x-amz-meta-sha256"] = self.held.hashes[key]
        if key in self.held.storage_classes:
            about["x-amz-storage-class"] = self.held.storage_classes[key]
        return about

    def _list(self, query: dict[str, list[str]]) -> None:
        objects = self.held.objects if self.held.listed is None else self.held.listed
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
        self._answer(200, xml.encode())

    def _object(self, key: str) -> None:
        held = self.held
        held.on_get(key)
        content = held.objects.get(key)
        if content is None:
            self._answer(404, _error("NoSuchKey"))
            return
        about = self._about(key, content)
        if not held.ignores_conditions and self.headers.get("If-Match", etag(content)) != etag(content):
            self._answer(412, _error("PreconditionFailed"))
            return
        status, cut, wanted = 200, 0, self.headers.get("Range", "")
        if wanted and not held.ignores_ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            size, content = len(content), content[int(first) : int(last) + 1]
            about["Content-Range"] = f"bytes {first}-{int(first) + len(content) - 1}/{size}"
            status = 206
        held.sent_bytes += len(content)
        if held.short_lengths > 0:
            held.short_lengths -= 1
            content = content[: len(content) // 2]
        if held.broken_bodies > 0:
            held.broken_bodies -= 1
            cut = len(content) // 2
        self._answer(status, content, cut, **about)

    def _answer(self, status: int, body: bytes, cut: int = 0, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        if "ETag" in headers and self.held.drip_s:
            with suppress(OSError):  # nobody waits for the rest
                for place in range(len(body)):
                    self.wfile.write(body[place : place + 1])
                    time.sleep(self.held.drip_s)
            return
        with suppress(OSError):  # nobody waits for the rest
            self.wfile.write(body[: len(body) - cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
