"""faster-whisper's batches, with the language that each clip sounds like.

The encoder has heard a clip when it is decoded; the language costs one step of the decoder more.
"""

from __future__ import annotations

from typing import Any

from faster_whisper import BatchedInferencePipeline

from pipeline.transcription.engine import HeardLanguage


class ListeningPipeline(BatchedInferencePipeline):  # type: ignore[misc]
    """Keeps what it heard in `languages`, a likeliest language for each clip, in order, until it is emptied."""

    def __init__(self, model: Any) -> None:
        super().__init__(model=model)
        self.languages: list[HeardLanguage] = []

    def generate_segment_batched(self, features: Any, tokenizer: Any, options: Any) -> Any:
        encoded, decoded = super().generate_segment_batched(features, tokenizer, options)
        if self.model.model.is_multilingual:
            for (token, probability), *_ in self.model.model.detect_language(encoded):
                self.languages.append(HeardLanguage(code=token.strip("<|>"), probability=float(probability)))
        return encoded, decoded
