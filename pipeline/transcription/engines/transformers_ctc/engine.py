"""CTC checkpoints of Transformers: Wav2Vec2-BERT, Wav2Vec2, HuBERT, …; the engine for fine-tuned dialects.

Greedy decoding. Batches are cut by length and padded to their longest segment. Checkpoints trained without an
attention mask (`return_attention_mask: false`) hear the padding, so they are decoded one by one.

Confidence is the geometric mean of the best token's probability over all frames whose best token is not the blank,
in 0..1. CTC models are sharply peaked: compare it within one checkpoint only.

One forward pass per batch, its length bounded by `max_segment_s`: no decode can run on by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.config.areas.speech.recognisers import TransformersCtcOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engine import OUT_OF_MEMORY, EngineDescription, SegmentRequest, SegmentResult
from pipeline.transcription.engines.expected import ctc_weights, punctuation_weights
from pipeline.transcription.engines.transformers_ctc.padding import AdapterPadding
from pipeline.transcription.engines.transformers_ctc.words import spelt_words
from pipeline.transcription.text.punctuation import Punctuator
from pipeline.transcription.torch_models import on_device
from pipeline.weights.hub import Hub, short

_SETTING = "transcription.transformers_ctc.model"
_MIN_SAMPLES = SAMPLE_RATE_HZ // 20


class TransformersCtcTranscriber:
    """`Transcriber` over one CTC checkpoint."""

    def __init__(self, options: TransformersCtcOptions, hub: Hub) -> None:
        self._options = options
        self._hub = hub
        self._torch: Any = None
        self._model: Any = None
        self._features: Any = None
        self._tokenizer: Any = None
        self._device = "cpu"
        self._autocast: Any = None
        self._padding: AdapterPadding | None = None
        self._punctuator: Punctuator | None = None

    def load(self) -> EngineDescription:
        options = self._options
        if not options.model:
            raise ModelUnavailable(f"not set up: {_SETTING} is empty; give a folder or a hub repository")
        try:
            import torch
            from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer
        except (ImportError, OSError) as error:
            raise ModelUnavailable(
                f"torch or transformers is not installed ({error}); install the extra `ctc`"
            ) from error
        found = self._hub.find(ctc_weights(options))
        if options.cpu_threads:
            torch.set_num_threads(options.cpu_threads)
        self._torch = torch
        self._device = _device(torch, options.device)
        self._autocast = _precision(torch, options.mixed_precision, self._device)
        self._features = _read(AutoFeatureExtractor, found.folder)
        self._tokenizer = _read_tokenizer(AutoTokenizer, found.folder)
        self._model = _read_model(AutoModelForCTC, found.folder, self._device)
        self._padding = AdapterPadding(self._model)
        self._punctuator = self._load_punctuator()
        return EngineDescription(
            engine="transformers_ctc",
            model=found.model,
            revision=found.revision,
            demonstration=False,
            max_segment_s=options.max_segment_s,
            takes_context=False,
            languages=frozenset({options.language}) if options.language else None,
            looks_ahead=options.look_ahead,
            detail=f"{self._device}, {self._autocast or 'float32'}, batch {self._most_rows}",
        )

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        stream = iter(requests)
        while taken := list(islice(stream, self._options.look_ahead)):
            usable = []
            for request in taken:
                refused = self._refused(request)
                if refused is None:
                    usable.append(request)
                else:
                    yield refused
            for batch in cut_batches(usable, self._most_rows, self._options.batch_audio_s):
                yield from within_memory(batch, self._decode, (self._torch.OutOfMemoryError, MemoryError))

    def close(self) -> None:
        self._model = self._features = self._tokenizer = self._punctuator = None

    @property
    def _most_rows(self) -> int:
        masked = bool(getattr(self._features, "return_attention_mask", True))
        return self._options.batch_size if masked else 1

    def _refused(self, request: SegmentRequest) -> SegmentResult | None:
        trained_on = self._options.language
        if trained_on and request.language and request.language != trained_on:
            return SegmentResult(key=request.key, text="", language=request.language, flags=("language_unsupported",))
        if request.samples.size < _MIN_SAMPLES:
            return SegmentResult(key=request.key, text="", language=request.language)
        return None

    def _decode(self, batch: Sequence[SegmentRequest]) -> list[SegmentResult]:
        torch = self._torch
        inputs = self._features(
            [request.samples for request in batch],
            sampling_rate=SAMPLE_RATE_HZ,
            padding=True,
            return_tensors="pt",
        ).to(self._device)
        mask = inputs.get("attention_mask")
        main = inputs[self._model.main_input_name]
        lengths = mask.sum(-1) if mask is not None else torch.full((len(batch),), main.shape[1], device=main.device)
        autocast = (
            torch.autocast(self._device, dtype=getattr(torch, self._autocast))
            if self._autocast
            else contextlib.nullcontext()
        )
        assert self._padding is not None
        self._padding.lengths = self._frames(lengths, add_adapter=False)
        with torch.inference_mode(), autocast:
            logits = self._model(**inputs).logits
        best, token = torch.log_softmax(logits.float(), dim=-1).max(dim=-1)
        steps = self._frames(lengths).tolist()
        return [
            self._result(request, best[row, : int(steps[row])].cpu().numpy(), token[row, : int(steps[row])].tolist())
            for row, request in enumerate(batch)
        ]

    def _frames(self, lengths: Any, add_adapter: bool | None = None) -> Any:
        """Output frames of rows with so many valid inputs; HuBERT and similar models have no adapters."""
        count = self._model._get_feat_extract_output_lengths
        try:
            return count(lengths, add_adapter=add_adapter)
        except TypeError:
            return count(lengths)

    def _result(self, request: SegmentRequest, best: Any, tokens: list[int]) -> SegmentResult:
        """`best`: log-probability of each frame's best token, shape (frames,)."""
        words, confidence = spelt_words(self._tokenizer, tokens, best, request.samples.size / SAMPLE_RATE_HZ)
        language = request.language or self._options.language
        text = " ".join(word.text for word in words)
        if self._punctuator is not None and text:
            text, words = self._punctuator.restore(words, language)
        return SegmentResult(
            key=request.key,
            text=text,
            language=language,
            words=words if self._options.word_times else None,
            confidence=confidence,
        )

    def _load_punctuator(self) -> Punctuator | None:
        wanted = punctuation_weights(self._options)
        if wanted is None:
            return None
        return Punctuator.load(wanted, self._hub, self._device, self._options.punctuation_languages)


