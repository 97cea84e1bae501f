from __future__ import annotations

import os
import stat
import struct
import tempfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import AudioUndecodable, EarshotError, InputUnavailable, SourceUnreadable, UnsafePath
from pipeline.records import FoundCall, SkippedFile
from pipeline.sources.source import build_source
from tests.pipeline.sources.helpers import OLD_S, calls, discover, put, reasons, wav_bytes


def make_zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content, compress_type=zipfile.ZIP_DEFLATED)
    os.utime(path, (OLD_S, OLD_S))
    return path


def test_members_are_found_in_nested_folders_and_fetched_one_at_a_time(tmp_path: Path) -> None:
    content = wav_bytes(1.5)
    stamped = zipfile.ZipInfo("2026/week 37/b.wav", (2026, 9, 14, 10, 15, 2))
    path = make_zip(tmp_path / "delivery.zip", [("a.wav", wav_bytes()), (stamped, content)])
    source = build_source(InputSettings(path=str(path), timezone="Europe/Berlin"))
    found = calls(source.discover())
    assert set(found) == {"a.wav", "b.wav"}
    call = found["b.wav"]
    assert call.source_uri == f"zip://{path}!/2026/week 37/b.wav"
    assert call.modified_at == datetime(2026, 9, 14, 8, 15, 2, tzinfo=UTC), "zip times are local"
    assert call.etag
    assert call.etag.startswith("crc32:")
    spool = tmp_path / "spool"
    with source.fetch(call, spool) as local:
        assert local.read_bytes() == content
        assert local.parent == spool
        assert local.suffix == ".wav"
    assert list(spool.iterdir()) == [], "removed after use"


def test_archives_in_folders_are_looked_into(tmp_path: Path) -> None:
    make_zip(tmp_path / "delivery.zip", [("in/a.wav", wav_bytes())])
    put(tmp_path / "b.wav")
    source = build_source(InputSettings(path=str(tmp_path)))
    found = calls(source.discover())
    assert set(found) == {"a.wav", "b.wav"}
    with source.fetch(found["a.wav"], tmp_path / "spool") as local:
        assert local.read_bytes() == wav_bytes()
    assert reasons(discover(tmp_path, archives=False)) == {"delivery.zip": "other_type"}
    assert reasons(discover(tmp_path, exclude=["delivery.zip"])) == {"delivery.zip": "excluded"}
    assert set(calls(discover(tmp_path, exclude=["delivery.zip/in/*"]))) == {"b.wav"}


@pytest.mark.parametrize(
    "name", ["../out.wav", "/out.wav", "a/../../out.wav", "..\\out.wav", "C:\\out.wav", "C:out.wav"]
)
def test_a_member_that_would_leave_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "d.zip", [(name, wav_bytes()), ("good.wav", wav_bytes())])
    items = discover(path)
    assert reasons(items) == {"out.wav" if "/" in name or "\\" in name else name: "unsafe_path"}
    assert set(calls(items)) == {"good.wav"}, "the others are not stopped"


def test_a_forged_address_is_refused_when_fetched_too(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("../out.wav", wav_bytes())])
    call = FoundCall(
        source_uri=f"zip://{path}!/../out.wav", file_name="out.wav", size_bytes=1, modified_at=datetime.now(UTC)
    )
    with pytest.raises(UnsafePath), build_source(InputSettings(path=str(path))).fetch(call, tmp_path / "spool"):
        pass
    assert list((tmp_path / "spool").iterdir()) == []


def test_odd_members_carry_their_reason(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.wav")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = make_zip(
        tmp_path / "d.zip",
        [
            (link, b"/etc/passwd"),
            ("empty.wav", b""),
            ("tiny.wav", b"RIFF"),
            ("bomb.wav", b"\0" * 20_000_000),
            ("inner.zip", b"PK" * 2000),
            ("__MACOSX/._a.wav", wav_bytes()),
            ("readme.txt", b"x" * 2000),
            ("a.wav", wav_bytes()),
        ],
    )
    items = discover(path)
    assert reasons(items) == {
        "link.wav": "unsafe_path",
        "empty.wav": "empty",
        "tiny.wav": "too_small",
        "bomb.wav": "archive_bomb",
        "inner.zip": "nested_archive",
        "._a.wav": "temporary",
        "readme.txt": "other_type",
    }
    assert set(calls(items)) == {"a.wav"}


