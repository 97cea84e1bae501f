"""A Qwen3-ASR checkpoint of seeded random weights, saved the way the hub's are: names, layouts, tokenizer files.

The weights are scaled so that greedy decoding means something: tokens depend on the audio, and the end token comes
after different numbers of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SPECIAL = {
    151643: "<|endoftext|>", 151644: "<|im_start|>", 151645: "<|im_end|>", 151669: "<|audio_start|>",
    151670: "<|audio_end|>", 151676: "<|audio_pad|>", 151704: "<asr_text>", 151705: "<timestamp>",
}  # fmt: skip
END_TOKEN = 151645
VOCABULARY = 151_712
TIMESTAMP_CLASSES = 400


def save_checkpoint(
    folder: Path,
    *,
    seed: int = 0,
    width: int = 64,
    aligner: bool = False,
    end_bias: float = 1.0,
    audio_gain: float = 1.0,
) -> Path:
    """Write config.json, model.safetensors, vocab.json, merges.txt and tokenizer_config.json; returns the folder."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = _config(width, aligner)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    used = _save_tokenizer(folder)
    save_file(_weights(config["thinker_config"], seed, used, end_bias, audio_gain), str(folder / "model.safetensors"))
    return folder


def speech_like(seed: int, seconds: float) -> npt.NDArray[np.float32]:
    """Syllables of gliding harmonics and noise, so that no two seconds and no two seeds look alike."""
    rng = np.random.default_rng(seed)
    n = round(seconds * 16_000)
    time = np.arange(n) / 16_000
    out = rng.normal(0, 0.003, n)
    start = 0.0
    while start < seconds:
        length = rng.uniform(0.08, 0.35)
        inside = (time >= start) & (time < start + length)
        phase = (time[inside] - start) / length
        pitch = rng.uniform(90, 260) * (1 + rng.uniform(-0.3, 0.3) * phase)
        angle = 2 * np.pi * np.cumsum(pitch) / 16_000
        voiced = sum(rng.uniform(0, 1) * np.sin(h * angle) for h in range(1, 14))
        out[inside] += 0.08 * np.sin(np.pi * phase) * (voiced + rng.normal(0, rng.uniform(0, 2), phase.size))
        start += length + rng.uniform(0, 0.2)
    return out.astype(np.float32)


def _config(width: int, aligner: bool) -> dict[str, Any]:
    head_dim = 16
    thinker: dict[str, Any] = {
        "model_type": "qwen3_forced_aligner" if aligner else "qwen3_asr",
        "audio_token_id": 151676,
        "audio_start_token_id": 151669,
        "audio_end_token_id": 151670,
        "audio_config": {
            "num_mel_bins": 128,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64,
            "d_model": 32,
            "output_dim": width,
            "max_source_positions": 1500,
            "n_window": 50,
            "n_window_infer": 800,
            "conv_chunksize": 500,
            "downsample_hidden_size": 8,
        },
        "text_config": {
            "vocab_size": VOCABULARY,
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": head_dim,
            "rope_theta": 10_000.0,
            "rope_scaling": {"mrope_section": [4, 2, 2], "mrope_interleaved": True, "rope_type": "default"},
            "rms_norm_eps": 1e-6,
            "attention_bias": False,
            "tie_word_embeddings": True,
        },
    }
    config: dict[str, Any] = {
        "architectures": ["Qwen3ASRForConditionalGeneration"],
        "model_type": "qwen3_asr",
        "support_languages": ["English", "French"],
        "thinker_config": thinker,
    }
    if aligner:
        thinker["classify_num"] = TIMESTAMP_CLASSES
        config |= {"timestamp_token_id": 151705, "timestamp_segment_time": 80}
    return config


