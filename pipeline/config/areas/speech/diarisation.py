"""Diarisation, which separates the two speakers of a mono recording: config.yaml's `diarisation`; pyannote's
weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.base import Area
from pipeline.config.influence import IDENTITY, NOTHING, SPEAKERS

LogRatio = Annotated[float, Field(ge=0.0, le=6.0)]


class PyannoteWeights(Area):
    """A pyannote.audio pipeline: where it is and where it runs."""

    model: str = "pyannote/speaker-diarization-community-1"
    """Folder of a pipeline (config.yaml and the checkpoints it names as `$model/…`), or hub repository owner/name. The
    default is CC BY 4.0, 31 MB, and needs an account at the hub (HF_TOKEN in .env)."""
    revision: str | None = "3533c8cf8e369892e6b79ff1bf80f7b0286a54ee"
    """Commit of the repository; not used for a folder."""
    allow_download: Annotated[bool, NOTHING] = True
    """Fetch the weights from the hub when they are not on disk."""
    hub_timeout_s: Annotated[float, Field(gt=0, le=9), NOTHING] = 3.0
    """Longest wait for the hub's first answer, in seconds."""
    trusted_sha256: Annotated[tuple[Annotated[str, Field(pattern="^[0-9a-fA-F]{64}$")], ...], NOTHING] = ()
    """SHA-256 of checkpoints to load although they hold more than weights. A checkpoint is a pickle. One that contains
    anything but tensors and pyannote's own description of its model could run code, and is refused unless it is listed
    here."""
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], NOTHING] = "auto"
    """Where it runs; auto takes CUDA where there is one, else the CPU."""
    cpu_threads: Annotated[int, Field(ge=0, le=256), NOTHING] = 1
    """Threads of one decoder process on the CPU; 0 leaves it to PyTorch."""


class VoicesSettings(Area):
    """Two voices told apart by a small speaker encoder on the CPU."""

    model: Annotated[str, IDENTITY] = "resemble-ai/resemblyzer"
    """Folder with the encoder's `pretrained.pt`, or the name of the weights that come as a package (Apache-2.0,
    17 MB)."""
    revision: str | None = "sha256-2686d0857135929c03b945a061ec8e6874167d4e"
    """The content of these weights; not used for a folder."""
    min_speech_s: Annotated[float, Field(ge=2.0, le=60.0)] = 8.0
    """With less speech in the recording its voices are not told apart, in seconds."""
    min_evidence: Annotated[float, Field(ge=0.0, le=20.0)] = 4.5
    """From this much evidence on, there are two voices. One voice has about 3, two on the telephone 5 to 12
    (`python -m bench.voices`); 0 where every recording is known to have both sides."""


class RoleSettings(Area):
    """Which of two speakers is the agent: evidence adds up as log likelihood ratios, in nats."""

    phrases_file: Path | None = None
    """Phrases by language and kind instead of pipeline/diarisation/role_phrases.yaml; same layout."""
    min_similarity: Annotated[float, Field(ge=0.5, le=1.0)] = 0.88
    """Similarity from which a phrase of ten characters or more counts as said (1 is an exact match), to allow for the
    recogniser's errors; shorter phrases must match word by word."""
    opening_turns: Annotated[int, Field(ge=1, le=50)] = 6
    """Greeting phrases count within this many turns from the start."""
    greeting_weight: LogRatio = 2.5
    """Evidence for agent: the speaker answers with a company greeting ("thank you for calling")."""
    service_weight: LogRatio = 1.2
    """Evidence for agent: each service phrase ("can I have your account number"), see `max_count`."""
    client_weight: LogRatio = 1.0
    """Evidence against agent: each customer phrase ("I'm calling about"), see `max_count`."""
    max_count: Annotated[int, Field(ge=1, le=20)] = 2
    """Most phrases of one kind by one speaker that count."""
    first_weight: LogRatio = 0.7
    """Evidence for the first speaker being the agent in an inbound call, against it in an outbound call; half of it for
    an unknown direction."""
    question_weight: LogRatio = 0.8
    """Factor on the difference between the speakers' shares of turns that are questions."""


class DiarisationSettings(Area):
    """Separating the two speakers of a mono recording: config.yaml's `diarisation`."""

    engine: Literal["auto", "pyannote", "voices", "none"] = "auto"
    """Engine that separates speakers in recordings with both sides on one channel: pyannote (the best, with its extra
    and its gated weights), voices (a small encoder out of a package), auto (pyannote where it can be used, else voices)
    or none. Where no two speakers can be told apart, the call is transcribed and analysed with the role `unknown` and
    the flag `not_diarised`; the reason is in missing_reasons under `speakers`. Such calls stay as they are until they
    are redone (`--reprocess all`)."""
    pyannote: Annotated[PyannoteWeights, SPEAKERS.when_chosen_by("engine")] = Field(default_factory=PyannoteWeights)
    voices: Annotated[VoicesSettings, SPEAKERS.when_chosen_by("engine")] = Field(default_factory=VoicesSettings)
    max_duration_min: Annotated[float, Field(gt=0.0, le=720.0), NOTHING] = 120.0
    """Longer recordings are not diarised, in minutes: pyannote's clustering grows with the square of the length."""
    time_limit_s: Annotated[float, Field(gt=0.0), NOTHING] = 300.0
    """Diarisation of one recording is stopped after this long, in seconds. Where an engine can be used, the
    limit `run.prepare_timeout_s` is extended by this much."""
    min_turn_ms: Annotated[float, Field(ge=0.0, le=5000.0)] = 200.0
    """Shorter turns are given to the speaker around them, in milliseconds."""
    min_piece_ms: Annotated[float, Field(ge=0.0, le=5000.0)] = 150.0
    """A segment is not cut closer to its ends than this, in milliseconds."""
    min_role_confidence: Annotated[float, Field(ge=0.5, le=1.0)] = 0.8
    """From this confidence on, the two speakers are called agent and client; below it both stay `unknown`."""
    roles: RoleSettings = Field(default_factory=RoleSettings)
