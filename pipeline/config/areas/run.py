"""The run itself: order, workers, limits, retries, stop time: config.yaml's `run`."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config.base import Area


class Order(StrEnum):
    """The order in which calls are processed."""

    NEWEST = "newest"
    OLDEST = "oldest"
    SHUFFLE = "shuffle"


class Reprocess(StrEnum):
    """Which stored calls are redone."""

    NONE = "none"
    FAILED = "failed"
    ANALYSIS = "analysis"
    ALL = "all"


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class RunSettings(Area):
    """The run itself."""

    executor: Literal["local", "ray"] = "local"
    """Who works on a run's calls: local (this process, and whoever else runs `run.py work`), or ray (workers on a Ray
    cluster, see `ray`). The rows are the same."""
    order: Order = Order.NEWEST
    """Which calls come first: newest, oldest or shuffle."""
    seed: int = 0
    """Seed of the shuffle."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """At most this many calls are processed in one run; null for no limit."""
    max_hours: Annotated[float, Field(gt=0)] | None = None
    """No new call is started after this many hours; null for no limit."""
    stop_time: str | None = None
    """No new call is started after this local time of day, HH:MM; null for none. The next run continues from there."""
    min_expected_calls: Annotated[int, Field(ge=0)] | None = None
    """If fewer recordings than this are offered, the run ends with 5 (attention). null means one, where earlier runs
    found recordings or the input holds other files. Set 0 where an empty input is normal. The limit does not apply to
    an input named on the command line."""
    max_skipped_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """If a larger share of the recordings offered cannot be used (skipped, or failed for good), the run ends with 5
    (attention). The limit does not apply to an input named on the command line."""
    stop_grace_s: Annotated[float, Field(ge=0)] = 60.0
    """Seconds that calls in progress get to finish after the stop time, or after a first SIGINT or SIGTERM."""
    reprocess: Reprocess = Reprocess.NONE
    """none (new, changed, transiently failed), failed (terminal failures too), analysis (all steps), all."""
    stale_transcripts: Literal["redo", "keep"] = "redo"
    """Transcripts made with other settings, weights or an earlier version of the recogniser in use: redo (after the
    new recordings; the run says before it starts how many there are and about how long they take), or keep. A
    fallback's transcripts are redone in any case."""
    allow_downgrade: bool = False
    """Let an engine listed later replace transcripts of an engine listed earlier."""

    io_workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Threads that download remote recordings ahead of the decoders, and read headers for a dry run."""
    decode_workers: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=lambda: max(1, min(4, usable_cores())))
    """Processes that decode and find speech, one core each."""
    analysis_workers: Annotated[int, Field(ge=1, le=16)] = 1
    """Processes that analyse; they share the ceilings of language models and split the quotas. With mlx_lm among
    `llm.providers` it is one, so that the model is loaded once."""
    calls_ahead: Annotated[int, Field(ge=1, le=1000)] = 8
    """Decoded calls that may wait for the recogniser; bounds memory and spool."""
    segments_per_batch: Annotated[int, Field(ge=1, le=4096)] = 128
    """Segments handed to the recogniser process ahead of their results, where the engine looks so far ahead."""
    calls_per_batch: Annotated[int, Field(ge=1, le=256)] = 8
    """Most calls analysed together; fewer when fewer are waiting."""

    fetched_mb: Annotated[float, Field(gt=0)] = 2048.0
    """Remote recordings on this machine that no decoder has finished: at most so many MB in all. A larger recording is
    fetched when no other is there."""
    fetch_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """Time limit for fetching one recording: a download, a member of an archive, a read from a mount."""
    prepare_timeout_s: Annotated[float, Field(gt=0)] = 120.0
    """Time limit for decoding and voice activity of one recording, plus `prepare_timeout_per_mb_s` for each MB."""
    prepare_timeout_per_mb_s: Annotated[float, Field(ge=0)] = 2.0
    """Added to `prepare_timeout_s` per MB of file."""
    recogniser_load_timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """Time limit for loading the recogniser."""
    segment_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    """The recogniser is killed and restarted when no segment finishes within this time."""
    analysis_timeout_s: Annotated[float, Field(gt=0)] = 600.0
    """Time limit for the analysis of one batch of calls."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    """Attempts per call and stage within a run, for transient errors."""
    backoff_initial_s: Annotated[float, Field(ge=0)] = 1.0
    """Wait before the second attempt; it doubles each time, with jitter."""
    backoff_max_s: Annotated[float, Field(ge=0)] = 30.0
    """Longest wait between two attempts."""
    unserved_calls: Annotated[int, Field(ge=1)] = 3
    """If a transcription service serves none of this many calls in a row, the run goes on with the next engine of
    `transcription.engines`, and returns when the service answers again. Where there is none, or with
    `transcription.strict`, the run ends with 3, so that an outage does not count against every recording."""
    engine_return_s: Annotated[float, Field(gt=0)] = 30.0
    """Wait before an engine that went away in mid-run is looked for; it doubles each time in vain."""
    engine_return_max_s: Annotated[float, Field(gt=0)] = 900.0
    """Longest wait between two such looks."""
    disk_patience_s: Annotated[float, Field(ge=0)] = 600.0
    """How long to wait for space on a full disk, in seconds; calls in progress free their spool during the wait. After
    that the run ends with 3, no call is marked as failed, and the next run continues."""
    lease_s: Annotated[float, Field(ge=1)] = 120.0
    """A call that a worker has claimed is free for others after this many seconds without a sign of life; the worker
    renews it while it lives. What it stores after that is refused once another has the call."""
    quarantine_after_runs: Annotated[int, Field(ge=1)] = 3
    """Runs in a row a call may fail transiently before it is quarantined."""

    max_memory_gb: Annotated[float, Field(gt=0)] | None = None
    """Memory limit of the run with all its processes; null for 80 % of the machine's memory."""
    memory_threshold: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of `max_memory_gb` above which no further call is started until memory falls."""
    spool_dir: Path = Path("data/spool")
    """Folder for decoded audio, about 230 MB per hour and channel; emptied after each call."""

    @field_validator("stop_time")
    @classmethod
    def _clock_time(cls, value: str | None) -> str | None:
        if value is None:
            return None
        hours, separator, minutes = value.partition(":")
        if not (separator and hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60):
            raise ValueError("must be a time of day as HH:MM, from 00:00 to 23:59, in quotes")
        return value

    @model_validator(mode="after")
    def _backoff_order(self) -> RunSettings:
        if self.backoff_max_s < self.backoff_initial_s:
            raise ValueError(
                f"backoff_max_s ({self.backoff_max_s}) must not be below backoff_initial_s ({self.backoff_initial_s})"
            )
        return self
