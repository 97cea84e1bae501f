"""Channels of labelled recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from analysis.training.labelled.recordings import ReadAudio, spool_reader


def reader_of(channels: int) -> tuple[list[Path], ReadAudio]:
    decoded: list[Path] = []

    def decode(path: Path, folder: Path) -> Sequence[Path]:
        decoded.append(path)
        paths = [folder / f"{number}.f32" for number in range(channels)]
        for number, spooled in enumerate(paths):
            np.full(4, number, dtype="<f4").tofile(spooled)
        return paths

    return decoded, spool_reader(decode)


@pytest.mark.parametrize(
    ("channels", "channel", "told"),
    [(2, 2, "channel 2 is not there"), (1, 1, "channel 1 is not there"), (2, None, "has 2 channels; name one")],
)
def test_a_channel_that_is_not_there_is_refused(channels: int, channel: int | None, told: str) -> None:
    _, read = reader_of(channels)
    with pytest.raises(ValueError, match=told):
        read(Path("a.wav"), channel)


def test_a_recording_is_decoded_once_for_its_channels() -> None:
    decoded, read = reader_of(2)
    values = [read(Path(name), channel)[0] for name, channel in (("a", 0), ("a", 1), ("b", 1))]
    assert values == [0, 1, 1]
    assert decoded == [Path("a"), Path("b")]
