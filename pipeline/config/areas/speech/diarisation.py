"""Telling the two speakers of a mono recording apart: config.yaml's `diarisation`; pyannote's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.base import Area
from pipeline.config.influence import NOTHING, SPEAKERS

LogRatio = Annotated[float, Field(ge=0.0, le=6.0)]


class PyannoteWeights(Area):
    """A pyannote.audio pipeline: where it is and where it runs."""

    model: str = "pyannote/speaker-diarization-community-1"
    """Folder of a pipeline (config.yaml and the checkpoints it names as `$model/…`), or hub repository owner/name.
    The default is CC BY 4.0, 31 MB, and asks for an account at the hub (HF_TOKEN in .env)."""
    revision: str | None = "3533c8cf8e369892e6b79ff1bf80f7b0286a54ee"
    """Commit of the repository; not used for a folder."""
    allow_download: Annotated[bool, NOTHING] = True
    """Fetch the weights from the hub when they are not on disk."""
    hub_timeout_s: Annotated[float, Field(gt=0, le=9), NOTHING] = 3.0
    """How long to wait for a sign of life of the hub, in seconds."""
    trusted_sha256: Annotated[tuple[Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")], ...], NOTHING] = ()
    """SHA-256 of checkpoints to load although they hold more than weights. A checkpoint is a pickle; one that asks for
    anything but tensors and pyannote's own description of its model could run code, and is refused otherwise."""
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], NOTHING] = "auto"
    """Where it runs; auto takes CUDA where there is one, else the CPU."""
    cpu_threads: Annotated[int, Field(ge=0, le=256), NOTHING] = 1
    """Threads of one decoder process on the CPU; 0 leaves it to PyTorch."""


class RoleSettings(Area):
    """Which of two speakers is the agent: evidence adds up as log likelihood ratios, in nats."""

    phrases_file: Path | None = None
    """Phrases by language and kind instead of pipeline/diarisation/role_phrases.yaml; same layout."""
    min_similarity: Annotated[float, Field(ge=0.5, le=1.0)] = 0.88
    """Similarity from which a phrase of ten characters or more counts as said (1 is letter by letter), to forgive the
    recogniser; shorter phrases must be said word by word."""
    opening_turns: Annotated[int, Field(ge=1, le=50)] = 6
    """Greeting phrases count within this many turns from the start."""
    greeting_weight: LogRatio = 2.5
    """For who answers with a greeting of the house ("thank you for calling")."""
    service_weight: LogRatio = 1.2
    """For each phrase an agent says in service ("can I have your account number"), see `max_count`."""
    client_weight: LogRatio = 1.0
    """Against whoever says a phrase of a customer ("I'm calling about"), see `max_count`."""
    max_count: Annotated[int, Field(ge=1, le=20)] = 2
    """Phrases of one kind by one speaker that count."""
    first_weight: LogRatio = 0.7
    """For who speaks first, when the call is inbound; against them when it is outbound; a half of it when unknown."""
    question_weight: LogRatio = 0.8
    """Times the difference of the shares of turns that are questions."""


class DiarisationSettings(Area):
    """Telling the two speakers of a mono recording apart: config.yaml's `diarisation`."""

    engine: Literal["pyannote", "none"] = "pyannote"
    """What tells speakers apart in recordings with both sides on one channel. Where it cannot be used, the call is
    transcribed and analysed as `unknown`, flag `not_diarised`, the reason in missing_reasons under `speakers`.
    Calls stored that way stay so until they are done again (`--reprocess all`)."""
    pyannote: Annotated[PyannoteWeights, SPEAKERS.when_chosen_by("engine")] = Field(default_factory=PyannoteWeights)
    max_duration_min: Annotated[float, Field(gt=0.0, le=720.0), NOTHING] = 120.0
    """Longer recordings are not diarised, in minutes: clustering grows with the square of the length."""
    time_limit_s: Annotated[float, Field(gt=0.0), NOTHING] = 300.0
    """Diarisation of one recording is given up after this long, in seconds. Where pyannote is installed, the limit of
    `run.prepare_timeout_s` is this much longer."""
    min_turn_ms: Annotated[float, Field(ge=0.0, le=5000.0)] = 200.0
    """Shorter turns are left to whoever speaks around them, in milliseconds."""
    min_piece_ms: Annotated[float, Field(ge=0.0, le=5000.0)] = 150.0
    """A segment is not cut nearer to its ends than this, in milliseconds."""
    min_role_confidence: Annotated[float, Field(ge=0.5, le=1.0)] = 0.8
    """From this confidence on, the two speakers are called agent and client; below it both stay `unknown`."""
    roles: RoleSettings = Field(default_factory=RoleSettings)
