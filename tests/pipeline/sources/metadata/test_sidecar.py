from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import InputUnavailable
from pipeline.records import CallMetadata, CustomerSegment, Direction, Role, SkippedFile
from pipeline.sources.metadata.reader import MetadataReader
from pipeline.sources.metadata.sidecar import Sidecars, _some
from tests.pipeline.sources.helpers import calls, discover, put, reasons


def messages(items: Sequence[object]) -> list[str]:
    return [item.message for item in items if isinstance(item, SkippedFile)]


def test_a_sidecar_goes_before_the_file_name_and_reaches_below(tmp_path: Path) -> None:
    put(tmp_path / "20260914-101502_inbound_agent-1.wav")
    put(tmp_path / "deep" / "b.wav")
    put(tmp_path / "deep" / "c.wav")
    rows = (
        "file_name,agent_id,started_at,direction,segment,channel_roles,Site\n"
        "20260914-101502_inbound_agent-1.wav,4711,,,b2b,agent+client,Leeds\n"
        "deep/b.wav,4712,2026-09-14T10:15:02+02:00,outgoing,,,\n"
        "\n"
    )
    put(tmp_path / "calls.csv", rows.encode("utf-8-sig"))
    put(tmp_path / "deep" / "calls.csv", b"file_name,queue\nc.wav,sales\n")
    items = discover(tmp_path)
    assert messages(items) == [], "the sidecars themselves are not reported"
    found = calls(items)
    first = found["20260914-101502_inbound_agent-1.wav"].metadata
    assert (first.agent_id, first.direction, first.customer_segment) == ("4711", Direction.INBOUND, CustomerSegment.B2B)
    assert first.channel_roles == (Role.AGENT, Role.CLIENT)
    assert first.extra == {"Site": "Leeds"}
    second = found["b.wav"].metadata
    assert second.started_at == datetime(2026, 9, 14, 8, 15, 2, tzinfo=UTC)
    assert second.direction is Direction.OUTBOUND
    assert found["c.wav"].metadata.queue == "sales"


def test_bad_rows_are_reported_by_number_and_cost_only_themselves(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path / f"{name}.wav")
    rows = b"file_name,agent_id,started_at\na.wav,1\n,2,\nb.wav,3,yesterday\nb.wav,4,\nc.wav,5,2026-09-14\n"
    put(tmp_path / "calls.csv", rows)
    items = discover(tmp_path)
    said = messages(items)
    assert [message.split(":")[0] for message in said] == ["row 2", "row 3", "row 4", "row 5"]
    assert "yesterday" in said[2]
    assert [calls(items)[f"{name}.wav"].metadata.agent_id for name in "abc"] == [None, "3", "5"]
    assert len({item.source_uri for item in items}) == len(items)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name,agent\na.wav,1\n", "no column 'file_name'; its columns are: name, agent"),
        (b"\xff\xfe\x00garbage", "no column"),
        (b"\xff\xfeg", "not utf-16 text"),
        (b"file_name\n\xe4.wav", "not utf-8 text"),
        (b"", "no column"),
    ],
)
def test_a_sidecar_that_makes_no_sense_is_reported(tmp_path: Path, content: bytes, words: str) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", content)
    items = discover(tmp_path)
    assert reasons(items) == {"calls.csv": "bad_sidecar"}
    assert words in messages(items)[0]
    assert "a.wav" in calls(items)


def test_a_sidecar_that_cannot_be_read_is_reported_and_costs_no_other(tmp_path: Path) -> None:
    put(tmp_path / "a.json", b'{"agent_id": "7"}')
    settings = InputSettings()
    sidecars = Sidecars(settings, MetadataReader(settings))
    odd = list(sidecars.load_folder(str(tmp_path), "", ["calls.csv", "a.json", "a.wav"]))
    assert reasons(odd) == {"calls.csv": "bad_sidecar"}
    assert messages(odd) == ["cannot be read: No such file or directory"]
    assert sidecars.applied("a.wav", CallMetadata()).agent_id == "7"


def test_columns_delimiter_encoding_and_formats_can_be_set(tmp_path: Path) -> None:
    put(tmp_path / "calls" / "a.wav")
    export = put(tmp_path / "export.csv", "Datei;Mitarbeiter;Beginn\na.wav;Jörg;14.09.2026 10:15\n".encode("cp1252"))
    sidecar = {
        "path": str(export),
        "delimiter": ";",
        "encoding": "cp1252",
        "columns": {"file_name": "Datei", "agent_id": "Mitarbeiter", "started_at": "Beginn"},
        "started_at_formats": ["%d.%m.%Y %H:%M"],
    }
    said = calls(discover(tmp_path / "calls", sidecar=sidecar, timezone="Europe/Berlin"))["a.wav"].metadata
    assert said.agent_id == "Jörg"
    assert said.started_at == datetime(2026, 9, 14, 8, 15, tzinfo=UTC)


def test_a_named_sidecar_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputUnavailable, match=r"gone\.csv.*input\.sidecar\.path"):
        discover(tmp_path, sidecar={"path": str(tmp_path / "gone.csv")})


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "n0"),
        (5, "n0, n1, n2, n3, n4"),
        (6, "n0, n1, n2, n3, n4 and 1 more"),
        (12, "n0, n1, n2, n3, n4 and 7 more"),
    ],
)
def test_of_many_names_some_are_told(count: int, told: str) -> None:
    assert _some([f"n{number}" for number in range(count)]) == told
    assert _some(["x" * 300]) == "x" * 200
