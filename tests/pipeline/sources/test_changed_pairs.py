"""Two files of a call, of which one comes later, goes or changes."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.pairs import PairSettings
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.addresses import file_uri
from pipeline.sources.pairs import Pairing, is_half_of
from tests.pipeline.sources.helpers import OLD_S, calls, discover, put, wav_bytes
from tests.pipeline.sources.test_pairs import A, C, U, pairs


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
