"""Calls in two files, one for each side."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.pairs import PairSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.records import Direction, FoundCall, Role, SkippedFile
from pipeline.run.processes.preparer import starts_s
from pipeline.sources.addresses import file_uri
from pipeline.sources.pairs import Pairing, is_half_of
from pipeline.sources.source import build_source, fetch_files
from tests.pipeline.sources.bucket_server import serving
from tests.pipeline.sources.helpers import OLD_S, calls, discover, put, reasons, wav_bytes

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


# ----------------------------------------------------------------------------------- without a partner


@pytest.mark.parametrize("name", ["sign-in.wav", "20261126-091502_check-in.wav", "angry-caller.wav", "log-out.mp3"])
def test_a_name_that_ends_like_a_side_by_accident_is_an_ordinary_call(tmp_path: Path, name: str) -> None:
    put(tmp_path / name, young=True)
    put(tmp_path / "1793500200.42-in.wav")
    put(tmp_path / "1793500200.42-out.wav")
    one = calls(discover(tmp_path, look_again_s=0))[name]
    assert one.metadata.channel_roles is None
    assert one.metadata.remarks == ()
    assert one.sides == ()


@pytest.mark.parametrize(
    "name", ["1793500200.42-in.wav", "20261126-091502_call77-caller.wav", "0f0b6f4e-1c_rx.wav", "CALL77-OUT.WAV"]
)
def test_a_side_waits_for_the_other_and_is_taken_alone_after_that_with_the_reason(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name)
    young = time.time() - 23 * 3600
    os.utime(path, (young, young))
    (waiting,) = discover(tmp_path)
    assert isinstance(waiting, SkippedFile)
    assert (waiting.reason, waiting.waiting) == ("other_side_awaited", True)
    assert "24 hours old (input.pairs.wait_h)" in waiting.message
    (alone,) = discover(tmp_path, pairs={"wait_h": 22})
    assert isinstance(alone, FoundCall)
    assert alone.metadata.remarks == ("other_side_missing",)
    assert alone.metadata.channel_roles is not None
    os.utime(path, (OLD_S, OLD_S))
    assert discover(tmp_path, pairs={"kinds": []})[0].source_uri == alone.source_uri
    assert calls(discover(tmp_path))[name].metadata.remarks == ("other_side_missing",)
    assert calls(discover(path))[name].metadata.remarks == ("other_side_missing",), "named by hand, it does not wait"


def test_an_archive_is_complete_so_nothing_in_it_waits(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("x/1-in.wav", "x/1-out.wav", "x/2-in.wav", "y/3-out.wav", "x/3-in.wav"):
            archive.writestr(name, wav_bytes())
    os.utime(tmp_path / "a.zip", (OLD_S, OLD_S))
    for place in (tmp_path, tmp_path / "a.zip"):
        found = discover(place)
        assert pairs(found) == [("1-in.wav", "1-out.wav")]
        alone = {name for name, call in calls(found).items() if "other_side_missing" in call.metadata.remarks}
        assert alone == {"2-in.wav", "3-in.wav", "3-out.wav"}


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"RIFF", "too_small")])
def test_a_side_whose_partner_is_no_recording_is_taken_alone_with_that_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    put(tmp_path / "77-in.wav", young=True)
    put(tmp_path / "77-out.wav", content, young=True)
    found = discover(tmp_path, look_again_s=0)
    assert reasons(found) == {"77-out.wav": reason}
    assert "77-out.wav: " in calls(found)["77-in.wav"].metadata.extra["other_side_missing"]


def test_a_side_waits_while_the_other_is_being_written(tmp_path: Path) -> None:
    put(tmp_path / "sign-in.wav")
    growing = put(tmp_path / "sign-out.wav", young=True)

    def grow(_: float) -> None:
        growing.write_bytes(growing.read_bytes() + bytes(100))

    from pipeline.sources.folder import FolderSource

    found = list(FolderSource(str(tmp_path), InputSettings(path=str(tmp_path)), sleep=grow).discover())
    assert reasons(found) == {"sign-in.wav": "other_side_awaited", "sign-out.wav": "still_growing"}
    assert all(isinstance(item, SkippedFile) and item.waiting for item in found)


# ------------------------------------------------------------------------------------------- any source


def test_one_file_named_by_hand_brings_its_other_side(tmp_path: Path) -> None:
    for name in ("7-in.wav", "7-out.wav", "8-in.wav", "8-out.wav"):
        put(tmp_path / name)
    for name in ("7-in.wav", "7-out.wav"):
        assert pairs(found := discover(tmp_path / name)) == [("7-in.wav", "7-out.wav")]
        assert len(found) == 1


def test_what_lies_beside_a_named_side_and_is_no_recording_is_not_its_other_side(tmp_path: Path) -> None:
    put(tmp_path / "7-in.wav")
    for name in ("7-out.txt", "7-out.json", "7-out.part"):
        put(tmp_path / name, b"{}" * 2000)
    (alone,) = discover(tmp_path / "7-in.wav")
    assert isinstance(alone, FoundCall)
    assert alone.sides == ()


def test_several_inputs_are_offered_once_with_each_call_whole(tmp_path: Path) -> None:
    for name in ("x/7-in.wav", "x/7-out.wav", "x/8.wav", "y/9.wav", "y/.odd-name", "z/10.wav"):
        put(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("11.wav", wav_bytes(0.7))
    named = ["x/7-out.wav", "x/8.wav", "y/.odd-name", "z", "a.zip", "x/8.wav", "z"]
    settings = {"path": str(tmp_path / "x/7-in.wav"), "more": [str(tmp_path / name) for name in named]}
    source = build_source(InputSettings.model_validate(settings))
    found = calls(source.discover())
    assert list(found) == ["10.wav", "11.wav", "8.wav", "7-in.wav", ".odd-name"]
    assert len(found["7-in.wav"].sides) == 2
    for name, count in (("11.wav", 1), ("7-in.wav", 2), ("10.wav", 1)):
        with fetch_files(source, found[name], tmp_path / "spool", 10.0) as paths:
            assert len([path.read_bytes() for path in paths]) == count


def test_a_bucket_is_an_input_of_its_own() -> None:
    with pytest.raises(ValueError, match="a bucket is an input of its own"):
        InputSettings(path="calls", more=("s3://bucket/a",))


@pytest.mark.parametrize("kind", ["folder", "zip", "s3"])
def test_both_files_are_brought_here_from_any_source(tmp_path: Path, kind: str) -> None:
    contents = {"a/7-in.wav": wav_bytes(1.0), "a/7-out.wav": wav_bytes(2.0)}
    with serving(contents) as bucket:
        place = tmp_path / "calls"
        place.mkdir()
        settings: dict[str, object] = {"path": str(place)}
        if kind == "folder":
            for name, content in contents.items():
                put(place / name, content)
        elif kind == "zip":
            with zipfile.ZipFile(place / "a.zip", "w") as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
            os.utime(place / "a.zip", (OLD_S, OLD_S))
        else:
            s3 = {"endpoint_url": bucket.url, "anonymous": True, "addressing": "path", "region": "eu-central-1"}
            settings = {"path": "s3://bucket/a", "s3": s3}
        source = build_source(InputSettings.model_validate(settings))
        (call,) = source.discover()
        assert isinstance(call, FoundCall)
        assert len(call.sides) == 2
        with fetch_files(source, call, tmp_path / "spool", 10.0) as paths:
            assert [path.read_bytes() for path in paths] == list(contents.values())
        if kind != "folder":
            assert list((tmp_path / "spool").iterdir()) == []


# ------------------------------------------------------------------------------------- what has changed


def test_a_change_of_either_file_changes_the_call(tmp_path: Path) -> None:
    first, second = put(tmp_path / "7-in.wav"), put(tmp_path / "7-out.wav")
    marks = set()
    for path, at in ((first, OLD_S), (first, OLD_S - 50), (second, OLD_S - 70)):
        os.utime(path, (at, at))
        (call,) = discover(tmp_path)
        marks.add(call.etag)
    assert len(marks) == 3
    (again,) = discover(tmp_path)
    assert again.etag in marks
    assert isinstance(again, FoundCall)
    assert [is_half_of(side, again.etag) for side in again.sides] == [True, True]
    os.utime(first, (OLD_S, OLD_S))
    assert not is_half_of(calls(discover(tmp_path, pairs={"kinds": []}))["7-in.wav"], again.etag)


def test_names_that_are_not_text_are_told_apart(tmp_path: Path) -> None:
    for raw in (b"\xff7-in.wav", b"\xfe7-out.wav"):
        path = os.path.join(os.fsencode(tmp_path), raw)
        with open(path, "wb") as file:
            file.write(wav_bytes())
        os.utime(path, (OLD_S, OLD_S))
    found = discover(tmp_path)
    assert pairs(found) == []
    assert len(found) == 2


_NAMES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["a", "A", "a7", "sign", "x-in", ""]),
        st.sampled_from(["-", "_", ".", " ", ""]),
        st.sampled_from(["in", "OUT", "out", "rx", "tx", "caller", "callee", "agent", "client", "customer", "mix"]),
        st.sampled_from([".wav", ".WAV", ".mp3", ""]),
    ),
)


@given(st.sets(_NAMES, max_size=12), st.sets(_NAMES, max_size=4), st.booleans())
def test_every_file_offered_is_in_exactly_one_answer(found: set[str], skipped: set[str], waits: bool) -> None:
    at = datetime(2026, 11, 26, tzinfo=UTC)

    def call(name: str) -> FoundCall:
        return FoundCall(source_uri=file_uri(f"/c/{name}"), file_name=name, size_bytes=1, modified_at=at)

    def skip(name: str) -> SkippedFile:
        return SkippedFile(
            source_uri=file_uri(f"/c/{name}"), file_name=name, size_bytes=0, modified_at=at, reason="empty", message="",
            waiting=len(name) % 2 == 0,
        )  # fmt: skip

    offered: list[FoundCall | SkippedFile] = [*map(call, sorted(found)), *map(skip, sorted(skipped - found))]
    pairing = Pairing(PairSettings(), waits=waits, now=lambda: at.timestamp() + 60)
    answers = list(pairing.joined(offered))
    told = [file.source_uri for a in answers for file in (a.files if isinstance(a, FoundCall) else (a,))]
    assert sorted(told) == sorted(item.source_uri for item in offered)
    for answer in answers:
        if isinstance(answer, FoundCall) and answer.sides:
            assert len({side.source_uri for side in answer.sides}) == 2
            assert answer.source_uri == answer.sides[0].source_uri
    if not waits:
        assert not [
            a for a in answers if isinstance(a, SkippedFile) and a.reason == "other_side_awaited" and not skipped
        ]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (["in", "in"], "two different words"),
        ({"sides": ["in", "out"], "pattern": "("}, "not a regular expression"),
        ({"sides": ["in", "out"], "pattern": "(?P<leg>in|out)"}, "names no group"),
        ("in/out", "kinds"),
    ],
)
def test_kinds_that_cannot_work_are_refused(kind: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PairSettings.model_validate({"kinds": [kind]})


def test_two_words_are_the_shipped_kind_or_a_new_one() -> None:
    shipped, new = PairSettings.model_validate({"kinds": [["Caller", "callee"], ["near", "far"]]}).kinds
    assert shipped.channel_roles == (C, A)
    assert (new.sides, new.channel_roles) == (("near", "far"), (U, U))
    dumped = PairSettings(kinds=(shipped, new)).model_dump(mode="json")
    assert dumped["kinds"][0] == ["caller", "callee"]
    assert PairSettings.model_validate(dumped).kinds == (shipped, new)
