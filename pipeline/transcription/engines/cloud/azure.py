"""Azure's fast transcription, through the `azure-ai-transcription` client: `channels` for two channels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.config.areas.speech.cloud import AzureOptions
from pipeline.errors import InvalidReply, ModelUnavailable, described
from pipeline.outside import requests_session
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


def build(options: AzureOptions) -> CloudTranscriber:
    return CloudTranscriber("azure", options.model, options, Azure(options), takes_context=options.send_context)


class Azure:
    """`CloudService`."""

    def __init__(self, options: AzureOptions) -> None:
        self._options = options
        self._client: Any = None

    @property
    def address(self) -> str:
        return self._options.endpoint

    def connect(self) -> None:
        from azure.ai.transcription import TranscriptionClient
        from azure.core.credentials import AzureKeyCredential
        from azure.core.pipeline.transport import RequestsTransport

        options = self._options
        key = os.environ.get(options.api_key_env)
        if not key:
            raise ModelUnavailable(f"azure: no key; set the environment variable {options.api_key_env}")
        self._client = TranscriptionClient(
            options.endpoint.rstrip("/"),
            AzureKeyCredential(key),
            transport=RequestsTransport(session=requests_session(), session_owner=False),
            retry_total=0,
            permit_redirects=False,
        )

    def recognise(self, sound: Sound, limit_s: float) -> Sequence[Heard]:
        from azure.core.exceptions import AzureError, DecodeError, HttpResponseError, ServiceRequestError

        options = self._options
        definition: dict[str, Any] = {"profanityFilterMode": "None"}
        if locales := sound.locales(options.locales):
            definition["locales"] = locales
        if len(sound.channels) > 1:
            definition["channels"] = list(range(len(sound.channels)))
        if sound.terms:
            definition["phraseList"] = {"phrases": list(sound.terms)}
        try:
            reply = self._client.transcribe(
                {"definition": definition, "audio": ("call.wav", sound.wav(), "audio/wav")},
                connection_timeout=min(options.connect_timeout_s, limit_s),
                read_timeout=limit_s,
            )
        except DecodeError as error:
            raise Passing("azure: the answer is not JSON") from error
        except HttpResponseError as error:
            key = f"the environment variable {options.api_key_env}"
            headers = dict(error.response.headers) if error.response is not None else {}
            code = getattr(error.error, "code", None)
            status = error.status_code or 0
            raise error_of_status("azure", status, key=key, headers=headers, body={"code": code}) from error
        except ServiceRequestError as error:
            raise Refused(f"azure: no connection to {self.address} ({described(error.__cause__ or error)})") from error
        except AzureError as error:
            raise Passing(f"azure: no answer ({type(error).__name__})") from error
        return self._heard(reply, sound)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _heard(self, reply: Any, sound: Sound) -> list[Heard]:
        combined = reply.get("combinedPhrases") if isinstance(reply, Mapping) else None
        phrases = reply.get("phrases") if isinstance(reply, Mapping) else None
        if not isinstance(combined, list) or not isinstance(phrases, list):
            raise InvalidReply("azure: the answer has no phrases; is this the service?")
        return [_of_channel(channel, combined, phrases, sound) for channel in range(len(sound.channels))]


def _of_channel(channel: int, combined: Sequence[Any], phrases: Sequence[Any], sound: Sound) -> Heard:
    """A channel in which nothing was said is left out of the answer."""
    own_phrases = [phrase for phrase in phrases if (phrase.get("channel") or 0) == channel]
    texts = [whole.get("text") for whole in combined if (whole.get("channel") or 0) == channel]
    if not all(isinstance(text, str) for text in texts):
        raise InvalidReply("azure: a channel of the answer has no text")
    listed = [phrase.get("words") for phrase in own_phrases]
    words = None
    if all(isinstance(spoken, list) for spoken in listed):
        words = words_of((_word(word, phrase) for phrase in own_phrases for word in phrase["words"]), sound.duration_s)
    locale = next((phrase.get("locale") for phrase in own_phrases if phrase.get("locale")), None)
    sure = [share(phrase.get("confidence")) for phrase in own_phrases]
    known = [value for value in sure if value is not None]
    return Heard(
        text=" ".join(texts),
        words=words,
        language=language_code(locale) if isinstance(locale, str) else None,
        confidence=sum(known) / len(known) if known else mean_confidence(words or ()),
    )


def _word(word: Any, phrase: Any) -> tuple[str, Any, Any, Any]:
    """The service gives a confidence for the phrase only."""
    start_ms, duration_ms = word.get("offsetMilliseconds"), word.get("durationMilliseconds")
    if not isinstance(start_ms, int | float) or not isinstance(duration_ms, int | float):
        return word.get("text"), None, None, None
    return word.get("text"), start_ms / 1000, (start_ms + duration_ms) / 1000, phrase.get("confidence")