def _save_tokenizer(folder: Path) -> list[int]:
    """Byte-level BPE with a few merges; returns the ids in use."""
    from mlx_qwen3_asr.tokenizer import _bytes_to_unicode

    vocab = {character: index for index, character in enumerate(_bytes_to_unicode().values())}
    merges = ["t h", "th e", "a n", "an d", "Ġ a", "i n", "o u", "e r", "s t", "l a", "la n", "lan g"]
    for merge in merges:
        vocab["".join(merge.split())] = len(vocab)
    (folder / "vocab.json").write_text(json.dumps(vocab), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", "utf-8")
    added = {str(token): {"content": content, "special": token < 151700} for token, content in SPECIAL.items()}
    settings = {"added_tokens_decoder": added, "eos_token": "<|im_end|>", "unk_token": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    return sorted(vocab.values())


def _weights(
    thinker: dict[str, Any], seed: int, used: list[int], end_bias: float, audio_gain: float
) -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    audio, text = thinker["audio_config"], thinker["text_config"]
    tensors: dict[str, npt.NDArray[np.float32]] = {}

    def dense(name: str, *shape: int, gain: float = 1.0, bias: bool = False) -> None:
        fan_in = int(np.prod(shape[1:]))
        tensors[f"thinker.{name}.weight"] = (rng.normal(size=shape) * gain / np.sqrt(fan_in)).astype(np.float32)
        if bias:
            tensors[f"thinker.{name}.bias"] = (rng.normal(size=shape[0]) * 0.1).astype(np.float32)

    def norm(name: str, size: int, *, bias: bool = False, gain: float = 1.0) -> None:
        tensors[f"thinker.{name}.weight"] = (gain * (1 + 0.1 * rng.normal(size=size))).astype(np.float32)
        if bias:
            tensors[f"thinker.{name}.bias"] = (rng.normal(size=size) * 0.1).astype(np.float32)

    d, c = audio["d_model"], audio["downsample_hidden_size"]
    for name, into in (("conv2d1", 1), ("conv2d2", c), ("conv2d3", c)):
        dense(f"audio_tower.{name}", c, into, 3, 3, gain=1.6, bias=True)
    dense("audio_tower.conv_out", d, c * audio["num_mel_bins"] // 8)
    for layer in range(audio["encoder_layers"]):
        at = f"audio_tower.layers.{layer}"
        norm(f"{at}.self_attn_layer_norm", d, bias=True)
        norm(f"{at}.final_layer_norm", d, bias=True)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            dense(f"{at}.self_attn.{name}", d, d, bias=True)
        dense(f"{at}.fc1", audio["encoder_ffn_dim"], d, bias=True)
        dense(f"{at}.fc2", d, audio["encoder_ffn_dim"], bias=True)
    norm("audio_tower.ln_post", d, bias=True)
    dense("audio_tower.proj1", d, d, gain=2.0, bias=True)
    dense("audio_tower.proj2", audio["output_dim"], d, gain=2.0 * audio_gain, bias=True)

    w, heads, kv, dim = (text[key] for key in ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"))
    embeddings = np.zeros((VOCABULARY, w), np.float32)
    tokens = [*used, *SPECIAL]
    embeddings[tokens] = rng.normal(size=(len(tokens), w)) * 0.3
    embeddings[END_TOKEN] *= end_bias
    tensors["thinker.model.embed_tokens.weight"] = embeddings
    for layer in range(text["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        norm(f"{at}.input_layernorm", w)
        norm(f"{at}.post_attention_layernorm", w)
        norm(f"{at}.self_attn.q_norm", dim, gain=1.6)
        norm(f"{at}.self_attn.k_norm", dim, gain=1.6)
        dense(f"{at}.self_attn.q_proj", heads * dim, w)
        dense(f"{at}.self_attn.k_proj", kv * dim, w)
        dense(f"{at}.self_attn.v_proj", kv * dim, w, gain=4.0)
        dense(f"{at}.self_attn.o_proj", w, heads * dim, gain=4.0)
        dense(f"{at}.mlp.gate_proj", text["intermediate_size"], w, gain=1.5)
        dense(f"{at}.mlp.up_proj", text["intermediate_size"], w, gain=1.5)
        dense(f"{at}.mlp.down_proj", w, text["intermediate_size"], gain=1.5)
    norm("model.norm", w)
    if "classify_num" in thinker:
        dense("lm_head", thinker["classify_num"], w)
    return tensors
