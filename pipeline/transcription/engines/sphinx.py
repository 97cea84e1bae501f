"""PocketSphinx 5: English, weights in its wheel, no download. A demonstration engine.

It is near-perfect on clean 16 kHz synthetic speech; on real 8 kHz calls its word error rate is about 0.74. It shows
that the pipeline works where nothing can be fetched, and is not meant for production.

Confidence is the mean of the words' posterior probabilities in the word lattice, weighted by their frames. It is low
in absolute terms (right words are often at 0.1 to 0.6): compare it within this engine only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.areas.speech.recognisers import SphinxOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import EngineDescription, Samples, SegmentRequest, SegmentResult
from pipeline.transcription.engines.expected import sphinx_name

_FRAMES_PER_S = 100
_VARIANT = re.compile(r"\(\d+\)$")
_NO_WORD = re.compile(r"^(<.*>|\[.*\]|\+\+.*\+\+)$")
_MIN_SAMPLES = SAMPLE_RATE_HZ // 20
_FILES = {"hmm": "en-us", "lm": "en-us.lm.bin", "dict": "cmudict-en-us.dict"}
_MAX_SEGMENT_S = 30.0


class SphinxTranscriber:
    """`Transcriber` over one PocketSphinx decoder, set back to its first state before each segment."""

    def __init__(self, options: SphinxOptions) -> None:
        self._options = options
        self._decoder: Any = None

    def load(self) -> EngineDescription:
        try:
            import pocketsphinx
        except ImportError as error:
            raise ModelUnavailable(f"pocketsphinx is not installed here ({error}); run `make setup`") from error
        options, name = self._options, sphinx_name(self._options)
        folder = options.model_dir or Path(str(pocketsphinx.get_model_path("en-us")))
        paths = {key: str(folder / name) for key, name in _FILES.items()}
        absent = [path for path in paths.values() if not Path(path).exists()]
        if absent:
            raise ModelUnavailable(
                f"{absent[0]} is missing; reinstall pocketsphinx, or correct transcription.sphinx.model_dir"
            )
        try:
            self._decoder = pocketsphinx.Decoder(
                **paths,
                loglevel="FATAL",
                samprate=SAMPLE_RATE_HZ,
                beam=options.beam,
                wbeam=options.word_beam,
                lw=options.language_weight,
                wip=options.word_insertion_penalty,
                fwdflat=options.second_pass,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelUnavailable(f"the model in {folder} cannot be read ({error}); reinstall pocketsphinx") from error
        return EngineDescription(
            engine="sphinx",
            model=name.model,
            revision=name.revision,
            demonstration=True,
            max_segment_s=_MAX_SEGMENT_S,
            takes_context=False,
            languages=frozenset({"en"}),
            looks_ahead=1,
            detail="CPU, one thread, demonstration only",
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in requests:
            if request.language in {None, "en"}:
                yield self._recognise(request)
            else:
                yield SegmentResult(
                    key=request.key, text="", language=request.language, flags=("language_unsupported",)
                )

    def close(self) -> None:
        self._decoder = None

    def _recognise(self, request: SegmentRequest) -> SegmentResult:
        words, confidence = self._decode(request.samples)
        return SegmentResult(
            key=request.key,
            text=" ".join(word.text for word in words),
            language="en",
            words=tuple(words),
            confidence=confidence,
        )

    def _decode(self, samples: Samples) -> tuple[list[Word], float | None]:
        """Words and confidence. The search is one native call: only the supervisor can cut it short."""
        if samples.size < _MIN_SAMPLES:
            return [], None
        decoder = self._decoder
        decoder.reinit_feat()  # earlier audio affects the noise and cepstral means
        decoder.start_utt()
        pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return [], None
        end_s = samples.size / SAMPLE_RATE_HZ
        words: list[Word] = []
        weighted = frames = 0.0
        for segment in decoder.seg():
            text = _VARIANT.sub("", segment.word)
            if _NO_WORD.match(text):
                continue
            length = segment.end_frame - segment.start_frame + 1
            probability = min(1.0, max(0.0, float(segment.prob)))
            start = min(segment.start_frame / _FRAMES_PER_S, end_s)
            end = min((segment.end_frame + 1) / _FRAMES_PER_S, end_s)
            words.append(Word(text=text, start_s=start, end_s=end, confidence=probability))
            weighted += probability * length
            frames += length
        return words, weighted / frames if frames else None
