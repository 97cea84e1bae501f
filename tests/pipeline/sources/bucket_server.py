"""A bucket on loopback: as much of the S3 protocol as listing and reading need, over real HTTP."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE_SIZE = 3


class Bucket:
    """What the server holds, and how it misbehaves."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.storage_classes: dict[str, str] = {}
        self.failures = 0
        """This many requests are answered with 503 first."""
        self.broken_bodies = 0
        """This many bodies end early."""
        self.drip_s = 0.0
        """Bodies come a byte at a time, this many seconds apart."""
        self.forbidden = False
        self.requests: list[str] = []
        self.url = ""
        self.sent_bytes = 0
        """Of objects' bodies."""


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
        bucket = self.held
        bucket.requests.append(self.path)
        address = urlsplit(self.path)
        _, _, key = address.path.lstrip("/").partition("/")
        if bucket.failures > 0:
            bucket.failures -= 1
            self._answer(503, _error("SlowDown"))
        elif bucket.forbidden:
            self._answer(403, _error("AccessDenied"))
        elif not key:
            self._list(parse_qs(address.query))
        else:
            self._object(unquote(key))

    def _list(self, query: dict[str, list[str]]) -> None:
        prefix = query.get("prefix", [""])[0]
        after = query.get("continuation-token", [""])[0]
        keys = sorted(key for key in self.held.objects if key.startswith(prefix) and key > after)
        page, more = keys[:PAGE_SIZE], len(keys) > PAGE_SIZE
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-09-14T08:15:02.000Z</LastModified>"
            f"<ETag>{escape(etag(self.held.objects[key]))}</ETag><Size>{len(self.held.objects[key])}</Size>"
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
        content = self.held.objects.get(key)
        if content is None:
            self._answer(404, _error("NoSuchKey"))
        elif self.headers.get("If-Match", etag(content)) != etag(content):
            self._answer(412, _error("PreconditionFailed"))
        else:
            cut = 0
            wanted = self.headers.get("Range", "")
            if wanted:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                content = content[int(first) : int(last) + 1]
            self.held.sent_bytes += len(content)
            if self.held.broken_bodies > 0:
                self.held.broken_bodies -= 1
                cut = len(content) // 2
            self._answer(200, content, cut, etag(content))

    def _answer(self, status: int, body: bytes, cut: int = 0, tag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.close_connection = True
        if tag and self.held.drip_s:
            with suppress(OSError):  # nobody waits for the rest
                for place in range(len(body)):
                    self.wfile.write(body[place : place + 1])
                    time.sleep(self.held.drip_s)
            return
        self.wfile.write(body[: len(body) - cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
