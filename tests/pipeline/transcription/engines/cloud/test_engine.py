"""The engine over any cloud service, with one that says what it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from pipeline.config.areas.speech.cloud import CloudOptions
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engine import SERVICE_UNAVAILABLE, SegmentPlace, SegmentRequest, SegmentResult
from pipeline.transcription.engines.cloud.engine import CloudTranscriber
from pipeline.transcription.engines.cloud.service import Heard, Passing, Sound
from tests.loopback import Reply, listening


class Service:
    """Says how long each channel is; `says` comes first."""

    def __init__(self, address: str = "http://127.0.0.1:9", says: Sequence[Sequence[Heard] | Exception] = ()) -> None:
        self.address = address
        self.asked: list[Sound] = []
        self.closed = False
        self._says: Iterator[Sequence[Heard] | Exception] = iter(says)

    def connect(self) -> None: ...

    def recognise(self, sound: Sound, limit_s: float) -> Sequence[Heard]:
        self.asked.append(sound)
        answer = next(self._says, None)
        if isinstance(answer, Exception):
            raise answer
        return answer if answer is not None else [heard(str(channel.size)) for channel in sound.channels]

    def close(self) -> None:
        self.closed = True


def heard(text: str) -> Heard:
    return Heard(text=text, words=None, language="en", confidence=0.5)


def engine(service: Service, **options: object) -> CloudTranscriber:
    given = {"concurrency": 1, "backoff_initial_s": 0.001, "backoff_max_s": 0.002, **options}
    return CloudTranscriber("some", "m", CloudOptions.model_validate(given), service, takes_context=False)


def asked(samples: int, channel: int = 0, call: str = "a", language: str | None = "en") -> SegmentRequest:
    return SegmentRequest(
        key=f"{call}{channel}",
        samples=np.full(samples, 0.5, dtype=np.float32),
        language=language,
        context="",
        place=SegmentPlace(file_name=f"{call}.wav", audio_sha256=call, channel=channel, start_s=0.0),
    )


def answers(made: CloudTranscriber, *requests: SegmentRequest) -> dict[str, SegmentResult]:
    return {result.key: result for result in made.transcribe(iter(requests))}


def test_a_segment_without_samples_is_not_sent() -> None:
    service = Service()
    found = answers(engine(service), asked(0, 0), asked(100, 1), asked(0, 0, "b"))
    assert {key: result.text for key, result in found.items()} == {"a0": "", "a1": "100", "b0": ""}
    assert [[channel.size for channel in sound.channels] for sound in service.asked] == [[100]]
    assert all(result.error is None for result in found.values())


@pytest.mark.parametrize("answer", [[], [heard("one")], [heard("one"), heard("two"), heard("three")]])
def test_an_answer_of_other_channels_is_no_transcript(answer: list[Heard]) -> None:
    found = answers(engine(Service(says=[answer])), asked(100, 0), asked(200, 1))
    told = f"some: 2 channels were sent, {len(answer)} came back"
    assert [(result.text, result.flags, result.error) for result in found.values()] == [("", (), told)] * 2


@pytest.mark.parametrize(
    ("second", "together"),
    [
        (asked(200, 1), True),
        (asked(200, 0), False),
        (asked(200, 1, "b"), False),
        (asked(200, 1, language="fr"), False),
    ],
)
def test_only_the_two_channels_of_one_call_go_together(second: SegmentRequest, together: bool) -> None:
    service = Service()
    answers(engine(service), asked(100, 0), second)
    assert [len(sound.channels) for sound in service.asked] == ([2] if together else [1, 1])


@pytest.mark.parametrize(("failures", "error"), [(1, False), (2, False), (3, True)])
def test_a_passing_trouble_is_tried_again_as_often_as_allowed(failures: int, error: bool) -> None:
    service = Service(says=[Passing("some: busy")] * failures)
    (result,) = answers(engine(service, max_attempts=3), asked(100)).values()
    assert (result.error is not None) == error
    assert result.flags == ((SERVICE_UNAVAILABLE,) if error else ())
    assert len(service.asked) == min(3, failures + 1)


@pytest.mark.parametrize(("status", "loads"), [(200, True), (404, True), (500, True), (502, False), (503, False)])
def test_any_answer_of_the_service_itself_is_a_sign_of_life(status: int, loads: bool) -> None:
    with listening(lambda _: Reply(status)) as server:
        made = engine(Service(server.url), concurrency=3)
        if loads:
            description = made.load()
            assert (description.looks_ahead, description.sends_audio_to) == (6, server.url)
            assert description.detail == f"{server.url}, 3 at once"
        else:
            with pytest.raises(ModelUnavailable, match=f"answered {status}"):
                made.load()


def test_closing_the_engine_closes_the_service() -> None:
    service = Service()
    engine(service).close()
    assert service.closed
