"""What a time limit allows: as many prompts as can be read and answered, by what reading and writing took before."""

from __future__ import annotations

import pytest

from analysis.llm.local.pace import Pace, fitting


def measured(token_s: float, step_s: float) -> Pace:
    pace = Pace()
    pace.passed(10 * step_s, 0, wrote=True)
    for _ in range(9):
        pace.passed(0.0, 0, wrote=True)
    pace.passed(token_s * 100 + step_s, 100, wrote=True)
    return pace


@pytest.mark.parametrize(
    ("left_s", "fit"),
    [(0.0, 0), (20.0, 0), (22.4, 0), (22.6, 1), (34.9, 1), (35.1, 2), (1000.0, 3)],
)
def test_as_many_prompts_are_begun_as_can_be_read_and_answered(left_s: float, fit: int) -> None:
    """0.1 s a token, 1 s a step, and a quarter more for what else the machine does."""
    pace = measured(0.1, 1.0)
    assert fitting(pace, [100, 100, 100], pace.writing_s(8), left_s) == fit


def test_where_nothing_was_read_yet_one_prompt_shows_how_long_it_takes() -> None:
    assert fitting(Pace(), [100, 100], 0.0, 1000.0) == 1
    assert fitting(Pace(), [], 0.0, 1000.0) == 0


def test_before_anything_was_written_nothing_is_known() -> None:
    pace = Pace()
    pace.passed(2.0, 100, wrote=False)
    assert not pace.known
    pace.passed(2.0, 0, wrote=True)
    assert pace.known


def test_what_was_measured_last_counts_most() -> None:
    pace = measured(0.1, 1.0)
    pace.begin()
    pace.passed(0.9 * 100, 100, wrote=False)
    assert pace.reading_s(1) == pytest.approx(1.25 * (0.1 * 50 + 0.9 * 100) / 150)


def test_the_length_of_a_reply_is_that_of_the_longest_of_late() -> None:
    pace = Pace()
    assert pace.usual_length("summary", 200) == 100
    for tokens in (60, 40):
        pace.replied("summary", tokens)
    assert pace.usual_length("summary", 200) == 40
    assert pace.usual_length("summary", 30) == 30
    assert pace.usual_length("topic", 10) == 5
