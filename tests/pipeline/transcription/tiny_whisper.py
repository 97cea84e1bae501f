"""A tiny Whisper in CTranslate2's format, of seeded random weights, written without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEADS, MELS, FRAMES, PLACES = 32, 2, 80, 1500, 448
WORDS = (
    "hello",
    "bank",
    "card",
    "account",
    "please",
    "thank",
    "you",
    "number",
    "yes",
    "no",
    "money",
    "today",
    "call",
    "help",
    "my",
    "is",
    "the",
    "a",
    "to",
    "of",
)
LANGUAGES = ("en", "zh", "de", "es", "ru", "fr", "ar")
SPECIALS = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{language}|>" for language in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


def build_tiny_whisper(folder: Path, seed: int = 0, end_bias: float = 1.5) -> Path:
    """Writes model.bin, config.json, tokenizer.json, vocabulary.json; returns the folder."""
    from ctranslate2.specs import whisper_spec

    times = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    vocabulary = [f"Ġ{word}" for word in WORDS] + [""] + list(SPECIALS) + times  # "" marks multilingual models
    spec = whisper_spec.WhisperSpec(1, HEADS, 1, HEADS)
    random = np.random.default_rng(seed)
    _fill_encoder(spec.encoder, random)
    _fill_decoder(spec.decoder, random, len(vocabulary), vocabulary.index(SPECIALS[0]), end_bias)
    spec.register_vocabulary(vocabulary)
    end = vocabulary.index(SPECIALS[0])
    spec.config.lang_ids = [vocabulary.index(f"<|{language}|>") for language in LANGUAGES]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [end]
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(vocabulary)), "utf-8")
    return folder


def _array(random: np.random.Generator, *shape: int, scale: float = 0.3) -> Any:
    return random.normal(0.0, scale, shape).astype(np.float32)


def _norm(spec: Any) -> None:
    spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _linear(spec: Any, random: np.random.Generator, out: int, into: int, scale: float = 0.3) -> None:
    spec.weight, spec.bias = _array(random, out, into, scale=scale), np.zeros(out, np.float32)


def _attention(spec: Any, random: np.random.Generator, own: bool) -> None:
    _norm(spec.layer_norm)
    if own:
        _linear(spec.linear[0], random, 3 * WIDTH, WIDTH)
    else:
        _linear(spec.linear[0], random, WIDTH, WIDTH)
        _linear(spec.linear[1], random, 2 * WIDTH, WIDTH)
    _linear(spec.linear[-1], random, WIDTH, WIDTH, scale=1.0)


def _feed_forward(spec: Any, random: np.random.Generator) -> None:
    _norm(spec.layer_norm)
    _linear(spec.linear_0, random, 2 * WIDTH, WIDTH)
    _linear(spec.linear_1, random, WIDTH, 2 * WIDTH)


def _fill_encoder(spec: Any, random: np.random.Generator) -> None:
    spec.conv1.weight, spec.conv1.bias = _array(random, WIDTH, MELS, 3), np.zeros(WIDTH, np.float32)
    spec.conv2.weight, spec.conv2.bias = _array(random, WIDTH, WIDTH, 3), np.zeros(WIDTH, np.float32)
    spec.position_encodings.encodings = _array(random, FRAMES, WIDTH, scale=0.02)
    _norm(spec.layer_norm)
    for layer in spec.layer:
        _attention(layer.self_attention, random, own=True)
        _feed_forward(layer.ffn, random)


def _fill_decoder(spec: Any, random: np.random.Generator, size: int, end: int, end_bias: float) -> None:
    spec.embeddings.weight = _array(random, size, WIDTH)
    spec.position_encodings.encodings = _array(random, PLACES, WIDTH, scale=1.0)
    _norm(spec.layer_norm)
    for layer in spec.layer:
        _attention(layer.self_attention, random, own=True)
        _attention(layer.attention, random, own=False)
        _feed_forward(layer.ffn, random)
    spec.projection.weight = _array(random, size, WIDTH)
    bias = np.full(size, -30.0, np.float32)  # no time stamps and no specials in the text …
    bias[: len(WORDS)] = 0.0
    bias[end] = end_bias  # … except the end
    bias[end + 2 : end + 2 + len(LANGUAGES)] = -15.0
    spec.projection.bias = bias


def _tokenizer(vocabulary: list[str]) -> dict[str, Any]:
    specials = [
        {
            "id": index,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, token in enumerate(vocabulary)
        if token.startswith("<|")
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": specials,
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "WordLevel",
            "vocab": {token: index for index, token in enumerate(vocabulary) if not token.startswith("<|")},
            "unk_token": vocabulary[0],
        },
    }
