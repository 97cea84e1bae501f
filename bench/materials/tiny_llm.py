"""A language model checkpoint of random weights, written to disk as a trained one would be.

It says nonsense, but through the same files, tokenizer, chat template and code path as a real model. The shape of its
answers comes from the grammar, not from training.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>")
_TRAINING_TEXT = (
    "The caller asks about a card payment that was declined and wants the amount refunded to the account.",
    'The agent answers {"topic": "cards", "subtopic": "lost card", "quotes": ["I lost my card"]} and books a repair.',
    "Le client demande pourquoi la facture du mois de mai est plus élevée que d'habitude ; l'agent vérifie.",
    "Thank you for calling, how may I help you today? I would like to change the address on my contract, please.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyShape:
    """Dimensions of a Llama-type decoder."""

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    key_value_heads: int = 2
    feed_forward: int = 128
    vocabulary: int = 600
    """Tokens of the tokenizer. The model rounds them up to a multiple of 64, as real ones do."""
    logit_scale: float = 8.0
    """Spread of the output logits: 1 is nearly uniform, higher values give clear preferences."""


def build_tiny_llm(folder: Path, shape: TinyShape | None = None, seed: int = 0, says: str | None = None) -> Path:
    """Write config, weights (float32) and tokenizer into `folder`; the same seed gives the same bytes of weights.

    With `says` the model answers every prompt with exactly this text. It is one token of its own; the weights make it
    follow a prompt's last token and precede the end.
    """
    shape = shape or TinyShape()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _write_tokenizer(folder, shape.vocabulary, says)
    size, end = tokenizer.get_vocab_size(), _id(tokenizer, _SPECIAL[0])
    padded = -(-size // 64) * 64
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "intermediate_size": shape.feed_forward,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.hidden // shape.heads,
        "rms_norm_eps": 1e-6,
        "vocab_size": padded,
        "max_position_embeddings": 8192,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "eos_token_id": end,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    weights = _weights(shape, padded, seed)
    if says is not None:
        spoken = _id(tokenizer, says)
        _make_say(weights, {tokenizer.encode("\n").ids[-1]: spoken, spoken: end})
    from safetensors.numpy import save_file

    save_file(weights, folder / "model.safetensors", metadata={"format": "mlx"})
    return folder


def _make_say(weights: dict[str, npt.NDArray[np.float32]], follows: dict[int, int]) -> None:
    """Silence the layers, and let each token of `follows` be followed by the one it names."""
    for name, values in weights.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            values[:] = 0
    for before, after in follows.items():
        weights["lm_head.weight"][after] = 8 * weights["model.embed_tokens.weight"][before]


def _weights(shape: TinyShape, vocabulary: int, seed: int) -> dict[str, npt.NDArray[np.float32]]:

    source = np.random.default_rng(seed)
    head = shape.hidden // shape.heads

    def matrix(rows: int, columns: int, gain: float = 1.0) -> npt.NDArray[np.float32]:
        values: npt.NDArray[np.float32] = source.standard_normal((rows, columns), dtype=np.float32)
        return values * np.float32(gain / columns**0.5)

    ones = np.ones(shape.hidden, dtype=np.float32)
    weights = {
        "model.embed_tokens.weight": matrix(vocabulary, shape.hidden, shape.hidden**0.5),
        "model.norm.weight": ones,
        "lm_head.weight": matrix(vocabulary, shape.hidden, shape.logit_scale),
    }
    for layer in range(shape.layers):
        prefix = f"model.layers.{layer}."
        weights |= {
            prefix + "self_attn.q_proj.weight": matrix(shape.heads * head, shape.hidden),
            prefix + "self_attn.k_proj.weight": matrix(shape.key_value_heads * head, shape.hidden),
            prefix + "self_attn.v_proj.weight": matrix(shape.key_value_heads * head, shape.hidden),
            prefix + "self_attn.o_proj.weight": matrix(shape.hidden, shape.heads * head),
            prefix + "mlp.gate_proj.weight": matrix(shape.feed_forward, shape.hidden),
            prefix + "mlp.up_proj.weight": matrix(shape.feed_forward, shape.hidden),
            prefix + "mlp.down_proj.weight": matrix(shape.hidden, shape.feed_forward),
            prefix + "input_layernorm.weight": ones.copy(),
            prefix + "post_attention_layernorm.weight": ones.copy(),
        }
    return weights


def _id(tokenizer: Tokenizer, token: str) -> int:
    number = tokenizer.token_to_id(token)
    assert number is not None, token
    return int(number)


def _write_tokenizer(folder: Path, vocabulary: int, says: str | None) -> Tokenizer:
    """Byte-level BPE."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(_SPECIAL),
        min_frequency=1,
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TRAINING_TEXT, trainer)
    if says is not None:
        tokenizer.add_tokens([AddedToken(says, normalized=False)])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": _SPECIAL[0],
        "pad_token": _SPECIAL[4],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 8192,
        "chat_template": _TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return tokenizer
