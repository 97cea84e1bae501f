"""Calls in two files, one for each side."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.records import Direction, FoundCall, Role, SkippedFile
from pipeline.run.processes.preparer import starts_s
from tests.pipeline.sources.helpers import calls, discover, put, reasons

A, C, U = Role.AGENT, Role.CLIENT, Role.UNKNOWN
END = "-20261126-091502-1793500200.42"


def pairs(items: Iterable[FoundCall | SkippedFile]) -> list[tuple[str, str]]:
    return sorted(
        (call.sides[0].file_name, call.sides[1].file_name)
        for call in items if isinstance(call, FoundCall) and call.sides
    )  # fmt: skip


def test_both_files_are_one_call_with_one_address_one_key_and_both_names(tmp_path: Path) -> None:
    for side in ("in", "out"):
        put(tmp_path / f"1793500200.42-{side}.wav")
    (call,) = discover(tmp_path)
    assert isinstance(call, FoundCall)
    first, second = call.sides
    assert (first.file_name, second.file_name) == ("1793500200.42-in.wav", "1793500200.42-out.wav")
    assert (call.source_uri, call.file_name) == (first.source_uri, first.file_name)
    assert call.size_bytes == first.size_bytes + second.size_bytes
    assert call.metadata.extra["call_key"] == "1793500200.42"
    assert call.metadata.extra["second_file"] == "1793500200.42-out.wav"
    assert call.metadata.extra["second_uri"] == second.source_uri
    assert "leg" not in call.metadata.extra
    assert call.metadata.started_at == datetime.fromtimestamp(1793500200, UTC)
    assert call.files == call.sides
    assert first.files == (first,)


@pytest.mark.parametrize(
    ("names", "joined"),
    [
        (("a1-in.wav", "a1-out.wav"), [("a1-in.wav", "a1-out.wav")]),
        (("a1_rx.wav", "a1_tx.wav"), [("a1_rx.wav", "a1_tx.wav")]),
        (("a-callee.wav", "a-caller.wav"), [("a-caller.wav", "a-callee.wav")]),
        (("a.agent.wav", "a.client.wav"), [("a.client.wav", "a.agent.wav")]),
        (("a agent.wav", "a customer.wav"), [("a customer.wav", "a agent.wav")]),
        (("A1-IN.WAV", "a1-out.wav"), [("A1-IN.WAV", "a1-out.wav")]),
        (("a1-in.wav", "a1-out.ogg"), [("a1-in.wav", "a1-out.ogg")]),
        (("a1-in.wav", "a1-out.wav", "a1.wav"), [("a1-in.wav", "a1-out.wav")]),
        (("a1-in.wav", "b1-out.wav"), []),
        (("a1-in.wav", "a1_out.wav"), []),
        (("a1-in.wav", "a1-tx.wav"), []),
        (("in.wav", "out.wav"), []),
        (("begin.wav", "beout.wav"), []),
        # Two that fit equally well: of equal suffix or case, else none.
        (
            ("a1-in.wav", "a1-out.wav", "a1-in.mp3", "a1-out.mp3"),
            [("a1-in.mp3", "a1-out.mp3"), ("a1-in.wav", "a1-out.wav")],
        ),
        (
            ("a1-in.wav", "A1-in.wav", "a1-out.wav", "A1-out.wav"),
            [("A1-in.wav", "A1-out.wav"), ("a1-in.wav", "a1-out.wav")],
        ),
        (("a1-in.wav", "a1-out.wav", "a1-out.mp3"), [("a1-in.wav", "a1-out.wav")]),
        (("a1-in.ogg", "a1-out.wav", "a1-out.mp3"), []),
    ],
)
def test_which_files_belong_together(tmp_path: Path, names: tuple[str, ...], joined: list[tuple[str, str]]) -> None:
    for name in names:
        put(tmp_path / name)
    found = discover(tmp_path)
    assert pairs(found) == sorted(joined)
    assert len(found) == len(names) - len(joined), "no file is lost, none is there twice"


def test_files_of_two_folders_are_two_calls_unless_a_pattern_on_the_path_joins_them(tmp_path: Path) -> None:
    put(tmp_path / "rx" / "7.wav")
    put(tmp_path / "tx" / "7.wav")
    put(tmp_path / "x" / "a-in.wav")
    put(tmp_path / "y" / "a-out.wav")
    assert pairs(discover(tmp_path)) == []
    kind = {
        "sides": ["rx", "tx"],
        "match": "path",
        "pattern": r"/(?P<side>rx|tx)/[^/]+$",
        "channel_roles": ["agent", "client"],
    }
    (call,) = [c for c in discover(tmp_path, pairs={"kinds": [kind]}) if isinstance(c, FoundCall) and c.sides]
    assert [side.source_uri.rsplit("/", 2)[1] for side in call.sides] == ["rx", "tx"]
    assert call.metadata.channel_roles == (A, C)


def test_a_pattern_of_ones_own_with_a_key_joins_files_that_begin_at_other_times(tmp_path: Path) -> None:
    put(tmp_path / "20261126-091502_a_77.wav")
    put(tmp_path / "20261126-091504_b_77.wav")
    kind = {"sides": ["a", "b"], "pattern": r"^\d{8}-\d{6}_(?P<side>[ab])_(?P<key>\d+)$"}
    (call,) = discover(tmp_path, pairs={"kinds": [kind]})
    assert isinstance(call, FoundCall)
    assert call.metadata.started_at == datetime(2026, 11, 26, 9, 15, 2, tzinfo=UTC)
    assert starts_s(call) == (0.0, 2.0)
    assert call.metadata.extra["call_key"] == "77"


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("1793500200.42-in.wav", "1793500200.42-out.wav"), (U, U)),
        ((f"in-201-555{END}-in.wav", f"in-201-555{END}-out.wav"), (C, A)),
        ((f"out-555-201{END}-in.wav", f"out-555-201{END}-out.wav"), (A, C)),
        (("x_rx.wav", "x_tx.wav"), (U, U)),
        (("x-caller.wav", "x-callee.wav"), (C, A)),
        (("20261126-091502_outbound_x-caller.wav", "20261126-091502_outbound_x-callee.wav"), (A, C)),
        (("x-agent.wav", "x-customer.wav"), (C, A)),
        # These name sides; as directions they would contradict each other.
        (("20261126_091502_in.wav", "20261126_091502_out.wav"), (U, U)),
    ],
)  # fmt: skip
def test_roles_by_kind_and_direction(tmp_path: Path, names: tuple[str, str], roles: tuple[Role, Role]) -> None:
    for name in names:
        put(tmp_path / name)
    (call,) = discover(tmp_path)
    assert isinstance(call, FoundCall)
    assert call.metadata.channel_roles == roles


def test_sidecars_name_the_call_or_either_side(tmp_path: Path) -> None:
    for call in ("one", "two777", "three"):
        for side in ("in", "out"):
            put(tmp_path / f"{call}-{side}.wav")
    put(
        tmp_path / "calls.csv",
        b"file_name,call_key,direction,agent_id\none.wav,,inbound,4711\n,two777,outbound,4712\n"
        b"three-in.wav,,inbound,\nthree-out.wav,,,4713\n",
    )
    found = calls(items := discover(tmp_path))
    assert reasons(items) == {}
    said = {name: (call.metadata.direction, call.metadata.agent_id) for name, call in found.items()}
    assert said == {
        "one-in.wav": (Direction.INBOUND, "4711"),
        "two777-in.wav": (Direction.OUTBOUND, "4712"),
        "three-in.wav": (Direction.INBOUND, "4713"),
    }
    assert found["two777-in.wav"].metadata.channel_roles == (A, C)


def test_sidecars_of_both_files_name_the_role_of_each(tmp_path: Path) -> None:
    for side in ("in", "out"):
        put(tmp_path / f"a-{side}.wav")
    put(tmp_path / "calls.csv", b"file_name,channel_roles\na-in.wav,agent\na-out.wav,client\n")
    (call,) = discover(tmp_path)
    assert isinstance(call, FoundCall)
    assert call.metadata.channel_roles == (A, C)
