"""Amazon Transcribe's batch jobs, through boto3: channel identification for two channels.

The audio goes into a bucket, a job is begun and looked at until it ends, the answer is read from the bucket. Audio,
answer and job are deleted afterwards, whatever became of them. Streaming (`amazon-transcribe`) needs no bucket, but
hears at the speed of the audio and less well.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from pipeline.config.areas.speech.cloud import AwsOptions
from pipeline.errors import EarshotError, InvalidReply, ModelUnavailable
from pipeline.outside import know_credentials, limit_boto3
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engines.cloud.engine import CloudTranscriber
from pipeline.transcription.engines.cloud.service import (
    CredentialsRefused,
    Heard,
    NotUnderstood,
    Passing,
    Refused,
    Sound,
    error_of_status,
    mean_confidence,
    words_of,
)
from pipeline.transcription.engines.expected import AWS_MODEL
from pipeline.transcription.text.languages import language_code

_CREDENTIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_BUSY = frozenset({"LimitExceededException", "ThrottlingException", "TooManyRequestsException", "SlowDown"})


def build(options: AwsOptions) -> CloudTranscriber:
    return CloudTranscriber("aws", options.model or AWS_MODEL, options, Aws(options), takes_context=False)


class Aws:
    """`CloudService`."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._jobs: Any = None
        self._bucket: Any = None

    @property
    def address(self) -> str:
        return str(self._jobs.meta.endpoint_url) if self._jobs is not None else "AWS"

    def connect(self) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        options = self._options
        config = Config(
            connect_timeout=options.connect_timeout_s,
            read_timeout=options.time_limit_s,
            retries={"total_max_attempts": 1},
            max_pool_connections=options.concurrency,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if options.s3_endpoint_url else {},
        )
        session = boto3.Session(region_name=options.region)
        know_credentials(session)
        try:
            self._jobs = session.client("transcribe", endpoint_url=options.endpoint_url, config=config)
            self._bucket = session.client("s3", endpoint_url=options.s3_endpoint_url, config=config)
        except BotoCoreError as error:
            raise ModelUnavailable(f"aws: {error}; set transcription.aws.region or AWS_REGION") from error
        if session.get_credentials() is None:
            raise ModelUnavailable("aws: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile")
        limit_boto3(self._jobs)

    def recognise(self, sound: Sound, limit_s: float) -> Sequence[Heard]:
        name = f"earshot-{uuid.uuid4()}"
        audio, answer = f"{self._options.prefix}{name}.wav", f"{self._options.prefix}{name}.json"
        deadline = time.monotonic() + limit_s
        begun = False
        try:
            with _errors_of_aws():
                self._bucket.put_object(Bucket=self._options.bucket, Key=audio, Body=sound.wav())
                self._jobs.start_transcription_job(**self._job(name, audio, answer, sound))
            begun = True
            with _errors_of_aws(charged=True):
                self._wait(name, deadline)
                body = self._bucket.get_object(Bucket=self._options.bucket, Key=answer)["Body"].read()
        finally:
            self._clean(name, audio, answer, begun)
        return _heard(body, sound)

    def close(self) -> None:
        for client in (self._jobs, self._bucket):
            if client is not None:
                client.close()
        self._jobs = self._bucket = None

    def _job(self, name: str, audio: str, answer: str, sound: Sound) -> dict[str, Any]:
        options = self._options
        job: dict[str, Any] = {
            "TranscriptionJobName": name,
            "Media": {"MediaFileUri": f"s3://{options.bucket}/{audio}"},
            "MediaFormat": "wav",
            "MediaSampleRateHertz": SAMPLE_RATE_HZ,
            "OutputBucketName": options.bucket,
            "OutputKey": answer,
        }
        if len(sound.channels) > 1:
            job["Settings"] = {"ChannelIdentification": True}
        locales = sound.locales(options.locales)
        if len(locales) == 1:
            job["LanguageCode"] = locales[0]
        else:
            job["IdentifyLanguage"] = True
            job |= {"LanguageOptions": locales} if locales else {}
        if options.model is not None:
            job["ModelSettings"] = {"LanguageModelName": options.model}
        return job

    def _wait(self, name: str, deadline: float) -> None:
        """Raises Passing (not finished in time), NotUnderstood (the job failed)."""
        while True:
            job = self._jobs.get_transcription_job(TranscriptionJobName=name)["TranscriptionJob"]
            state = job.get("TranscriptionJobStatus")
            if state == "COMPLETED":
                return
            if state == "FAILED":
                raise NotUnderstood("aws: the job failed; its reason may quote the call and is not shown")
            if time.monotonic() + self._options.poll_s > deadline:
                raise Passing("aws: the job was not finished in time (transcription.aws.time_limit_s)")
            time.sleep(self._options.poll_s)

    def _clean(self, name: str, audio: str, answer: str, begun: bool) -> None:
        """What cannot be deleted now is left to the bucket's own rules of expiry."""
        from botocore.exceptions import BotoCoreError, ClientError

        for key in (audio, *((answer,) if begun else ())):
            with contextlib.suppress(ClientError, BotoCoreError):
                self._bucket.delete_object(Bucket=self._options.bucket, Key=key)
        if begun:
            with contextlib.suppress(ClientError, BotoCoreError):
                self._jobs.delete_transcription_job(TranscriptionJobName=name)


