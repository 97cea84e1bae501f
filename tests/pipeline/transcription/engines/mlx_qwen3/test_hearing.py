"""The language of a call, told by the first token of its name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.transcription.engine import HearsLanguage, SegmentRequest
from pipeline.transcription.engines.mlx_qwen3.engine import build
from pipeline.transcription.engines.mlx_qwen3.hearing import LanguageHearing
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Floats, Tokens
from pipeline.transcription.engines.mlx_qwen3.prompts import LANGUAGES, Prompter
from pipeline.transcription.engines.mlx_qwen3.rows import Row
from pipeline.transcription.engines.mlx_qwen3.scheduler import Machine, OutOfMemory, StageSeconds
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch, request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like

SPEECH = speech_like(5, 2.0)


@pytest.fixture(scope="module")
def batch(checkpoint: Path) -> Batch:
    return Batch(checkpoint)


class OneToken:
    """The part of a machine that hearing uses, with a reply given beforehand."""

    def __init__(self, token: int, probability: float) -> None:
        self.token, self.probability = token, probability
        self.heard_samples = 0
        self.released: list[int] = []

    def encode(self, rows: Sequence[Row], seconds: StageSeconds) -> list[Any]:
        self.heard_samples = len(rows[0].request.samples)
        return [None]

    def prefill(self, rows: Sequence[Row], audio: list[Any]) -> tuple[list[int], Tokens, Floats]:
        return [7], np.array([self.token]), np.array([math.log(self.probability)])

    def release(self, slots: Sequence[int]) -> None:
        self.released += slots


class NoMemory(OneToken):
    def prefill(self, rows: Sequence[Row], audio: list[Any]) -> tuple[list[int], Tokens, Floats]:
        raise OutOfMemory("no room")


def hearing(machine: OneToken, prompter: Prompter) -> LanguageHearing:
    return LanguageHearing(cast("Machine", machine), prompter, longest_s=1.0, min_probability=0.5)


def test_the_question_ends_where_the_names_begin(batch: Batch) -> None:
    prompter = Prompter(batch.loaded.tokenizer)
    question = prompter.language_question()
    assert question.prompt.prefix == prompter.prompt("", None).prefix
    assert {"en", "ja", "ar"} <= set(question.codes.values())
    for token, code in question.codes.items():
        assert prompter.prompt("", code).suffix[: len(question.prompt.suffix) + 1] == (*question.prompt.suffix, token)
    # this small tokenizer splits names into letters, and F begins Finnish, French, Filipino
    assert set(LANGUAGES) - set(question.codes.values()) >= {"fi", "fr", "tl"}


@pytest.mark.parametrize(("probability", "sure"), [(0.9, True), (0.5, True), (0.2, False)])
def test_the_likeliest_name_with_its_probability(batch: Batch, probability: float, sure: bool) -> None:
    prompter = Prompter(batch.loaded.tokenizer)
    english = next(token for token, code in prompter.language_question().codes.items() if code == "en")
    machine = OneToken(english, probability)
    heard = hearing(machine, prompter)(SPEECH, StageSeconds())
    assert heard is not None
    assert (heard.code, heard.sure) == ("en", sure)
    assert heard.probability == pytest.approx(probability)
    assert machine.released == [7]
    assert machine.heard_samples == 16_000, "no more than the engine takes"


def test_a_language_is_heard_among_those_that_are_named(batch: Batch) -> None:
    prompter = Prompter(batch.loaded.tokenizer)
    listening = LanguageHearing(batch.machine, prompter, 30.0, 0.0)
    shares = {}
    for code in prompter.language_question().codes.values():
        alone = listening(SPEECH, StageSeconds(), (code,))
        assert alone is not None
        assert alone.code == code
        assert alone.probability == pytest.approx(1.0)
    for pair in (("en", "ja"), ("ja", "ar"), ("ar", "en")):
        heard = listening(SPEECH, StageSeconds(), pair)
        assert heard is not None
        shares[pair] = heard
        assert heard.code in pair
        assert heard.probability is not None
        assert 0.5 <= heard.probability <= 1.0
    assert len({heard.code for heard in shares.values()}) == 2, "the likeliest of three wins twice"


def test_names_that_begin_like_others_are_not_told_apart(batch: Batch) -> None:
    prompter = Prompter(batch.loaded.tokenizer)
    assert hearing(OneToken(0, 1.0), prompter)(SPEECH, StageSeconds(), ("fi", "fr")) is None


def test_no_name_and_too_little_speech_are_no_language(batch: Batch) -> None:
    prompter = Prompter(batch.loaded.tokenizer)
    machine = OneToken(151645, 0.9)
    assert hearing(machine, prompter)(SPEECH, StageSeconds()) is None
    assert machine.released == [7]
    assert hearing(machine, prompter)(np.zeros(100, np.float32), StageSeconds()) is None


def test_lack_of_memory_is_told_as_such(batch: Batch) -> None:
    with pytest.raises(MemoryError, match="no room"):
        hearing(NoMemory(0, 1.0), Prompter(batch.loaded.tokenizer))(SPEECH, StageSeconds())


def test_rows_under_way_are_not_disturbed(batch: Batch) -> None:
    requests = [request(str(seed), speech_like(seed, 1.0 + seed % 3)) for seed in range(6)]
    undisturbed = batch.tokens(requests, rows=2)
    listening = LanguageHearing(batch.machine, Prompter(batch.loaded.tokenizer), 30.0, 0.5)
    asked = []

    def one_at_a_time() -> Iterator[SegmentRequest]:
        for item in requests:
            asked.append(listening(SPEECH, StageSeconds()))
            yield item

    scheduler = batch.scheduler(rows=2)
    disturbed = {}
    for result in scheduler.run(one_at_a_time()):
        disturbed[result.key] = batch.recorder.decoded[-1]
        asked.append(listening(SPEECH, StageSeconds()))
    assert disturbed == undisturbed
    assert len(asked) == 12
    assert len(set(asked)) == 1


def test_the_engine_can_be_asked(checkpoint: Path) -> None:
    engine = build(MlxQwen3Options(model=str(checkpoint)))
    assert isinstance(engine, HearsLanguage)
    engine.load()
    heard = engine.hear_language(SPEECH)
    assert heard is None or heard.code in LANGUAGES
    engine.close()
