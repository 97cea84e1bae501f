"""Servers on loopback that answer as the cloud services do: what they hear is how long each channel is."""

from __future__ import annotations

import base64
import io
import json
import time
import wave
from collections import deque
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt

Channels = npt.NDArray[np.int16]
"""Shape (samples, channels)."""
RATE_HZ = 16_000


@dataclass(frozen=True)
class Fault:
    """What a server does instead of answering one request for a transcript."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: bool = False
    """Promise more bytes than are sent."""
    slow_s: float = 0.0


REFUSED_KEY = Fault(401, body=b'{"error": {"code": "Unauthorized", "message": "secret words"}}')
BUSY = Fault(429, {"Retry-After": "0.05"}, b'{"error": {"code": "TooManyRequests", "message": "secret words"}}')
BROKEN = Fault(500, body=b'{"error": {"code": "InternalError", "message": "secret words"}}')
NO_JSON = Fault(200, body=b"<html>secret words</html>")
CUT = Fault(200, body=b'{"results": ', cut=True)
ELSEWHERE = Fault(200, body=b'{"transcript": "secret words"}')
BAD_REQUEST = Fault(400, body=b'{"error": {"code": "InvalidRequest", "message": "secret words"}}')
SLOW = Fault(slow_s=2.0)


def words_of(channel: npt.NDArray[np.int16]) -> list[dict[str, Any]]:
    """Two words, in the first and in the last tenth of a second of what is not silence; none for silence."""
    loud = np.nonzero(channel)[0]
    if not loud.size:
        return []
    last_s = (int(loud[-1]) + 1) / RATE_HZ
    return [
        {"word": "hello", "start": 0.0, "end": 0.1, "confidence": 0.9},
        {"word": f"{last_s:.2f}", "start": round(last_s - 0.1, 3), "end": round(last_s, 3), "confidence": 0.8},
    ]


def from_wav(body: bytes) -> Channels:
    with wave.open(io.BytesIO(body)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE_HZ, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return samples.reshape(-1, file.getnchannels())


class CloudServer:
    """One vendor's; `heard` is what it was sent, `faults` what it does first."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.heard: list[Channels] = []
        self.asked: list[dict[str, Any]] = []
        """What each request said about its audio."""
        self.keys: set[str | None] = set()
        self.lock = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.other(self, b"")

            do_DELETE = do_PUT = do_POST = do_HEAD = do_GET  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def other(self, request: BaseHTTPRequestHandler, _: bytes) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.command == "POST":
            self.post(request, body)
        else:
            self.send(request, 404, b"{}")

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        raise NotImplementedError

    def stumbles(self, request: BaseHTTPRequestHandler) -> bool:
        """Whether the next fault was sent instead of an answer."""
        with self.lock:
            fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return False
        time.sleep(fault.slow_s)
        if fault.body is None:
            return False
        self.send(request, fault.status, fault.body, fault.headers, fault.cut)
        return True

    def send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        cut: bool = False,
    ) -> None:
        try:
            request.send_response(status)
            for name, value in (headers or {}).items():
                request.send_header(name, value)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body) + (1000 if cut else 0)))
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass
        request.close_connection = True

    def took(self, channels: Channels, asked: dict[str, Any], key: str | None) -> None:
        with self.lock:
            self.heard.append(channels)
            self.asked.append(asked)
            self.keys.add(key)


class DeepgramServer(CloudServer):
    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        where = urlsplit(request.path)
        assert where.path == "/v1/listen"
        asked = parse_qs(where.query)
        channels = from_wav(body)
        self.took(channels, asked, request.headers.get("Authorization"))
        if self.stumbles(request):
            return
        if asked["multichannel"] == ["false"] and channels.shape[1] > 1:
            channels = channels.sum(axis=1, keepdims=True).astype(np.int16)
        results = []
        for place in range(channels.shape[1]):
            words = words_of(channels[:, place])
            text = " ".join(word["word"] for word in words)
            one: dict[str, Any] = {
                "alternatives": [
                    {
                        "transcript": text.capitalize(),
                        "confidence": 0.85 if words else 0.0,
                        "words": [{**word, "punctuated_word": word["word"].capitalize()} for word in words],
                    }
                ]
            }
            if "detect_language" in asked:
                one |= {"detected_language": "fr", "language_confidence": 0.9}
            results.append(one)
        answer = {
            "metadata": {
                "transaction_key": "deprecated", "request_id": "r", "sha256": "s", "created": "2026-01-01T00:00:00Z",
                "duration": len(channels) / RATE_HZ, "channels": len(results), "models": ["m"], "model_info": {},
            },
            "results": {"channels": results},
        }  # fmt: skip
        self.send(request, 200, json.dumps(answer).encode())


class AzureServer(CloudServer):
    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        assert request.path.startswith("/speechtotext/transcriptions:transcribe?api-version=")
        head = b"Content-Type: " + request.headers["Content-Type"].encode() + b"\n\n"
        form = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in BytesParser().parsebytes(head + body).walk()
            if not part.is_multipart()
        }
        definition, audio = form["definition"], form["audio"]
        assert isinstance(definition, bytes)
        assert isinstance(audio, bytes)
        asked, channels = json.loads(definition), from_wav(audio)
        self.took(channels, asked, request.headers.get("Ocp-Apim-Subscription-Key"))
        if self.stumbles(request):
            return
        separate = asked.get("channels")
        combined, phrases = [], []
        for place in separate or [0]:
            words = words_of(channels[:, place])
            if not words:
                continue
            mark = {"channel": place} if separate else {}
            text = " ".join(word["word"] for word in words)
            combined.append({**mark, "text": text})
            phrases.append(
                {
                    **mark,
                    "offsetMilliseconds": 0,
                    "durationMilliseconds": int(words[-1]["end"] * 1000),
                    "text": text,
                    "words": [
                        {
                            "text": word["word"],
                            "offsetMilliseconds": int(word["start"] * 1000),
                            "durationMilliseconds": int((word["end"] - word["start"]) * 1000),
                        }
                        for word in words
                    ],
                    "locale": asked.get("locales", ["fr-FR"])[0],
                    "confidence": 0.85,
                }
            )
        answer = {
            "durationMilliseconds": int(len(channels) / RATE_HZ * 1000),
            "combinedPhrases": combined,
            "phrases": phrases,
        }
        self.send(request, 200, json.dumps(answer).encode())


