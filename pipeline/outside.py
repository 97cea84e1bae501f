"""Rules for answers of outside services: limited length, no redirects, errors that repeat nothing of what was sent.

What we send holds words of calls, so it goes to the address the configuration names and to no other. What comes back
may be endless, or quote what we sent: it is read up to a limit, and never repeated in a message. A leaf; each client
is imported by whoever uses it.
"""

from __future__ import annotations

import http.client
import importlib
import re
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from pipeline.errors import EarshotError, InvalidReply, ServiceUnavailable, described
from pipeline.masking import know

MAX_ANSWER_BYTES = 32_000_000
"""Limit of one answer. A transcript of hours with the time of every word is a tenth of it."""
PLAIN = {"Accept-Encoding": "identity"}
"""Header that asks for an uncompressed answer: its length is then the memory it takes."""

_KEPT_IN_FILES = frozenset({"shared-credentials-file", "config-file", "boto-config"})
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*([_.-][A-Za-z0-9]+)*")
_MAX_IDENTIFIER_CHARS = 60


class AnswerTooLong(InvalidReply):
    """A service sent more than anybody could have asked for."""


def too_long(address: object, most: int = MAX_ANSWER_BYTES) -> AnswerTooLong:
    return AnswerTooLong(f"{address}: the answer is longer than {most:,} bytes and was dropped; is this the service?")


def refusal(service: str, status: int, body: object = None, message: str = "") -> str:
    """Message about an answer with an error status: `bedrock answered 400 (ValidationException); …`.

    Args:
        body: the decoded body; its `code` and `type` are quoted where they are identifiers.
        message: the service's own words. Only their length is given: many services quote what they refuse.
    """
    kinds = ", ".join(dict.fromkeys(_kinds(body)))
    told = f"{service} answered {status}{f' ({kinds})' if kinds else ''}"
    if 300 <= status < 400:
        return f"{told}: it redirects, and words of calls go only to the address that is configured; name the final one"
    return f"{told}; its message of {len(message)} characters may quote the call and is not shown" if message else told


def _kinds(body: object) -> Iterator[str]:
    while isinstance(body, Mapping):
        for name in ("code", "Code", "type"):
            kind = body.get(name)
            if isinstance(kind, str) and len(kind) <= _MAX_IDENTIFIER_CHARS and _IDENTIFIER.fullmatch(kind):
                yield kind
        body = body.get("error")


def client_options(*, asynchronous: bool, package: str = "httpx2") -> dict[str, Any]:
    """Options for the HTTP client of the `openai` and `anthropic` packages: answers limited, no redirects.

    `package`: the HTTP library; `httpx` for clients that use that one.

    An answer that is too long raises AnswerTooLong; a compressed one, which was not asked for, raises InvalidReply.
    Those packages wrap both in their own connection error: see `behind`.
    """
    limit = _limiter(package)

    async def limit_later(response: Any) -> None:
        limit(response)

    return {
        "follow_redirects": False,
        "headers": PLAIN,
        "event_hooks": {"response": [limit_later if asynchronous else limit]},
    }


def limit_hub() -> None:
    """Hold what a model hub says of its repositories (not the weights) to MAX_ANSWER_BYTES, in this process."""
    from huggingface_hub import get_session

    client, limit = get_session(), _limiter()
    client.headers.update(PLAIN)

    def limit_words(response: Any) -> None:
        if "/api/" in response.request.url.path:
            limit(response)

    client.event_hooks["response"] = [*client.event_hooks["response"], limit_words]


def _limiter(package: str = "httpx2") -> Callable[[Any], None]:
    """What limits a response of httpx2 (or of httpx) before its body is read."""
    http: Any = importlib.import_module(package)

    class Limited(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, response: Any) -> None:
            self._stream: Any = response.stream
            self._address = response.request.url
            self._left = MAX_ANSWER_BYTES

        def _take(self, part: bytes) -> bytes:
            self._left -= len(part)
            if self._left < 0:
                raise too_long(self._address)
            return part

        def __iter__(self) -> Iterator[bytes]:
            for part in self._stream:
                yield self._take(part)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for part in self._stream:
                yield self._take(part)

        def close(self) -> None:
            self._stream.close()

        async def aclose(self) -> None:
            await self._stream.aclose()

    def limit(response: Any) -> None:
        packing = response.headers.get("content-encoding", "identity")
        if packing != "identity":
            raise InvalidReply(f"{response.request.url}: the answer is compressed, which was not asked for")
        response.stream = Limited(response)

    return limit


