"""Deepgram's pre-recorded transcription, through the `deepgram-sdk` client: `multichannel` for two channels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from pipeline.config.areas.speech.cloud import DeepgramOptions
from pipeline.errors import InvalidReply, ModelUnavailable, described
from pipeline.outside import behind, client_options
from pipeline.transcription.engines.cloud.engine import CloudTranscriber
from pipeline.transcription.engines.cloud.service import (
    Heard,
    Passing,
    Refused,
    Sound,
    error_of_status,
    share,
    words_of,
)
from pipeline.transcription.text.languages import language_code

_MOST_KEY_TERMS = 100


def build(options: DeepgramOptions) -> CloudTranscriber:
    service = Deepgram(options)
    return CloudTranscriber("deepgram", options.model, options, service, takes_context=options.send_context)


class Deepgram:
    """`CloudService`."""

    def __init__(self, options: DeepgramOptions) -> None:
        self._options = options
        self._client: Any = None

    @property
    def address(self) -> str:
        return self._options.base_url

    def connect(self) -> None:
        import httpx
        from deepgram import DeepgramClient
        from deepgram.environment import DeepgramClientEnvironment

        options = self._options
        key = os.environ.get(options.api_key_env)
        if not key:
            raise ModelUnavailable(f"deepgram: no key; set the environment variable {options.api_key_env}")
        base = options.base_url.rstrip("/")
        self._client = DeepgramClient(
            api_key=key,
            environment=DeepgramClientEnvironment(base=base, production=base, agent=base, agent_rest=base),
            max_retries=0,
            httpx_client=httpx.Client(
                timeout=httpx.Timeout(options.time_limit_s, connect=options.connect_timeout_s),
                **client_options(asynchronous=False, package="httpx"),
            ),
        )

    def recognise(self, sound: Sound, limit_s: float) -> Sequence[Heard]:
        import httpx
        from deepgram.core.api_error import ApiError

        options = self._options
        try:
            reply = self._client.listen.v1.media.transcribe_file(
                request=sound.wav(),
                model=options.model,
                **({"language": sound.language} if sound.language else {}),
                multichannel=len(sound.channels) > 1,
                punctuate=True,
                mip_opt_out=not options.improve_their_models,
                **({"keyterm": list(sound.terms[:_MOST_KEY_TERMS])} if sound.terms else {}),
                request_options={
                    "timeout_in_seconds": max(1, int(limit_s)),
                    "max_retries": 0,
                    # to the client it is a flag; the service also takes the languages to choose from
                    "additional_query_parameters": {}
                    if sound.language
                    else {"detect_language": list(sound.languages) or True},
                },
            )
        except ApiError as error:
            key = f"the environment variable {options.api_key_env}"
            status = error.status_code or 0
            raise error_of_status("deepgram", status, key=key, headers=error.headers, body=error.body) from error
        except httpx.ConnectError as error:
            raise Refused(f"deepgram: no connection to {self.address} ({described(error)})") from error
        except httpx.HTTPError as error:
            raise behind(error) or Passing(f"deepgram: no answer ({type(error).__name__})") from error
        return self._heard(reply, sound)

    def close(self) -> None:
        self._client = None

    def _heard(self, reply: Any, sound: Sound) -> list[Heard]:
        channels = getattr(getattr(reply, "results", None), "channels", None)
        if not isinstance(channels, list):
            raise InvalidReply("deepgram: the answer has no channels; is this the service?")
        return [_of_channel(channel, sound.duration_s) for channel in channels]


def _of_channel(channel: Any, duration_s: float) -> Heard:
    alternatives = getattr(channel, "alternatives", None) or []
    best = alternatives[0] if alternatives else None
    text = getattr(best, "transcript", None)
    if not isinstance(text, str):
        raise InvalidReply("deepgram: a channel of the answer has no transcript")
    words = getattr(best, "words", None)
    detected = getattr(channel, "detected_language", None)
    return Heard(
        text=text,
        words=words_of(
            (
                (
                    getattr(word, "punctuated_word", None) or getattr(word, "word", None),
                    getattr(word, "start", None),
                    getattr(word, "end", None),
                    getattr(word, "confidence", None),
                )
                for word in words
            ),
            duration_s,
        )
        if isinstance(words, list)
        else None,
        language=language_code(detected) if isinstance(detected, str) else None,
        confidence=share(getattr(best, "confidence", None)) if text else None,
        language_probability=share(getattr(channel, "language_confidence", None)),
    )
