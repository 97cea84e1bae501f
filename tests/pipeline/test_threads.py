"""Threads that run beside the main one."""

from __future__ import annotations

import threading

from pipeline.threads import begun


def test_a_thread_runs_at_once_under_its_name_and_keeps_no_process_from_ending() -> None:
    told: list[object] = []

    def work(first: str, second: int) -> None:
        told.append((first, second, threading.current_thread().name))

    thread = begun("side work", work, "given", 2)
    thread.join(20.0)
    assert told == [("given", 2, "side work")]
    assert thread.daemon