def behind(error: BaseException) -> InvalidReply | None:
    """The error that `client_options` raised, out of the package's own error."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, InvalidReply):
        cause = cause.__cause__
    return cause


def connection_error(service: str, address: str, error: Exception) -> EarshotError:
    """Our error for a connection error of the packages that use `client_options`."""
    told = f"{service}: no connection to {address}: {described(error.__cause__ or error)}"
    return behind(error) or ServiceUnavailable(told)


def limit_boto3(client: Any, most: int = MAX_ANSWER_BYTES) -> None:
    """Limit each answer of a boto3 client that is not streamed to `most` bytes. boto3 follows no redirects.

    Raises AnswerTooLong out of the client's calls.
    """
    from botocore.awsrequest import AWSResponse
    from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import ReadTimeoutError as SocketTimeout

    session = client._endpoint.http_session

    class Read:
        def __init__(self, content: bytes) -> None:
            self._content = content

        def stream(self) -> Iterator[bytes]:
            yield self._content

    def send(request: Any, **_: Any) -> Any:
        if request.stream_output:
            return None
        request.stream_output = True  # boto3 would read to the end by itself
        response = session.send(request)
        content = bytearray()
        try:
            for part in response.raw.stream():
                content += part
                if len(content) > most:
                    raise too_long(request.url.partition("?")[0], most)
        except SocketTimeout as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except HTTPError as error:
            raise ConnectionClosedError(endpoint_url=request.url, error=error) from error
        finally:
            if len(content) > most:
                response.raw.close()
            response.raw.release_conn()
        return AWSResponse(request.url, response.status_code, response.headers, Read(bytes(content)))

    client.meta.events.register(f"before-send.{client.meta.service_model.service_id.hyphenize()}", send)


def know_credentials(session: Any) -> None:
    """Mask the keys of a boto3 session that come from a file. Those from the environment are known already."""
    credentials = session.get_credentials()
    if credentials is not None and credentials.method in _KEPT_IN_FILES:
        frozen = credentials.get_frozen_credentials()
        know(*(part for part in (frozen.access_key, frozen.secret_key, frozen.token) if part))


def on_this_machine(address: str) -> bool:
    """Whether an address is this machine's own loopback."""
    host = urllib.parse.urlsplit(address).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def requests_session(most: int = MAX_ANSWER_BYTES) -> Any:
    """A session of `requests` whose answers are limited and whose redirects are not followed.

    Raises AnswerTooLong, and InvalidReply for a compressed answer, which was not asked for.
    """
    session = importlib.import_module("requests").Session()
    limit_requests(session, most)
    return session


def limit_requests(session: Any, most: int = MAX_ANSWER_BYTES) -> None:
    """Hold an existing session of `requests` to the same rules."""
    from requests.adapters import HTTPAdapter

    class Limited(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            request.headers.update(PLAIN)
            response = super().send(request, **{**options, "stream": True})
            response.headers.pop("location", None)
            if response.headers.get("content-encoding", "identity") != "identity":
                response.close()
                raise InvalidReply(f"{response.url}: the answer is compressed, which was not asked for")
            content = bytearray()
            for part in response.iter_content(65_536):
                content += part
                if len(content) > most:
                    response.close()
                    raise too_long(request.url.partition("?")[0], most)
            response._content = bytes(content)
            return response

    for scheme in ("http://", "https://"):
        session.mount(scheme, Limited())


def open_address(request: urllib.request.Request, timeout_s: float) -> http.client.HTTPResponse:
    """The answer to a request; redirects are not followed. Read it with a limit.

    Raises OSError, also for a status of 300 and above (HTTPError).
    """
    if not request.full_url.startswith(("http://", "https://")):
        raise OSError("no http address")
    answer: http.client.HTTPResponse = urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout_s)
    return answer


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """None: the redirect is not followed."""
