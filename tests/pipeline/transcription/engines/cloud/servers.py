"""Servers on loopback that answer as the cloud services do: what they hear is how long each channel is."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.loopback import Loopback, Reply, Request, json_reply

Channels = npt.NDArray[np.int16]
"""Shape (samples, channels)."""
RATE_HZ = 16_000


def _says(status: int, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    return json_reply({"error": {"code": code, "message": "secret words"}}, status, headers)


REFUSED_KEY = _says(401, "Unauthorized")
BUSY = _says(429, "TooManyRequests", {"Retry-After": "0.05"})
BROKEN = _says(500, "InternalError")
NO_JSON = Reply(200, b"<html>secret words</html>", {"Content-Type": "application/json"})
CUT = Reply(200, b'{"results": ', {"Content-Type": "application/json"}, missing_bytes=1000)
ELSEWHERE = Reply(200, b'{"transcript": "secret words"}', {"Content-Type": "application/json"})
BAD_REQUEST = _says(400, "InvalidRequest")
SLOW = Reply(500, after_s=2.0)


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


class CloudServer(Loopback):
    """One vendor's; `heard` is what it was sent, `faults` what it does first."""

    def __init__(self) -> None:
        self.faults: deque[Reply] = deque()
        self.heard: list[Channels] = []
        self.asked: list[dict[str, Any]] = []
        """What each request said about its audio."""
        self.keys: set[str | None] = set()
        self.lock = Lock()
        super().__init__(self.reply)

    def reply(self, request: Request) -> Reply:
        return self.post(request) if request.method == "POST" else Reply(404, b"{}")

    def post(self, request: Request) -> Reply:
        raise NotImplementedError

    def fault(self) -> Reply | None:
        """What is said instead of the next answer."""
        with self.lock:
            return self.faults.popleft() if self.faults else None

    def took(self, channels: Channels, asked: dict[str, Any], key: str | None) -> None:
        with self.lock:
            self.heard.append(channels)
            self.asked.append(asked)
            self.keys.add(key)


class DeepgramServer(CloudServer):
    def post(self, request: Request) -> Reply:
        assert request.path == "/v1/listen"
        asked, channels = request.query, from_wav(request.body)
        self.took(channels, asked, request.headers.get("authorization"))
        if (fault := self.fault()) is not None:
            return fault
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
        return json_reply(answer)


class AzureServer(CloudServer):
    def post(self, request: Request) -> Reply:
        assert request.target.startswith("/speechtotext/transcriptions:transcribe?api-version=")
        form = request.form()
        definition, audio = form["definition"], form["audio"]
        assert isinstance(definition, bytes)
        assert isinstance(audio, bytes)
        asked, channels = json.loads(definition), from_wav(audio)
        self.took(channels, asked, request.headers.get("ocp-apim-subscription-key"))
        if (fault := self.fault()) is not None:
            return fault
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
        return json_reply(answer)


class GoogleServer(CloudServer):
    def post(self, request: Request) -> Reply:
        assert request.path.startswith("/v2/projects/p/locations/eu/recognizers/_:recognize")
        asked = request.json()
        config = asked["config"]
        number = config["explicitDecodingConfig"]["audioChannelCount"]
        samples = np.frombuffer(base64.b64decode(asked.pop("content")), dtype="<i2").reshape(-1, number)
        assert len(samples) <= 60 * RATE_HZ, "the service takes a minute"
        self.took(samples, config, request.headers.get("x-goog-api-key"))
        if (fault := self.fault()) is not None:
            return fault
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
        return json_reply(answer)


class AwsServer(CloudServer):
    """Transcribe and S3 at one address; a job needs two looks."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.fails = False
        self.deleted: list[str] = []
        super().__init__()

    def reply(self, request: Request) -> Reply:
        path = request.path
        if request.method == "POST":
            return self.post(request)
        if request.method == "PUT":
            self.objects[path] = request.body
            return Reply()
        if request.method == "DELETE":
            self.deleted.append(path)
            self.objects.pop(path, None)
            return Reply(204)
        if path in self.objects:
            return Reply(200, self.objects[path])
        return Reply(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def post(self, request: Request) -> Reply:
        verb = request.headers["x-amz-target"].rpartition(".")[2]
        asked = request.json()
        name = asked["TranscriptionJobName"]
        answer: dict[str, Any] = {}
        if verb == "StartTranscriptionJob":
            key = "/" + asked["Media"]["MediaFileUri"].removeprefix("s3://")
            self.took(from_wav(self.objects[key]), asked, request.headers.get("authorization", "")[:30])
            if (fault := self.fault()) is not None:
                return fault
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
        return json_reply(answer)

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
