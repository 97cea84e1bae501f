"""Drawn answers of each service, some of them with gaps: what is taken for heard, word by word, as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.config.areas.speech.cloud import AwsOptions, GoogleOptions
from pipeline.errors import EarshotError
from pipeline.transcription.engines.cloud import aws, azure, deepgram, google, service
from pipeline.transcription.engines.cloud.service import Heard, Sound
from tests.pinned import assert_pinned

ONE = Sound(channels=(np.zeros(48_000, np.float32),), language="en")
TWO = Sound(channels=(np.zeros(48_000, np.float32), np.zeros(16_000, np.float32)), language=None)
WORDS = ("so", "we", "agree", "to", "pay")
Word = dict[str, Any]


def drawn_words(draw: random.Random) -> list[Word]:
    """Sometimes without times, without a confidence, or ending before they begin."""
    words: list[Word] = []
    end_s = 0.0
    for text in draw.choices(WORDS, k=draw.choice((0, 1, 2, 4))):
        start_s = end_s + draw.choice((0.0, 0.25, 0.5))
        end_s = start_s + draw.choice((0.25, 0.5, 1.0))
        said: Word = {"text": text, "start": start_s, "end": end_s, "confidence": draw.choice((0.25, 0.5, 1.0))}
        said |= draw.choice(({}, {}, {}, {}, {"confidence": None}, {"confidence": 7.0}, {"start": None}, {"end": 0.1}))
        words.append(said)
    return words


def told(hear: Callable[[], Sequence[Heard]]) -> str:
    try:
        heard = hear()
    except EarshotError as error:
        return f"{type(error).__name__}: {error}"
    return " | ".join(
        f"{one.text!r} {one.language} {one.confidence} {one.language_probability} "
        + (
            "no words"
            if one.words is None
            else " ".join(f"{word.text}:{word.start_s:g}-{word.end_s:g}:{word.confidence}" for word in one.words)
        )
        for one in heard
    )


def lines_of_aws() -> Iterable[str]:
    draw = random.Random(1)

    def items(draw: random.Random) -> list[Any]:
        found = []
        for word in drawn_words(draw):
            best = {
                "content": word["text"],
                "confidence": None if word["confidence"] is None else str(word["confidence"]),
            }
            times = {"start_time": word["start"], "end_time": word["end"]}
            found.append({"type": "pronunciation", "alternatives": [best], **times})
            if draw.random() < 0.3:
                found.append(
                    {"type": "punctuation", "alternatives": [{"content": draw.choice(",."), "confidence": "0.0"}]}
                )
        return draw.choice(([{"type": "punctuation", "alternatives": [{"content": "-"}]}], [])) + found

    for _ in range(25):
        language = {"language_code": draw.choice(("en-US", "ar-AE", "", None))}
        yield told(lambda: aws._heard(json.dumps({"results": {**language, "items": items(draw)}}).encode(), ONE))  # noqa: B023
        channels = [{"channel_label": f"ch_{number}", "items": items(draw)} for number in (1, 0)]
        labels = {"channel_labels": {"channels": channels}}
        yield "  " + told(lambda: aws._heard(json.dumps({"results": {**language, **labels}}).encode(), TWO))  # noqa: B023
    for odd in (b"", b"[]", b'{"results": {}}', b'{"results": {"items": [{}]}}', b'{"results": null}'):
        yield f"{odd!r}: {told(lambda: aws._heard(odd, ONE))}"  # noqa: B023
    for options in (AwsOptions(bucket="b"), AwsOptions(bucket="b", model="m", locales={"en": "en-GB", "fr": "fr-CA"})):
        for sound in (ONE, TWO, Sound(channels=ONE.channels, language=None, languages=("en", "fr"))):
            yield f"{sorted(aws.Aws(options)._job('n', 'n.wav', 'n.json', sound).items())}"


def lines_of_azure() -> Iterable[str]:
    draw = random.Random(2)
    for _ in range(40):
        phrases, combined = [], []
        for channel in draw.choice(((0,), (0, 1), (1, 0), (None,))):
            words = drawn_words(draw)
            for first in range(0, len(words), 2):
                spoken = [
                    {
                        "text": word["text"],
                        "offsetMilliseconds": word["start"] and 1000 * word["start"],
                        "durationMilliseconds": word["start"] and 1000 * (word["end"] - word["start"]),
                    }
                    for word in words[first : first + 2]
                ]
                about = {"locale": draw.choice(("en-US", "fr-FR", None)), "confidence": words[first]["confidence"]}
                phrases.append({"channel": channel, **about, "words": draw.choice((spoken, spoken, spoken, None))})
            text = " ".join(word["text"] for word in words)
            combined.append({"channel": channel, "text": draw.choice((text, text, text, text, None))})
        for sound in (ONE, TWO):
            yield told(
                lambda: [azure._of_channel(n, combined, phrases, sound) for n in range(len(sound.channels))]  # noqa: B023
            )


def lines_of_deepgram() -> Iterable[str]:
    draw = random.Random(3)
    for _ in range(60):
        words = [
            SimpleNamespace(
                **{name: value for name, value in word.items() if name != "text"},
                word=word["text"],
                punctuated_word=draw.choice((None, word["text"].title())),
            )
            for word in drawn_words(draw)
        ]
        best = SimpleNamespace(
            transcript=draw.choice((" ".join(word.word for word in words),) * 5 + (None,)),
            words=draw.choice((words, words, words, None)),
            confidence=draw.choice((0.5, 1.0, None, 3.0)),
        )
        channel = SimpleNamespace(
            alternatives=draw.choice(([best], [best], [best], [best, None], [], None)),
            detected_language=draw.choice(("en", "pt-BR", None)),
            language_confidence=draw.choice((0.75, None)),
        )
        yield told(lambda: [deepgram._of_channel(channel, 3.0)])  # noqa: B023


def lines_of_google() -> Iterable[str]:
    draw = random.Random(4)
    for _ in range(50):
        results = []
        for tag in draw.choice(((), (0,), (0, 0), (1, 2), (2, 1, 2), (2,))):
            words = [
                SimpleNamespace(
                    word=word["text"],
                    start_offset=timedelta(seconds=word["start"] or 0.0),
                    end_offset=timedelta(seconds=word["end"]),
                    confidence=draw.choice((word["confidence"] or 0.0, 0.0)),
                )
                for word in drawn_words(draw)
            ]
            text = " ".join(word.word for word in words)
            best = SimpleNamespace(
                transcript=f" {text} ", words=draw.choice((words, words, [])), confidence=draw.choice((0.0, 0.5, 0.9))
            )
            language = draw.choice(("", "en-US", "ar-EG"))
            results.append(
                SimpleNamespace(alternatives=draw.choice(([best], [best], [])), channel_tag=tag, language_code=language)
            )
        reply = SimpleNamespace(
            results=results, metadata=SimpleNamespace(total_billed_duration=draw.choice((None, timedelta(seconds=3))))
        )
        for sound in (ONE, TWO):
            yield told(lambda: google._heard(reply, sound))  # noqa: B023
    for place in ({}, {"location": "global"}, {"location": "eu"}, {"endpoint": "http://google.local:8080"}):
        yield f"{place} {google.Google(GoogleOptions.model_validate({'project': 'p', **place})).address}"


def lines_of_service() -> Iterable[str]:
    ramp = np.array([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 1.5], np.float32)
    for channels in ((ramp,), (ramp, ramp[:3]), (ramp[:2], ramp)):
        sound = Sound(channels=channels, language=None)
        yield f"{sound.duration_s:.6f} {np.frombuffer(sound.pcm(), '<i2').tolist()} {sound.wav()[:44].hex()}"
    known = {"en": "en-US", "fr": "fr-FR"}
    for language, languages in (
        ("en", ()),
        ("xx", ()),
        (None, ()),
        (None, ("fr", "en")),
        (None, ("fr", "xx")),
        ("fr", ("en",)),
    ):
        yield f"{language} {languages} {Sound(channels=(ramp,), language=language, languages=languages).locales(known)}"
    for status in (
        0,
        199,
        200,
        299,
        300,
        400,
        401,
        402,
        403,
        404,
        408,
        409,
        413,
        415,
        422,
        425,
        429,
        499,
        500,
        503,
        599,
    ):
        for headers in ({}, {"age": "1", "Retry-After": "7.5"}, {"retry-after": "-1"}, {"RETRY-AFTER": "Friday"}):
            error = service.error_of_status("them", status, key="THE_KEY", headers=headers, body={"code": "odd"})
            yield f"{status} {headers} {type(error).__name__} {getattr(error, 'asked_s', None)}: {error}"


@pytest.mark.parametrize("lines", [lines_of_aws, lines_of_azure, lines_of_deepgram, lines_of_google, lines_of_service])
def test_what_was_heard(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(lines()))
