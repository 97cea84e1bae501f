"""One short sample through the stages of a run, timed. Nothing is stored, downloaded or sent to a service."""

from __future__ import annotations

import tempfile
from pathlib import Path

from commands.doctor.finding import Finding, State
from commands.run.trial import StageTime, Trial, as_found, harmless, smallest_recording
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, StageTimeout


def time_sample_call(settings: Settings, engine: str, deadline: float) -> list[Finding]:
    """Seconds and × real time by stage; a stage not finished by `deadline` (monotonic) is reported as such."""
    options = settings.reporting.doctor
    path = smallest_recording(Path(options.test_call))
    if path is None:
        return [_finding("sample", State.NOTE, f"{options.test_call}: no recording; set reporting.doctor.test_call")]
    trial = Trial(harmless(settings, (engine,)), deadline, options.test_call_speech_s)
    failing: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="earshot-doctor-") as spool:
        found = as_found(path)
        try:
            prepared = trial.prepare(found, Path(spool))
            identity = trial.recognise(found, prepared)
            failing += [
                _finding(f"step {result.step}", State.WARNING, result.reason or "failed")
                for result in trial.analyse(found, prepared, identity)
            ]
        except EarshotError as error:
            late = isinstance(error, StageTimeout)
            limit = f"not finished within reporting.doctor.time_limit_s ({options.time_limit_s:g} s)"
            failing.append(
                _finding(trial.stage, State.WARNING if late else State.BROKEN, limit if late else str(error))
            )
    named = f"{trial.identity.engine}, {trial.identity.model}" if trial.identity else ""
    return [*(_timed(stage_time, named if stage_time.stage == "load" else "") for stage_time in trial.times), *failing]


def _timed(stage_time: StageTime, what: str) -> Finding:
    speed = stage_time.times_real_time
    detail = f"{stage_time.wall_s:.2f} s" + (
        f" for {stage_time.audio_s:.0f} s of sound, {speed:.1f} × real time" if speed else ""
    )
    figures = {"wall_s": round(stage_time.wall_s, 3), "audio_s": stage_time.audio_s, "times_real_time": speed}
    return Finding(
        area="test call",
        name=stage_time.stage,
        state=State.OK,
        detail=f"{what}: {detail}" if what else detail,
        figures=figures,
    )


def _finding(name: str, state: State, detail: str) -> Finding:
    return Finding(area="test call", name=name, state=state, detail=detail)