def test_of_two_members_of_one_name_the_later_counts(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = make_zip(tmp_path / "d.zip", [("a.wav", wav_bytes(1.0)), ("a.wav", wav_bytes(2.0))])
    source = build_source(InputSettings(path=str(path)))
    items = list(source.discover())
    assert reasons(items) == {"a.wav": "duplicate_member"}
    assert len({item.source_uri for item in items}) == 2, "each has an address of its own"
    with source.fetch(calls(items)["a.wav"], tmp_path / "spool") as local:
        assert local.read_bytes() == wav_bytes(2.0)


def _patch_headers(path: Path, local_at: int, central_at: int, value: bytes) -> None:
    """Overwrite a field of the only member in its local and its central header (APPNOTE 4.3.7, 4.3.12)."""
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\x03\x04", local_at), (b"PK\x01\x02", central_at)):
        start = content.index(magic) + at
        content[start : start + len(value)] = value
    path.write_bytes(content)


def test_members_passed_over_carry_their_etag(tmp_path: Path) -> None:
    (item,) = discover(make_zip(tmp_path / "d.zip", [("a.wav", b"RIFF")]))
    assert isinstance(item, SkippedFile)
    assert (item.reason, item.etag) == ("too_small", f"crc32:{zlib.crc32(b'RIFF'):08x}")


def test_encrypted_and_exotic_members_are_reported(tmp_path: Path) -> None:
    encrypted = make_zip(tmp_path / "e.zip", [("a.wav", wav_bytes())])
    _patch_headers(encrypted, 6, 8, struct.pack("<H", 1))
    assert reasons(discover(encrypted)) == {"a.wav": "encrypted"}
    exotic = make_zip(tmp_path / "x.zip", [("a.wav", wav_bytes())])
    _patch_headers(exotic, 8, 10, struct.pack("<H", 99))
    assert reasons(discover(exotic)) == {"a.wav": "unsupported_compression"}


def test_limits_can_be_set(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("a.wav", wav_bytes(10)), ("b.wav", wav_bytes())])
    assert reasons(discover(path, archive={"max_member_mb": 0.1})) == {"a.wav": "too_large"}
    assert reasons(discover(path, archive={"max_members": 1})) == {"d.zip": "bad_archive"}


def test_a_member_whose_bytes_are_damaged_is_terminal(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("a.wav", os.urandom(5000))])
    content = bytearray(path.read_bytes())
    content[200:300] = b"\0" * 100
    path.write_bytes(content)
    source = build_source(InputSettings(path=str(path)))
    (call,) = source.discover()
    assert isinstance(call, FoundCall)
    with pytest.raises(AudioUndecodable, match=r"d\.zip!/a\.wav.*unpacked"), source.fetch(call, tmp_path / "spool"):
        pass
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_member_compressed_by_bzip2_that_is_damaged_is_terminal(tmp_path: Path) -> None:
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.wav", os.urandom(5000))
    content = bytearray(path.read_bytes())
    content[200:300] = b"\0" * 100
    put(path, bytes(content))
    source = build_source(InputSettings(path=str(path)))
    (call,) = source.discover()
    assert isinstance(call, FoundCall)
    with pytest.raises(AudioUndecodable, match="cannot be unpacked"), source.fetch(call, tmp_path / "spool"):
        pass


