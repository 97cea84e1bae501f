"""Word times from the package's forced aligner, corrected where they cannot be true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelUnavailable
from pipeline.records import Word
from pipeline.transcription.engine import Samples
from pipeline.transcription.engines.mlx_qwen3.prompts import LANGUAGES

_RATE_HZ = 16_000
_FRAME_MS = 10
_FRAME = _RATE_HZ * _FRAME_MS // 1000


class Aligned(Protocol):
    """A word as the aligner places it: seconds from the segment's first sample."""

    @property
    def text(self) -> str: ...

    @property
    def start_time(self) -> float: ...

    @property
    def end_time(self) -> float: ...


class Aligner(Protocol):
    """`mlx_qwen3_asr.ForcedAligner`."""

    def align(self, audio: Samples, text: str, language: str) -> Sequence[Aligned]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WordPlacer:
    """Places the words of a finished segment."""

    aligner: Aligner
    silence_db: float
    """A frame this far below the loudest is silence."""
    min_word_ms: int

    def __call__(self, samples: Samples, text: str, language: str | None) -> tuple[Word, ...] | None:
        """Words in order; None when they cannot be placed (language unknown, too many words for the sound there is).

        Every word lies within the segment, has a length above zero, and covers no frame of silence.
        """
        if not text.strip() or language is None:
            return None
        try:
            found = self.aligner.align(samples, text, LANGUAGES[language])
        except RuntimeError:  # the package needs further libraries to split Japanese and Korean
            return None
        return place(found, text, sounding(samples, self.silence_db), self.min_word_ms)


def load_aligner(folder: Path, dtype: Any, *, setting: str) -> Aligner:
    """The aligner in memory, tried once. Raises ModelUnavailable."""
    from mlx_qwen3_asr import ForcedAligner

    aligner = ForcedAligner(str(folder), dtype=dtype)
    try:
        aligner.align(np.zeros(_RATE_HZ, np.float32), "a", "English")
    except (OSError, ValueError, KeyError, TypeError, IndexError, AssertionError, RuntimeError) as error:
        raise ModelUnavailable(
            f"{folder}: no usable forced aligner ({type(error).__name__}: {' '.join(str(error).split())[:300]}); "
            f"correct {setting}, or set word_times: false"
        ) from error
    return aligner


def sounding(samples: Samples, silence_db: float) -> npt.NDArray[np.bool_]:
    """Which 10 ms frames hold sound: within `silence_db` of the loudest 20 ms. Digital silence never does."""
    frames = len(samples) // _FRAME
    if frames == 0:
        return np.zeros(0, bool)
    energy = np.square(samples[: frames * _FRAME].astype(np.float64)).reshape(frames, _FRAME).mean(axis=1)
    smooth = (energy + np.append(energy[1:], energy[-1])) / 2
    return np.asarray((energy > 0) & (energy >= smooth.max() * 10 ** (-silence_db / 10)))


def place(
    found: Sequence[Aligned], text: str, sound: npt.NDArray[np.bool_], min_word_ms: int
) -> tuple[Word, ...] | None:
    """Move aligned words into the frames that hold sound.

    Times are mapped to a clock that runs only while there is sound. On it each word gets at least `min_word_ms`, in
    order, and moves no further than its neighbours require. After mapping back, a word that would bridge a pause keeps
    its longer side.
    """
    frames = np.flatnonzero(sound)
    least = max(1, -(-min_word_ms // _FRAME_MS))
    if not found or len(found) * least > len(frames):
        return None
    ticks = np.concatenate([[0], np.cumsum(sound)])

    def tick(seconds: float) -> int:
        return int(ticks[min(len(sound), max(0, round(seconds * 1000 / _FRAME_MS)))])

    starts = [tick(word.start_time) for word in found]
    ends = [tick(word.end_time) for word in found]
    last = len(frames)
    for index in reversed(range(len(found))):  # leave room for the words that follow
        starts[index] = min(starts[index], last - least)
        last = starts[index]
    spelled = _spelling(found, text)
    words: list[Word] = []
    free = 0
    for index, start in enumerate(starts):
        first = max(start, free)
        after = max(starts[index + 1], first + least) if index + 1 < len(starts) else len(frames)
        end = min(max(ends[index], first + least), after)
        free = first + least if end <= first else end
        a, b = _longest_run(frames[first:free])
        words.append(Word(text=spelled[index], start_s=a * _FRAME_MS / 1000, end_s=(b + 1) * _FRAME_MS / 1000))
    return tuple(words)


def _longest_run(frames: npt.NDArray[np.int64]) -> tuple[int, int]:
    """First and last of the longest stretch of consecutive frames."""
    breaks = np.flatnonzero(np.diff(frames) > 1)
    firsts = np.concatenate([[0], breaks + 1])
    lasts = np.concatenate([breaks, [len(frames) - 1]])
    best = int(np.argmax(lasts - firsts))
    return int(frames[firsts[best]]), int(frames[lasts[best]])


def _spelling(found: Sequence[Aligned], text: str) -> list[str]:
    """The aligner drops punctuation: take the words as written where they correspond one to one."""
    written = [word for word in text.split() if any(character.isalnum() or character == "'" for character in word)]
    return written if len(written) == len(found) else [word.text for word in found]
