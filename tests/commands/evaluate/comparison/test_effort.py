"""What a system's transcripts took, over its calls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.commands.evaluate.comparison.made_up import CALLS, comparison, result, system


def test_real_time_factors_are_the_median_and_the_slowest_twentieth() -> None:
    made = result([0] * CALLS)
    calls = {
        name: replace(call, effort=replace(call.effort, wall_s=30.0 * number))
        for number, (name, call) in enumerate(made.calls.items(), start=1)
        if call.effort is not None
    }
    (only,) = comparison([system("a")], replace(made, calls=calls)).systems
    assert only.effort.calls == CALLS == 8
    assert only.effort.real_time_factor_p50 == pytest.approx(4.5)
    assert only.effort.real_time_factor_p95 == pytest.approx(7.65)
    assert only.effort.processor_s_per_audio_hour == pytest.approx(360.0)


@pytest.mark.parametrize(("audio_s", "calls"), [((), 0), ((0.0,), 0), ((0.0, 0.0), 0), ((30.0,), 1), ((30.0, 0.0), 2)])
def test_effort_without_any_sound_has_no_figures(audio_s: tuple[float, ...], calls: int) -> None:
    made = result([0] * CALLS)
    efforts = [*audio_s, *[None] * (CALLS - len(audio_s))]
    changed = {
        name: replace(
            call, effort=replace(call.effort, audio_s=length_s) if call.effort and length_s is not None else None
        )
        for (name, call), length_s in zip(made.calls.items(), efforts, strict=True)
    }
    (only,) = comparison([system("a")], replace(made, calls=changed)).systems
    assert only.effort.calls == calls
    assert (only.effort.processor_s_per_audio_hour is None) is (calls == 0)
    assert (only.effort.real_time_factor_p50 is None) is (calls == 0)
    if calls:
        assert only.effort.real_time_factor_p50 == pytest.approx(0.2)  # of the calls with sound: 6 s for 30 s
        assert only.effort.processor_s_per_audio_hour == pytest.approx(360.0 * calls)
