"""Lists made one, words weighed, quotes grouped."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.questions.grouping import apart, grouped
from analysis.questions.ranking import fused, word_weights
from analysis.questions.records import Group, Hit, Quote
from analysis.questions.relevance import answers, coverage


def hits(*names: str) -> list[Hit]:
    return [Hit(call_id=name, number=0, score=1.0) for name in names]


def quote(call_id: str, rank: int = 0) -> Quote:
    return Quote(
        call_id=call_id, file_name=f"{call_id}.wav", started_at=None, agent_id=None, role="client", channel=0,
        ordinal=rank, start_s=0.0, text="words", likeness=None, rank=rank,
    )  # fmt: skip


def test_what_both_lists_hold_comes_first() -> None:
    assert [key[0] for key in fused([hits("a", "b", "c"), hits("c", "d")])] == ["c", "a", "b", "d"]
    assert fused([[], []]) == []


def test_rare_words_weigh_more_and_frequent_ones_are_left_out() -> None:
    weights = word_weights(["bitcoin", "card", "hello"], {"bitcoin": 0.0, "card": 0.01, "hello": 0.9})
    assert list(weights) == ["bitcoin", "card"]
    assert weights["bitcoin"] > weights["card"] > 0
    assert list(word_weights(["hello"], {"hello": 0.9})) == ["hello"], "where nothing else is asked"


def test_groups_are_ordered_by_their_calls() -> None:
    quotes = [quote(name, rank) for rank, name in enumerate("abccd")]
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0.95, 0.3], [0, 0, 1]], dtype=np.float32)
    found = grouped(quotes, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert [[one.call_id for one in group.quotes] for group in found] == [["b", "c", "c"], ["a"], ["d"]]
    assert [len(group.calls) for group in found] == [2, 1, 1]


def test_without_vectors_each_quote_stands_alone() -> None:
    assert [len(group.quotes) for group in grouped([quote("a"), quote("b", 1)], None)] == [1, 1]
    assert grouped([], None) == []


def test_what_one_call_says_alone_stands_together() -> None:
    """Eight headings of "at least 1 of 8 calls" told nothing."""
    groups = [Group(quotes=quotes) for quotes in (
        (quote("a"), quote("b", 1)), (quote("c", 2),), (quote("b", 3),), (quote("c", 4), quote("c", 5)),
    )]  # fmt: skip
    shared, single = apart(groups)
    assert shared == groups[:1]
    assert [[one.rank for one in group.quotes] for group in single] == [[2, 4, 5], [3]]


@pytest.mark.parametrize(
    ("texts", "language", "share"),
    [
        (["I cancelled it"], "en", 0.75),
        (["my cards", "they cancel"], "en", 1.0),
        (["nothing"], "en", 0.0),
        ([], "en", 0.0),
        (["die Karten"], "de", 0.0),
    ],
)
def test_the_share_of_words_said_counts_their_stems_by_weight(texts: list[str], language: str, share: float) -> None:
    assert coverage({"cancel": 3.0, "card": 1.0}, texts, language) == pytest.approx(share)


def test_a_near_passage_answers_and_a_far_one_does_not() -> None:
    assert answers(0.8, 0.0, 3)
    assert not answers(0.05, 0.0, 3)
    assert answers(None, 0.9, 2)
    assert not answers(None, 0.1, 2)
    assert not answers(None, 0.9, 0)