def within_memory(
    batch: Sequence[SegmentRequest],
    decode: Callable[[Sequence[SegmentRequest]], list[SegmentResult]],
    out_of_memory: tuple[type[Exception], ...],
) -> Iterator[SegmentResult]:
    """Results of the batch, which is halved as often as necessary when memory runs out."""
    try:
        yield from decode(batch)
    except out_of_memory as error:
        if len(batch) == 1:
            told = f"out of memory for one segment ({short(error)})"
            yield SegmentResult(key=batch[0].key, text="", language=None, flags=(OUT_OF_MEMORY,), error=told)
            return
        half = len(batch) // 2
        yield from within_memory(batch[:half], decode, out_of_memory)
        yield from within_memory(batch[half:], decode, out_of_memory)


def cut_batches(requests: Sequence[SegmentRequest], most_rows: int, most_audio_s: float) -> list[list[SegmentRequest]]:
    """Longest first, so that memory is at its peak at once; padding counts as audio. Ties keep their order."""
    batches: list[list[SegmentRequest]] = []
    longest = 0
    for request in sorted(requests, key=lambda request: -request.samples.size):
        rows = len(batches[-1]) if batches else 0
        if not batches or rows >= most_rows or (rows + 1) * longest > most_audio_s * SAMPLE_RATE_HZ:
            batches.append([])
            longest = request.samples.size
        batches[-1].append(request)
    return batches


def _device(torch: Any, wanted: str) -> str:
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[wanted]:
        raise ModelUnavailable(
            f"transcription.transformers_ctc.device is {wanted!r}, which torch does not find here; use auto or cpu"
        )
    return wanted


def _precision(torch: Any, wanted: str, device: str) -> str | None:
    """Name of the autocast type; None for float32."""
    if device != "cuda" or wanted == "off":
        return None
    if wanted != "auto":
        return wanted
    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def _read(loader: Any, folder: Path) -> Any:
    try:
        return loader.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        # Transformers raises whatever its readers of JSON, tokenizers and tensors raise
        raise ModelUnavailable(
            f"{folder}: {loader.__name__} cannot read it ({short(error)}); fetch it again or correct {_SETTING}"
        ) from error


def _read_tokenizer(loader: Any, folder: Path) -> Any:
    """A tokenizer of the one class that says which frames a word spans."""
    from transformers import Wav2Vec2CTCTokenizer

    tokenizer = _read(loader, folder)
    if not isinstance(tokenizer, Wav2Vec2CTCTokenizer) or tokenizer.pad_token is None:
        raise ModelUnavailable(
            f"{folder}: a {type(tokenizer).__name__} gives no words with times; take a checkpoint with a "
            f"Wav2Vec2CTCTokenizer and a pad token ({_SETTING})"
        )
    # Transformers 5 reads a gap other than `|` as one more special token, and still takes `|` for the gap
    tokenizer._word_delimiter_token = tokenizer.special_tokens_map.get("word_delimiter_token", "|")
    return tokenizer


def _read_model(loader: Any, folder: Path, device: str) -> Any:
    """Safetensors only (a pickle could run code). Weights the file lacks would be random: refused."""
    try:
        model, told = loader.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:
        # see _read
        raise ModelUnavailable(
            f"{folder}: the weights cannot be loaded ({short(error)}); fetch the model again or correct {_SETTING}"
        ) from error
    lacking = sorted(str(name) for name in told["missing_keys"])
    if lacking:
        raise ModelUnavailable(
            f"{folder}: {len(lacking)} weights are missing, first {lacking[0]}; is it a model fine-tuned for CTC? "
            f"({_SETTING})"
        )
    return on_device(model, device, folder, _SETTING)
