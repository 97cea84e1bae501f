"""Quality watch: which calls a night draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from commands.watch.drawing import draw_sample
from tests.commands.evaluate.watch.watching import (
    CALLS,
    TRUE_WORDS,
    Watching,
    filled,
    rows_of,
    store_call,
    told,
)
from tests.db.samples import chunk, identity


def test_a_call_is_drawn_once_and_a_night_is_filled_up(watching: Watching, stored: list[str]) -> None:
    first = watching.drawn()
    again = draw_sample(watching.database, watching.settings, "2", wanted=6, within=timedelta(days=1))
    assert (again.calls, again.sheet) == (0, None)
    more = draw_sample(watching.database, watching.settings, "3", wanted=99, within=timedelta(days=1))
    assert more.calls == CALLS - 6
    assert more.sheet is not None
    assert not {row["call_id"] for row in rows_of(first)} & {row["call_id"] for row in rows_of(more.sheet)}


def test_the_same_night_draws_the_same_calls(watching: Watching, stored: list[str]) -> None:
    first = {row["call_id"] for row in rows_of(watching.drawn())}
    with watching.database.connection() as connection:
        connection.execute("DELETE FROM watch_samples")
    assert {row["call_id"] for row in rows_of(watching.drawn("2"))} == first


def test_calls_without_words_and_of_a_demonstration_are_not_drawn(watching: Watching) -> None:
    store_call(watching.store, watching.run_id, "silent", chunks=())
    store_call(watching.store, watching.run_id, "shown", identity=identity(demonstration=True, engine="sphinx"))
    assert draw_sample(watching.database, watching.settings, "1", wanted=9, within=timedelta(days=1)).calls == 0


def test_doubtful_calls_are_half_of_the_sample_and_do_not_count_for_more(
    watching: Watching, stored: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Three of eleven calls are in doubt and heard badly; they are three of the six drawn."""
    loop = replace(chunk(0, 0, 0.0, "no no no no"), flags=("loop",))
    doubtful = {store_call(watching.store, watching.run_id, f"d{number}", chunks=(loop,)) for number in range(3)}
    sheet = watching.drawn()
    assert doubtful <= {row["call_id"] for row in rows_of(sheet)}

    def correct(row: dict[str, str]) -> dict[str, str]:
        wrong = row["call_id"] in doubtful and row["heard"]
        return row | {"checked_by": "Ann", "said": "I want to cancel" if wrong else row["said"]}

    watching.ask(read=(filled(sheet, correct),))
    # 3 calls of 4 words, all wrong, weight 1; 3 calls of 18 words, all right, weight 8/3
    assert told(capsys)["groups"][0]["wer"]["value"] == pytest.approx(12 / (12 + 8 * TRUE_WORDS))