class _errors_of_aws(contextlib.AbstractContextManager[None]):  # noqa: N801 - reads as a statement
    """boto3's errors as ours. `charged`: the job has begun, so its price is owed whatever happens next."""

    def __init__(self, charged: bool = False) -> None:
        self._charged = charged

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectTimeoutError,
            EndpointConnectionError,
            NoCredentialsError,
        )

        if isinstance(error, ClientError):
            raise self._of_answer(error) from error
        if isinstance(error, NoCredentialsError):
            raise CredentialsRefused("aws: no credentials were found") from error
        if isinstance(error, EndpointConnectionError | ConnectTimeoutError) and not self._charged:
            raise Refused(f"aws: no connection ({type(error).__name__})") from error
        if isinstance(error, BotoCoreError):
            raise Passing(f"aws: no answer ({type(error).__name__})") from error

    def _of_answer(self, error: Any) -> EarshotError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        meta = error.response.get("ResponseMetadata", {})
        headers, status = meta.get("HTTPHeaders", {}), int(meta.get("HTTPStatusCode", 0))
        status = 403 if code in _CREDENTIALS else 429 if code in _BUSY else status
        ours = error_of_status("aws", status, key="AWS's credentials", headers=headers, body={"code": code})
        return Passing(str(ours)) if self._charged and isinstance(ours, Refused) else ours


def _heard(body: bytes, sound: Sound) -> list[Heard]:
    try:
        results = json.loads(body)["results"]
        language = language_code(str(results.get("language_code") or ""))
        if len(sound.channels) == 1:
            return [_of_items(results["items"], language, sound.duration_s)]
        channels = sorted(results["channel_labels"]["channels"], key=lambda channel: str(channel["channel_label"]))
        return [_of_items(channel["items"], language, sound.duration_s) for channel in channels]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidReply(f"aws: the answer is no transcript ({type(error).__name__})") from error


def _of_items(items: Sequence[Any], language: str | None, duration_s: float) -> Heard:
    """Punctuation marks are items of their own, without times: each belongs to the word before it."""
    found: list[tuple[str, Any, Any, Any]] = []
    for item in items:
        best = item["alternatives"][0]
        if item["type"] == "pronunciation":
            found.append((best["content"], item.get("start_time"), item.get("end_time"), best.get("confidence")))
        elif found:
            text, *rest = found[-1]
            found[-1] = (f"{text}{best['content']}", *rest)
    words = words_of(found, duration_s)
    return Heard(
        text=" ".join(text for text, *_ in found),
        words=words,
        language=language,
        confidence=mean_confidence(words or ()),
    )
