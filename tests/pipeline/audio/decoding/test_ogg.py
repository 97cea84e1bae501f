"""Ogg recordings that end within a page, and those that only look so."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.audio.decoding.ogg import ends_within_page


def page(*packets: bytes) -> bytes:
    """Without its numbers and its checksum, which nobody reads here."""
    lacing = b"".join(bytes([255] * (len(packet) // 255) + [len(packet) % 255]) for packet in packets)
    return b"OggS" + bytes(22) + bytes([len(lacing)]) + lacing + b"".join(packets)


SMALL, LARGEST = page(b"a" * 300, b"b" * 40), page(b"c" * (254 * 255))


@pytest.mark.parametrize(
    ("content", "is_cut"),
    [
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"ID3" + bytes(400), False, id="no page"),
        pytest.param(SMALL * 3, False, id="whole pages"),
        pytest.param(SMALL * 3 + b"TAG" + bytes(125), False, id="something follows"),
        pytest.param(SMALL * 2 + SMALL[:4], True, id="cut after the capture pattern"),
        pytest.param(SMALL * 2 + SMALL[:26], True, id="cut before the number of segments"),
        pytest.param(SMALL * 2 + SMALL[:27], True, id="cut before the table of segments"),
        pytest.param(SMALL * 2 + SMALL[:29], True, id="cut within the table of segments"),
        pytest.param(SMALL * 2 + SMALL[:30], True, id="cut before the packets"),
        pytest.param(SMALL * 2 + SMALL[:-1], True, id="cut within the packets"),
        pytest.param(SMALL + page(b"OggS" + bytes(250)), False, id="a packet holds what begins a page"),
        pytest.param(page(bytes(40) + b"OggS" + bytes(250)) + b"TAG", False, id="the same, and something follows"),
        pytest.param(LARGEST * 3, False, id="largest pages"),
        pytest.param(LARGEST * 3 + LARGEST[:-1], True, id="cut within a largest page"),
        pytest.param(LARGEST + bytes(3 * len(LARGEST)), False, id="its last page is further back than is looked"),
    ],
)
def test_a_recording_was_cut_off_where_its_last_page_is_not_whole(tmp_path: Path, content: bytes, is_cut: bool) -> None:
    path = tmp_path / "call.ogg"
    path.write_bytes(content)
    assert ends_within_page(path) is is_cut
