"""Speech for tests: both sides of one of the project's own sample calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import read_range
from pipeline.audio.prepare import CallPreparer
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import CallMetadata, PreparedCall
from tests.conftest import PROJECT
from tests.pipeline.audio.sounds import Samples

Prepare = Callable[[Path], PreparedCall]


@pytest.fixture(scope="session")
def both_sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Samples, Samples]:
    """Client and agent of a sample call, 30 s."""
    call = next((PROJECT / "samples" / "calls").glob("*lost-card.wav"))
    ingested = ingest(call, tmp_path_factory.mktemp("speech"), AudioSettings())
    first, second = (read_range(path, 0, 30 * 16_000) for path in ingested.paths)
    return first, second


@pytest.fixture(scope="session")
def speech(both_sides: tuple[Samples, Samples]) -> Samples:
    """One side of it."""
    return both_sides[1]


@pytest.fixture(scope="session")
def preparer() -> CallPreparer:
    """One loaded detector for all tests."""
    return CallPreparer(AudioSettings(), VoiceActivitySettings())


@pytest.fixture
def prepare(preparer: CallPreparer, tmp_path: Path) -> Prepare:
    """Prepare a recording with default settings."""
    return lambda path: preparer.prepare(path, CallMetadata(), tmp_path / "spool")
