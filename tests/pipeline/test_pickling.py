"""Records that travel between processes by the thousand arrive as they were."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

from pipeline.records import CallForAnalysis, CallMetadata, Direction, EngineIdentity, Role, Transcript, TranscriptChunk

_IDENTITY = EngineIdentity(engine="e", model="m", revision=None, options_hash="o", rank=0, demonstration=False)
_METADATA = CallMetadata(
    started_at=datetime(2026, 9, 14, tzinfo=UTC), direction=Direction.INBOUND, agent_id="ann", extra={"desk": "4"}
)
_CHUNK = TranscriptChunk(channel=0, ordinal=0, role=Role.AGENT, start_s=0.0, end_s=1.5, text="hello")
_TRANSCRIPT = Transcript(fingerprint="f", identity=_IDENTITY, language="en", chunks=(_CHUNK,), flags=("truncated",))
_CALL = CallForAnalysis(
    call_id="1", audio_sha256="a", duration_s=1.5, metadata=_METADATA, transcript=_TRANSCRIPT, audio=(), flags=("x",)
)


@pytest.mark.parametrize("record", [_METADATA, CallMetadata(), _TRANSCRIPT, _CALL])
def test_a_record_arrives_as_it_was(record: object) -> None:
    arrived = pickle.loads(pickle.dumps(record))
    assert arrived == record
    assert type(arrived) is type(record)


def test_a_record_of_fewer_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        CallMetadata.__setstate__(CallMetadata(), (None,))  # type: ignore[attr-defined]
