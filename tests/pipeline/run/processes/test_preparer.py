"""What the decoder's process answers for one recording."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.errors import SourceUnreadable
from pipeline.records import FoundCall, PreparedCall, SkippedFile
from pipeline.run.processes.preparer import PrepareTask, build_preparer
from pipeline.sources.addresses import file_uri
from tests.pipeline.audio.sounds import silence, write


def answer(path: Path, spool: Path, fetch_limit_s: float | None = None, **settings: Any) -> PreparedCall | SkippedFile:
    prepare = build_preparer(
        InputSettings.model_validate({"path": str(path.parent), **settings}),
        AudioSettings(),
        VoiceActivitySettings(detectors=("energy",)),
        DiarisationSettings(engine="none"),
    )
    found = FoundCall(
        source_uri=file_uri(str(path)), file_name=path.name, size_bytes=1, modified_at=datetime(2026, 9, 14, tzinfo=UTC)
    )
    return prepare(PrepareTask(found, spool, fetch_limit_s=fetch_limit_s))


@pytest.mark.parametrize(
    ("share", "settings", "reason"),
    [
        (0.03, {}, "too_short"),
        (1.0, {}, None),
        (0.5, {}, None),
        (0.5, {"min_duration_s": 8.0}, "too_short"),
        (0.5, {"max_duration_s": 3.0}, "too_long"),
    ],
)
def test_limits_hold_for_what_was_decoded_not_for_what_a_header_claims(
    tmp_path: Path, share: float, settings: dict[str, Any], reason: str | None
) -> None:
    whole = write(tmp_path / "whole.flac", silence(10.0, -30.0), codec="flac", form="flac").read_bytes()
    (tmp_path / "calls").mkdir()
    path = tmp_path / "calls" / "a.flac"
    header = 8400  # with the padding FFmpeg leaves
    path.write_bytes(whole[: header + round((len(whole) - header) * share)])
    given = answer(path, tmp_path / "spool", **settings)
    if reason is None:
        assert isinstance(given, PreparedCall)
        assert given.duration_s >= 10.0 * share * 0.8
    else:
        assert isinstance(given, SkippedFile)
        assert given.reason == reason
        assert not [*(tmp_path / "spool").glob("*/*")], "no samples are left"


def test_a_mount_that_hangs_costs_the_call_and_no_more_than_the_limit(tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    hanging = tmp_path / "calls" / "a.wav"
    os.mkfifo(hanging)  # as a mount that answers nothing: opening it waits
    with pytest.raises(SourceUnreadable, match=r"a\.wav: not fetched after 0\.1 s \(run\.fetch_timeout_s\)"):
        answer(hanging, tmp_path / "spool", fetch_limit_s=0.1)
    with hanging.open("wb"):
        pass  # let the thread go