def test_a_member_that_grew_beyond_the_limits_is_not_unpacked(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("a.wav", wav_bytes(10))])
    (call,) = discover(path)
    assert isinstance(call, FoundCall)
    smaller = build_source(InputSettings.model_validate({"path": str(path), "archive": {"max_member_mb": 0.1}}))
    with pytest.raises(UnsafePath, match=r"unpacks to 320,?044 bytes"), smaller.fetch(call, tmp_path / "spool"):
        pass
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_member_without_a_date_is_taken_without_one(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("a.wav", wav_bytes())])
    _patch_headers(path, 12, 14, b"\0\0")
    assert calls(discover(path))["a.wav"].modified_at is None


def test_a_sidecar_named_by_hand_stands_for_those_in_archives(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("a.wav", wav_bytes()), ("calls.csv", b"file_name,agent_id\na.wav,inside\n")])
    put(tmp_path / "named.csv", b"file_name,agent_id\na.wav,outside\n")
    named = {"path": str(tmp_path / "named.csv")}
    assert calls(discover(path))["a.wav"].metadata.agent_id == "inside"
    assert calls(discover(path, sidecar=named))["a.wav"].metadata.agent_id == "outside"


def test_a_member_that_is_gone_is_transient(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "d.zip", [("a.wav", wav_bytes())])
    source = build_source(InputSettings(path=str(path)))
    (call,) = source.discover()
    assert isinstance(call, FoundCall)
    with source.fetch(call, tmp_path / "spool"):
        pass
    make_zip(path, [("b.wav", wav_bytes(3))])
    with pytest.raises(SourceUnreadable, match="no longer in the archive"), source.fetch(call, tmp_path / "spool"):
        pass
    path.unlink()
    with pytest.raises(SourceUnreadable, match="cannot be read"), source.fetch(call, tmp_path / "spool"):
        pass


def test_members_of_two_archives_are_fetched_by_many_threads(tmp_path: Path) -> None:
    contents = {f"{place}.wav": os.urandom(3000 + place) for place in range(40)}
    make_zip(tmp_path / "d.zip", [(name, body) for name, body in contents.items() if int(name[:-4]) % 2])
    make_zip(tmp_path / "e.zip", [(name, body) for name, body in contents.items() if not int(name[:-4]) % 2])
    source = build_source(InputSettings(path=str(tmp_path)))

    def same(call: FoundCall) -> bool:
        with source.fetch(call, tmp_path / "spool") as local:
            return local.read_bytes() == contents[call.file_name]

    found = sorted(calls(source.discover()).values(), key=lambda call: int(call.file_name[:-4]))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(same, found)) == [True] * 40


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"\0" * 500, b"text" * 500])
def test_an_input_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path / "d.zip", content)
    with pytest.raises(InputUnavailable, match=r"d\.zip: not a \.zip archive"):
        discover(path)


def test_a_sidecar_in_the_archive_counts_for_its_folder(tmp_path: Path) -> None:
    rows = b"file_name,agent_id\na.wav,4711\nmissing\n"
    path = make_zip(tmp_path / "d.zip", [("in/a.wav", wav_bytes()), ("in/calls.csv", rows), ("b.wav", wav_bytes())])
    items = discover(path)
    assert calls(items)["a.wav"].metadata.agent_id == "4711"
    assert calls(items)["b.wav"].metadata.agent_id is None
    (bad,) = [item for item in items if isinstance(item, SkippedFile)]
    assert bad.message.startswith("row 3:")


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12),
    st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]),
)
@settings(max_examples=120, deadline=None)
def test_a_damaged_archive_never_stops_the_run(damage: list[tuple[int, int]], method: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "d.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("in/a.wav", wav_bytes(0.2))
            archive.writestr("calls.csv", "file_name,agent_id\na.wav,1\n")
        content = bytearray(path.read_bytes())
        for place, value in damage:
            content[-1 - place % len(content)] = value
        put(path, bytes(content))
        source = build_source(InputSettings(path=name, min_size_bytes=0))
        for item in source.discover():
            if isinstance(item, FoundCall):
                with suppress(EarshotError), source.fetch(item, Path(name) / "spool"):
                    pass
