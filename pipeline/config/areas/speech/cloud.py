"""Options of the cloud recognisers: config.yaml's `transcription.deepgram`, `google`, `aws` and `azure`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.config.areas.speech.prices import PaidByTheMinute
from pipeline.config.influence import IDENTITY, NOTHING

CLOUD_ENGINES = ("deepgram", "google", "aws", "azure")
"""Recognisers to which the audio of calls is sent, outside the owner's machines."""

Locales = dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], str]


def _locales() -> dict[str, str]:
    return {
        "ar": "ar-SA",
        "de": "de-DE",
        "en": "en-US",
        "es": "es-ES",
        "fr": "fr-FR",
        "it": "it-IT",
        "nl": "nl-NL",
        "pt": "pt-PT",
    }


class CloudOptions(PaidByTheMinute):
    """What the cloud recognisers have in common."""

    concurrency: Annotated[int, Field(ge=1, le=64), NOTHING] = 4
    """Most requests in progress at once."""
    window_s: Annotated[float, Field(gt=0, le=7200)] = 600.0
    """Most seconds of speech of one channel in a request: the segments of a call are joined up to this length, both
    channels in one request."""
    max_segment_s: Annotated[float, Field(gt=0, le=7200), NOTHING] = 600.0
    """Longest segment sent, in seconds."""
    time_limit_s: Annotated[float, Field(gt=0, le=86_400), NOTHING] = 270.0
    """Longest time for a request with all its attempts; keep it under `run.segment_timeout_s`."""
    connect_timeout_s: Annotated[float, Field(gt=0, le=60), NOTHING] = 10.0
    """Longest wait for a connection."""
    max_attempts: Annotated[int, Field(ge=1, le=10), NOTHING] = 4
    """Attempts per request, the first included."""
    backoff_initial_s: Annotated[float, Field(ge=0, le=60), NOTHING] = 1.0
    """First wait between attempts; it doubles each time. A longer Retry-After of the service is heeded."""
    backoff_max_s: Annotated[float, Field(ge=0, le=300), NOTHING] = 30.0
    """Longest wait between attempts."""
    breaker_failures: Annotated[int, Field(ge=1, le=1000), NOTHING] = 5
    """After this many failed requests in a row nothing is sent for `breaker_pause_s`."""
    breaker_pause_s: Annotated[float, Field(ge=0, le=3600), NOTHING] = 30.0
    """How long nothing is sent, in seconds."""


class DeepgramOptions(CloudOptions):
    """Deepgram's pre-recorded transcription. Needs the extra `deepgram`."""

    base_url: Annotated[str, NOTHING] = "https://api.deepgram.com"
    """Address; Deepgram's European or a self-hosted one can be named."""
    api_key_env: Annotated[str, NOTHING] = "DEEPGRAM_API_KEY"
    """Environment variable that holds the key."""
    model: Annotated[str, IDENTITY] = "nova-3"
    """Name of the model."""
    bills_each_channel: Annotated[bool, NOTHING] = True
    """Whether a recording of two channels costs twice its length."""
    send_context: bool = True
    """Send the vocabulary as key terms."""
    improve_their_models: Annotated[bool, NOTHING] = False
    """Whether Deepgram may train its models on the calls."""


class GoogleOptions(CloudOptions):
    """Google Speech-to-Text v2, `recognize`. Needs the extra `google`."""

    project: Annotated[str, NOTHING] = ""
    """Google Cloud project; empty: the engine is not set up."""
    location: Annotated[str, NOTHING] = "eu"
    """Region that processes the audio: `eu`, `us`, `europe-west4`, `global`."""
    endpoint: Annotated[str, NOTHING] = ""
    """Address to use instead of the service's own (test server, private endpoint)."""
    api_key_env: Annotated[str, NOTHING] = "GOOGLE_SPEECH_API_KEY"
    """Environment variable that holds an API key; unset: application default credentials
    (`GOOGLE_APPLICATION_CREDENTIALS`)."""
    model: Annotated[str, IDENTITY] = "chirp_2"
    """Name of the model."""
    locales: Locales = Field(default_factory=_locales)
    """Locale to ask for, by ISO 639-1 code; another language, and a call whose language is unknown, is detected."""
    window_s: Annotated[float, Field(gt=0, le=59)] = 55.0
    """The same; the service takes at most a minute in a request that carries its audio."""
    max_segment_s: Annotated[float, Field(gt=0, le=59), NOTHING] = 55.0
    """Longest segment sent, in seconds."""
    bills_each_channel: Annotated[bool, NOTHING] = True
    """Whether a recording of two channels costs twice its length."""


class AwsOptions(CloudOptions):
    """Amazon Transcribe's batch jobs, through a bucket of yours. Credentials as for any AWS client."""

    bucket: Annotated[str, NOTHING] = ""
    """S3 bucket for the audio and the answers, which are deleted after each job; empty: the engine is not set up."""
    prefix: Annotated[str, NOTHING] = "earshot/"
    """How the names of these objects begin."""
    region: Annotated[str | None, NOTHING] = None
    """AWS region; null takes AWS_REGION or the profile's."""
    endpoint_url: Annotated[str | None, NOTHING] = None
    """Address of Transcribe to use instead of its own (VPC endpoint, test server)."""
    s3_endpoint_url: Annotated[str | None, NOTHING] = None
    """The same for S3."""
    model: Annotated[str | None, IDENTITY] = None
    """Custom language model; null for the service's own."""
    locales: Locales = Field(default_factory=_locales)
    """Locale to ask for, by ISO 639-1 code; another language, and a call whose language is unknown, is detected."""
    poll_s: Annotated[float, Field(gt=0, le=60), NOTHING] = 3.0
    """Wait between two looks at a job."""
    billed_at_least_s: Annotated[float, Field(ge=0, le=3600), NOTHING] = 15.0
    """Seconds the service charges for a request that is shorter."""


class AzureOptions(CloudOptions):
    """Azure's fast transcription. Needs the extra `azure`."""

    endpoint: Annotated[str, NOTHING] = ""
    """Address of the Speech resource (`https://NAME.cognitiveservices.azure.com`); empty: the engine is not set up."""
    api_key_env: Annotated[str, NOTHING] = "AZURE_SPEECH_KEY"
    """Environment variable that holds the key."""
    model: Annotated[str, IDENTITY] = "fast-transcription"
    """Text to record as the model; the service has one."""
    locales: Locales = Field(default_factory=_locales)
    """Locale to ask for, by ISO 639-1 code; another language, and a call whose language is unknown, is detected."""
    send_context: bool = True
    """Send the vocabulary as a phrase list."""
    bills_each_channel: Annotated[bool, NOTHING] = True
    """Whether a recording of two channels costs twice its length."""
