"""Choices by likelihood: the sums are right however they are batched, and a choice is answered without writing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.llm.local.model import LocalModel
from analysis.llm.local.scoring import Scorer
from analysis.llm.provider import Choice, Option
from analysis.llm.validation import read_reply
from pipeline.config.areas.llm import MlxLmSettings
from tests.analysis.llm.conftest import ask

SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "number": {"type": "string", "enum": ["1", "2", "3"]}},
    "required": ["why", "number"],
}


def choice(words: str, temperature: float = 1.0) -> Choice:
    labels = {"1": "A card was lost.", "2": "The caller wants a loan, or asks what one costs.", "3": "An address."}
    return Choice(
        fills="number",
        options=tuple(
            Option(value=value, given=f"About: {label}\nWhat is said?", said=words, prior=len(label) / 10)
            for value, label in labels.items()
        ),
        temperature=temperature,
        others={"why": ""},
    )


WORDS = ("I lost my card", "a loan, please, for a house, and soon", "I moved", "I lost my card")


@pytest.fixture(scope="module")
def local(tiny_llm: Path) -> LocalModel:
    return LocalModel(MlxLmSettings(model=str(tiny_llm)))


def _one_by_one(local: LocalModel, option: Option) -> float:
    """Token by token, without caches: the definition."""
    import mlx.core as mx

    model: Any = local._model
    given, said = local._render_turn(option.given), local._encode(option.said)
    total, read = 0.0, list(given)
    for token in said:
        scores = np.array(model(mx.array([read]))[0, -1].astype(mx.float32), dtype=np.float64)
        total += scores[token] - (scores.max() + math.log(np.exp(scores - scores.max()).sum()))
        read.append(token)
    return total


def test_shares_are_the_softmax_of_the_likelihoods_whatever_is_weighed_together(local: LocalModel) -> None:
    choices = [choice(words, temperature=2.0) for words in WORDS]
    scorer = Scorer(local._model, local._render_turn, local._encode)
    together = scorer(choices, 1000)
    for one, found in zip(choices, together, strict=True):
        assert found is not None
        expected = np.array([_one_by_one(local, option) / 2.0 + option.prior for option in one.options])
        expected = np.exp(expected - expected.max())
        expected /= expected.sum()
        assert list(found.shares.values()) == pytest.approx(list(expected), abs=1e-4)
        alone = scorer([one], 1000)[0]
        assert alone is not None
        assert alone.shares == pytest.approx(found.shares, abs=1e-4)


def test_a_choice_is_answered_without_writing_beside_requests_that_are_written(local: LocalModel) -> None:
    requests = [ask("a", schema=SCHEMA, choice=choice(WORDS[0])), ask("b"), ask("c", schema=SCHEMA, choice=choice("x"))]
    replies = local(requests)
    assert [reply.key for reply in replies] == ["a", "b", "c"]
    for place in (0, 2):
        data, fault = read_reply(replies[place], SCHEMA)
        assert data is not None, fault
        shares = replies[place].label_probabilities["number"]
        assert math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6)
        assert data["number"] == max(shares, key=lambda value: shares[value])
        assert replies[place].tokens_out == 0
    assert replies[1].tokens_out


def test_a_beginning_is_read_once_for_all_calls(local: LocalModel) -> None:
    scorer = Scorer(local._model, local._render_turn, local._encode)
    read: list[int] = []
    weigh = scorer._weigh
    scorer._weigh = lambda rows: read.append(weigh(rows)) or read[-1]  # type: ignore[method-assign,func-returns-value]
    scorer([choice(words) for words in WORDS], 1000)
    scorer([choice("another call")], 1000)
    beginnings = [len(local._render_turn(option.given)) - 1 for option in choice("x").options]
    assert read == [sum(beginnings), 0]


@pytest.mark.parametrize(
    "unusable", [replace(choice("x"), options=()), choice(""), choice("word " * 300)], ids=["none", "empty", "long"]
)
def test_what_cannot_be_weighed_is_refused_and_its_neighbours_are_not(tiny_llm: Path, unusable: Choice) -> None:
    local = LocalModel(MlxLmSettings(model=str(tiny_llm), max_prompt_tokens=200))
    replies = local([ask("bad", schema=SCHEMA, choice=unusable), ask("good", schema=SCHEMA, choice=choice("I moved"))])
    assert [reply.finish for reply in replies] == ["refused", "stop"]