class GoogleServer(CloudServer):
    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        assert request.path.startswith("/v2/projects/p/locations/eu/recognizers/_:recognize")
        asked = json.loads(body)
        config = asked["config"]
        number = config["explicitDecodingConfig"]["audioChannelCount"]
        samples = np.frombuffer(base64.b64decode(asked.pop("content")), dtype="<i2").reshape(-1, number)
        assert len(samples) <= 60 * RATE_HZ, "the service takes a minute"
        self.took(samples, config, request.headers.get("X-Goog-Api-Key"))
        if self.stumbles(request):
            return
        results = []
        for place in range(number):
            words = words_of(samples[:, place])
            if not words:
                continue
            text = " ".join(word["word"] for word in words)
            results.append(
                {
                    "alternatives": [
                        {
                            "transcript": text,
                            "confidence": 0.85,
                            "words": [
                                {
                                    "startOffset": f"{word['start']}s",
                                    "endOffset": f"{word['end']}s",
                                    "word": word["word"],
                                    "confidence": word["confidence"],
                                }
                                for word in words
                            ],
                        }
                    ],
                    "resultEndOffset": f"{words[-1]['end']}s",
                    "languageCode": "fr-fr" if config["languageCodes"] == ["auto"] else config["languageCodes"][0],
                    **({"channelTag": place + 1} if number > 1 else {}),
                }
            )
        answer = {"results": results, "metadata": {"totalBilledDuration": f"{-(-len(samples) // RATE_HZ)}s"}}
        self.send(request, 200, json.dumps(answer).encode())


class AwsServer(CloudServer):
    """Transcribe and S3 at one address; a job needs two looks."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.fails = False
        self.deleted: list[str] = []

    def other(self, request: BaseHTTPRequestHandler, _: bytes) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path = urlsplit(request.path).path
        if request.command == "POST":
            self.post(request, body)
        elif request.command == "PUT":
            self.objects[path] = body
            self.send(request, 200, b"")
        elif request.command == "DELETE":
            self.deleted.append(path)
            self.objects.pop(path, None)
            self.send(request, 204, b"")
        elif path in self.objects:
            self.send(request, 200, self.objects[path])
        else:
            self.send(request, 404, b"<Error><Code>NoSuchKey</Code></Error>")

    def post(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        verb = request.headers["X-Amz-Target"].rpartition(".")[2]
        asked = json.loads(body)
        name = asked["TranscriptionJobName"]
        answer: dict[str, Any] = {}
        if verb == "StartTranscriptionJob":
            key = "/" + asked["Media"]["MediaFileUri"].removeprefix("s3://")
            self.took(from_wav(self.objects[key]), asked, request.headers.get("Authorization", "")[:30])
            if self.stumbles(request):
                return
            self.jobs[name] = {**asked, "looks": 0}
            answer = {"TranscriptionJob": {"TranscriptionJobName": name, "TranscriptionJobStatus": "IN_PROGRESS"}}
        elif verb == "GetTranscriptionJob":
            job = self.jobs[name]
            job["looks"] += 1
            state = "IN_PROGRESS" if job["looks"] < 2 else "FAILED" if self.fails else "COMPLETED"
            if state == "COMPLETED":
                self.objects[f"/{job['OutputBucketName']}/{job['OutputKey']}"] = json.dumps(self._answer(job)).encode()
            answer = {"TranscriptionJob": {"TranscriptionJobName": name, "TranscriptionJobStatus": state}}
        elif verb == "DeleteTranscriptionJob":
            del self.jobs[name]
        self.send(request, 200, json.dumps(answer).encode())

    def _answer(self, job: dict[str, Any]) -> dict[str, Any]:
        samples = from_wav(self.objects["/" + job["Media"]["MediaFileUri"].removeprefix("s3://")])
        channels = [self._items(samples[:, place]) for place in range(samples.shape[1])]
        results: dict[str, Any] = {"language_code": job.get("LanguageCode", "fr-FR")}
        results["items"] = [item for items in channels for item in items]
        if job.get("Settings", {}).get("ChannelIdentification"):
            labelled = [{"channel_label": f"ch_{place}", "items": items} for place, items in enumerate(channels)]
            results["channel_labels"] = {"channels": labelled[::-1], "number_of_channels": len(channels)}
        results["transcripts"] = [{"transcript": "…"}]
        return {"jobName": "j", "accountId": "0", "status": "COMPLETED", "results": results}

    def _items(self, channel: npt.NDArray[np.int16]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for word in words_of(channel):
            best = {"confidence": str(word["confidence"]), "content": word["word"]}
            times = {"start_time": str(word["start"]), "end_time": str(word["end"])}
            items.append({"type": "pronunciation", "alternatives": [best], **times})
            items.append({"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": "."}]})
        return items
