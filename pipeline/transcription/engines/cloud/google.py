"""Google Speech-to-Text v2, `recognize`, through the `google-cloud-speech` client over HTTP.

A request that carries its audio may have a minute. Longer audio (`batchRecognize`) must lie in a bucket of Google's,
which nobody needs who sends windows of 55 s; both channels go in one request either way.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pipeline.config.areas.speech.cloud import GoogleOptions
from pipeline.errors import InvalidReply, ModelUnavailable
from pipeline.outside import limit_requests
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engines.cloud.engine import CloudTranscriber
from pipeline.transcription.engines.cloud.service import (
    Heard,
    Passing,
    Refused,
    Sound,
    error_of_status,
    mean_confidence,
    share,
    words_of,
)
from pipeline.transcription.text.languages import language_code

_MOST_LANGUAGES = 3
"""Of which the service detects one; with more, it is left to choose among all."""


def build(options: GoogleOptions) -> CloudTranscriber:
    return CloudTranscriber("google", options.model, options, Google(options), takes_context=False)


class Google:
    """`CloudService`."""

    def __init__(self, options: GoogleOptions) -> None:
        self._options = options
        self._client: Any = None

    @property
    def address(self) -> str:
        options = self._options
        if options.endpoint:
            return options.endpoint
        region = "" if options.location == "global" else f"{options.location}-"
        return f"https://{region}speech.googleapis.com"

    def connect(self) -> None:
        from google.cloud.speech_v2 import SpeechClient
        from google.cloud.speech_v2.services.speech.transports import SpeechRestTransport

        where = urlsplit(self.address)
        transport = SpeechRestTransport(host=where.netloc, url_scheme=where.scheme, credentials=self._credentials())
        limit_requests(transport._session)
        self._client = SpeechClient(transport=transport)

    def _credentials(self) -> Any:
        import google.auth
        from google.auth.api_key import Credentials
        from google.auth.exceptions import DefaultCredentialsError

        key = os.environ.get(self._options.api_key_env)
        if key:
            return Credentials(key)
        try:
            return google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0]
        except DefaultCredentialsError as error:
            raise ModelUnavailable(
                f"google: no credentials; set {self._options.api_key_env} or GOOGLE_APPLICATION_CREDENTIALS"
            ) from error

    def recognise(self, sound: Sound, limit_s: float) -> Sequence[Heard]:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.protobuf.json_format import ParseError
        from requests.exceptions import ConnectionError as NoConnection
        from requests.exceptions import RequestException

        try:
            reply = self._client.recognize(request=self._request(sound), retry=None, timeout=limit_s)
        except exceptions.GoogleAPICallError as error:
            key = f"{self._options.api_key_env} or GOOGLE_APPLICATION_CREDENTIALS"
            headers = dict(getattr(error.response, "headers", None) or {})
            raise error_of_status("google", int(error.code or 0), key=key, headers=headers) from error
        except (NoConnection, TransportError) as error:
            raise Refused(f"google: no connection to {self.address} ({type(error).__name__})") from error
        except GoogleAuthError as error:
            raise ModelUnavailable(f"google: the credentials were refused ({type(error).__name__})") from error
        except (ParseError, ValueError) as error:
            raise Passing("google: the answer is not JSON") from error
        except RequestException as error:
            raise Passing(f"google: no answer ({type(error).__name__})") from error
        return _heard(reply, sound)

    def close(self) -> None:
        self._client = None

    def _request(self, sound: Sound) -> Any:
        from google.cloud.speech_v2 import types

        options = self._options
        decoding = types.ExplicitDecodingConfig(
            encoding=types.ExplicitDecodingConfig.AudioEncoding.LINEAR16,
            sample_rate_hertz=SAMPLE_RATE_HZ,
            audio_channel_count=len(sound.channels),
        )
        modes = types.RecognitionFeatures.MultiChannelMode
        features = types.RecognitionFeatures(
            enable_automatic_punctuation=True,
            enable_word_time_offsets=True,
            enable_word_confidence=True,
            multi_channel_mode=modes.SEPARATE_RECOGNITION_PER_CHANNEL
            if len(sound.channels) > 1
            else modes.MULTI_CHANNEL_MODE_UNSPECIFIED,
        )
        locales = sound.locales(options.locales)
        return types.RecognizeRequest(
            recognizer=f"projects/{options.project}/locations/{options.location}/recognizers/_",
            config=types.RecognitionConfig(
                explicit_decoding_config=decoding,
                model=options.model,
                language_codes=locales if 1 <= len(locales) <= _MOST_LANGUAGES else ["auto"],
                features=features,
            ),
            content=sound.pcm(),
        )


def _heard(reply: Any, sound: Sound) -> list[Heard]:
    """Results come in pieces, each with its channel (from 1; 0 where there is one). Silent channels have none."""
    results = list(reply.results)
    if not results and not reply.metadata.total_billed_duration:
        raise InvalidReply("google: the answer has neither results nor a billed duration; is this the service?")
    several = len(sound.channels) > 1
    return [
        _of_channel([result for result in results if not several or result.channel_tag == number], sound.duration_s)
        for number in range(1, len(sound.channels) + 1)
    ]


def _of_channel(results: Sequence[Any], duration_s: float) -> Heard:
    best = [result.alternatives[0] for result in results if result.alternatives]
    listed = [word for alternative in best for word in alternative.words]
    complete = all(alternative.words or not alternative.transcript.strip() for alternative in best)
    words = words_of(
        (
            (word.word, word.start_offset.total_seconds(), word.end_offset.total_seconds(), word.confidence or None)
            for word in listed
        ),
        duration_s,
    )
    locale = next((result.language_code for result in results if result.language_code), "")
    sure = [share(alternative.confidence) for alternative in best if alternative.confidence]
    known = [value for value in sure if value is not None]
    return Heard(
        text=" ".join(alternative.transcript.strip() for alternative in best),
        words=words if complete else None,
        language=language_code(locale) if locale else None,
        confidence=sum(known) / len(known) if known else mean_confidence(words or ()),
    )
