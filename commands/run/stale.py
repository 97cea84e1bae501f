"""What a run says of stored transcripts that it is going to make again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from commands.run.estimate import suiting, told
from db.queries.runs import RunSpeed
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.plurals import counted
from pipeline.run.planning.plan import Action, Plan


def stale_notice(plan: Plan, settings: TranscriptionSettings, speeds: Callable[[], Sequence[RunSpeed]]) -> str | None:
    """How many there are, why, about how long they take, and how to leave them. None where there are none."""
    again = [call for call in plan.to_do if call.action is Action.TRANSCRIBE and not call.forced]
    if not again:
        return None
    audio_s = sum(call.known.duration_s or 0.0 for call in again if call.known is not None)
    alike = suiting(speeds(), settings)
    if alike:
        speed = sum(run.audio_s for run in alike) / sum(run.wall_s for run in alike)
        time = f"about {told(audio_s / speed)} at the last runs' {speed:.1f} × real time"
    else:
        time = "this recogniser has no run yet to tell from how long that takes (`--dry-run` tries it)"
    return (
        f"{counted(len(again), 'stored transcript')} ({told(audio_s)} of audio) will be made again, after the new "
        "recordings: other settings, weights or an earlier version of the recogniser made them; "
        f"{time}. To leave them as they are: --set run.stale_transcripts=keep"
    )
