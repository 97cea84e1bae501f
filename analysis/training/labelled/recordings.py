"""The sound of labelled items."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.sentiment.features import Array, chunk_features, to_8_khz
from analysis.training.labelled.labels import LabelledItem
from pipeline.encryption.here import mapped_samples
from pipeline.errors import ConfigurationError, TerminalError, TransientError
from pipeline.plurals import counted
from pipeline.records import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]
ReadAudio = Callable[[Path, int | None], Samples]
"""Path and channel (None: the only one) to mono 16 kHz float32; raises an EarshotError or ValueError."""


@dataclass(frozen=True, slots=True)
class HeardItems:
    """What could be computed of the labelled recordings."""

    items: tuple[LabelledItem, ...]
    values: Array
    """Shape (items, features)."""
    left_out: tuple[str, ...]
    """`row 7: silence`, for items without a feature vector."""

    def only(self, items: Sequence[LabelledItem]) -> HeardItems:
        """The same, of some of its items, in their order."""
        places = {item: index for index, item in enumerate(self.items)}
        kept = [places[item] for item in items]
        lost = [f"row {item.row}: too little voice in an altered form" for item in self.items if item not in items]
        return HeardItems(tuple(items), self.values[kept], (*self.left_out, *lost))


def spool_reader(decode: Callable[[Path, Path], Sequence[Path]]) -> ReadAudio:
    """A ReadAudio from a decoder that writes raw float32 channels into a folder; keeps the last recording."""
    last: dict[Path, list[Samples]] = {}

    def read(path: Path, channel: int | None) -> Samples:
        if path not in last:
            last.clear()
            with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
                last[path] = [np.array(mapped_samples(spooled)) for spooled in decode(path, Path(folder))]
        channels = last[path]
        if channel is None and len(channels) > 1:
            raise ValueError(f"{path.name} has {len(channels)} channels; name one in a column `channel` (from 0)")
        if (channel or 0) >= len(channels):
            raise ValueError(f"{path.name} has {len(channels)} channels, channel {channel} is not there")
        return channels[channel or 0]

    return read


def pieces_of(items: Iterable[LabelledItem], read_audio: ReadAudio) -> Iterator[tuple[LabelledItem, Samples]]:
    """Each item with the stretch of its recording that it is, 16 kHz; one at a time, because there may be many.

    Raises ConfigurationError at the end, with the number of every row whose recording cannot be decoded.
    """
    faults: list[str] = []
    for item in items:
        assert item.audio is not None
        try:
            samples = read_audio(item.audio, item.channel)
        except (TerminalError, TransientError, ValueError) as error:
            faults.append(f"row {item.row}: {error}")
            continue
        last = None if item.end_s is None else round(item.end_s * SAMPLE_RATE_HZ)
        yield item, samples[round((item.start_s or 0.0) * SAMPLE_RATE_HZ) : last]
    if faults:
        raise ConfigurationError(f"{counted(len(faults), 'recording')} cannot be read:\n" + "\n".join(faults))


def hear(
    items: Sequence[LabelledItem], read_audio: ReadAudio, alter: Callable[[Samples], Samples] | None = None
) -> HeardItems:
    """Features of every item that holds enough voice.

    Args:
        read_audio: decodes a recording.
        alter: changes the sound first (a telephone line), for measuring.

    Raises ConfigurationError, with the row numbers, when recordings cannot be decoded.
    """
    kept, values, left_out = [], [], []
    for item, samples in pieces_of(items, read_audio):
        features = chunk_features(to_8_khz(alter(samples) if alter else samples, SAMPLE_RATE_HZ))
        if features.values is None:
            left_out.append(f"row {item.row}: {features.reason}")
        else:
            kept.append(item)
            values.append(features.values)
    if not kept:
        raise ConfigurationError("no labelled recording holds enough voice: " + "; ".join(left_out[:10]))
    return HeardItems(tuple(kept), np.stack(values), tuple(left_out))


def refuse_shared_sound(heard: HeardItems) -> None:
    """Copies of a recording under other names, in two groups, would be on both sides of a split."""
    seen: dict[bytes, LabelledItem] = {}
    faults = []
    for item, values in zip(heard.items, heard.values, strict=True):
        first = seen.setdefault(values.tobytes(), item)
        if first.group != item.group:
            faults.append(
                f"row {item.row}: the same sound is in group {item.group!r} here and in {first.group!r} in row "
                f"{first.row}: a group would be on both sides of the split"
            )
    if faults:
        raise ConfigurationError("\n".join(faults))
