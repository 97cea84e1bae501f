"""faster-whisper's batches, with the language that each clip sounds like, and words placed as if it were alone.

The encoder has heard a clip when it is decoded; the language costs one step of the decoder more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel

from pipeline.transcription.engine import HeardLanguage

Clip = list[dict[str, Any]]
"""What the library makes of a clip: pieces with `start`, `end` in seconds, `seek` in frames and, later, `words`."""


class PlacingModel(WhisperModel):  # type: ignore[misc]
    """Encodes a clip, and places its words, as if it were alone, so that they do not depend on what shares its batch.

    The library encodes and aligns all clips at once, which moves words by a frame where two frames are as likely, and
    reckons a clip's first words from the end of the clip before and from the beginning of the batch. On a GPU both stay
    one for all, for speed.
    """

    def encode(self, features: Any) -> Any:
        """See the library: (mels, frames) or (clips, mels, frames)."""
        if self.model.device != "cpu" or features.ndim == 2 or len(features) == 1:
            return super().encode(features)
        alone = [np.asarray(super(PlacingModel, self).encode(clip)) for clip in features]
        return ctranslate2.StorageView.from_array(np.concatenate(alone))

    def add_word_timestamps(
        self, segments: Sequence[Clip], tokenizer: Any, encoder_output: Any, num_frames: Any, *rest: Any
    ) -> float:
        """See the library; `rest` are punctuation before and after words, and when speech ended before."""
        *punctuation, last_speech_s = rest
        if not isinstance(num_frames, Sequence):
            ended_s: float = super().add_word_timestamps(segments, tokenizer, encoder_output, num_frames, *rest)
            return ended_s
        apart = self.model.device == "cpu"
        encoded = np.asarray(encoder_output) if apart else None
        offsets_s = [_begin_at_zero(clip, self.frames_per_second) for clip in segments]
        if encoded is None:
            super().add_word_timestamps(segments, tokenizer, encoder_output, num_frames, *punctuation, 0.0)
        else:
            for index, clip in enumerate(segments):
                alone = ctranslate2.StorageView.from_array(encoded[index : index + 1])
                super().add_word_timestamps([clip], tokenizer, alone, [num_frames[index]], *punctuation, 0.0)
        for clip, offset_s in zip(segments, offsets_s, strict=True):
            _put_back(clip, offset_s, self.frames_per_second)
        ends_s: list[float] = [piece["end"] for clip in segments for piece in clip]
        return max(ends_s, default=last_speech_s)


class ListeningPipeline(BatchedInferencePipeline):  # type: ignore[misc]
    """Keeps what it heard in `languages`, a likeliest language for each clip, in order, until it is emptied."""

    def __init__(self, model: PlacingModel) -> None:
        super().__init__(model=model)
        self.languages: list[HeardLanguage] = []

    def generate_segment_batched(self, features: Any, tokenizer: Any, options: Any) -> Any:
        encoded, decoded = super().generate_segment_batched(features, tokenizer, options)
        if self.model.model.is_multilingual:
            for (token, probability), *_ in self.model.model.detect_language(encoded):
                self.languages.append(HeardLanguage(code=token.strip("<|>"), probability=float(probability)))
        return encoded, decoded


def _begin_at_zero(clip: Clip, frames_per_second: float) -> float:
    offset_s = clip[0]["seek"] / frames_per_second
    _shift(clip, -offset_s)
    for piece in clip:
        piece["seek"] = 0
    return float(offset_s)


def _put_back(clip: Clip, offset_s: float, frames_per_second: float) -> None:
    for piece in clip:
        piece["seek"] = round(offset_s * frames_per_second)
        _shift(piece["words"], offset_s)
    _shift(clip, offset_s)


def _shift(timed: Sequence[dict[str, Any]], by_s: float) -> None:
    for piece in timed:
        piece["start"] += by_s
        piece["end"] += by_s
