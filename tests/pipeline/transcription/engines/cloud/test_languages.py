"""One decision a call, whatever the threads do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from pipeline.transcription.engine import HeardLanguage
from pipeline.transcription.engines.cloud.languages import Languages

FRENCH = HeardLanguage(code="fr", probability=0.9)


def test_one_decides_and_the_others_wait_for_it() -> None:
    languages, begun, go_on = Languages(), Event(), Event()

    def decide() -> None:
        with languages.decision("a") as decision:
            assert decision.first_to_ask
            begun.set()
            assert go_on.wait(10)
            decision.language = FRENCH

    def follow() -> HeardLanguage | None:
        with languages.decision("a") as decision:
            assert not decision.first_to_ask
            return decision.language

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(decide)
        assert begun.wait(10)
        others = [pool.submit(follow) for _ in range(2)]
        go_on.set()
        first.result(10)
        assert [other.result(10) for other in others] == [FRENCH, FRENCH]


@pytest.mark.parametrize("fails", [True, False], ids=["an error", "no language in silence"])
def test_what_one_does_not_find_the_next_one_decides(fails: bool) -> None:
    languages = Languages()
    try:
        with languages.decision("a") as decision:
            assert decision.first_to_ask
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    with languages.decision("a") as decision:
        assert decision.first_to_ask
        decision.language = FRENCH
    with languages.decision("a") as decision:
        assert (decision.first_to_ask, decision.language) == (False, FRENCH)


def test_calls_decide_for_themselves_and_old_ones_are_forgotten() -> None:
    languages = Languages()
    for number in range(1000):
        with languages.decision(str(number)) as decision:
            assert decision.first_to_ask
            decision.language = FRENCH
    with languages.decision("999") as decision:
        assert not decision.first_to_ask
    with languages.decision("0") as decision:
        assert decision.first_to_ask
