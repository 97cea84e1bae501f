"""Logits of the batched decoder against the PyTorch Qwen3-ASR of `transformers`, on the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from safetensors.numpy import load_file

from pipeline.transcription.engine import SegmentRequest
from pipeline.transcription.engines.mlx_qwen3.decoding import NewRow
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Floats
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter
from pipeline.transcription.engines.mlx_qwen3.rows import Row
from pipeline.transcription.engines.mlx_qwen3.scheduler import StageSeconds
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch, request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like

pytestmark = pytest.mark.torch
STEPS = 4


class LogitKeeper(MlxKernels):
    """Keeps what it picks from."""

    def __init__(self) -> None:
        super().__init__(mx.float32)
        self.kept: list[Floats] = []

    def pick(self, logits: Any) -> tuple[Any, Any]:
        self.kept.append(np.array(logits))
        return super().pick(logits)


def reference(folder: Path) -> Any:
    """The checkpoint as `transformers` names its parts."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers", minversion="5.0")
    thinker = json.loads((folder / "config.json").read_text("utf-8"))["thinker_config"]
    audio = {key: value for key, value in thinker["audio_config"].items() if key not in _NOT_IN_TRANSFORMERS}
    text = {key: value for key, value in thinker["text_config"].items() if key not in {"rope_scaling", "rope_theta"}}
    text |= {"model_type": "qwen3", "max_position_embeddings": 4096}
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": thinker["text_config"]["rope_theta"]}
    config = transformers.Qwen3ASRConfig(audio_config=audio | {"model_type": "qwen3_asr_encoder"}, text_config=text)
    model = transformers.Qwen3ASRForConditionalGeneration(config).eval()
    weights = {_name(key): torch.from_numpy(value) for key, value in load_file(folder / "model.safetensors").items()}
    weights["lm_head.weight"] = weights["model.language_model.embed_tokens.weight"]
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected
    assert not [name for name in missing if "positional_embedding" not in name]
    return model


_NOT_IN_TRANSFORMERS = {"max_source_positions", "conv_chunksize"}


def _name(key: str) -> str:
    key = key.removeprefix("thinker.")
    for old, new in (
        ("audio_tower.proj1", "model.multi_modal_projector.linear_1"),
        ("audio_tower.proj2", "model.multi_modal_projector.linear_2"),
        ("audio_tower.", "model.audio_tower."),
        ("model.", "model.language_model."),
    ):
        if key.startswith(old):
            return new + key.removeprefix(old)
    return key


def test_logits_agree(checkpoint: Path) -> None:
    torch = pytest.importorskip("torch")
    model = reference(checkpoint)
    keeper = LogitKeeper()
    batch = Batch(checkpoint, keeper)
    prompter = Prompter(batch.loaded.tokenizer)
    requests = [request(str(i), speech_like(i, seconds), context="alpha") for i, seconds in enumerate((1.0, 2.37, 9.5))]
    rows = [Row(request=item, prompt=prompter.prompt("alpha", "en"), token_limit=STEPS) for item in requests]
    audio = batch.machine.encode(rows, StageSeconds())
    decoder = batch.machine.decoder
    _, tokens, _ = decoder.prefill([NewRow(row.prompt, part) for row, part in zip(rows, audio, strict=True)])
    history = [tokens]
    for _ in range(STEPS):
        history.append(decoder.finish(decoder.begin(history[-1]))[0])
    ours = np.stack(keeper.kept, axis=1)
    for index, (row, part) in enumerate(zip(rows, audio, strict=True)):
        replied = [int(step[index]) for step in history[:STEPS]]
        ids = [*row.prompt.prefix, *[151676] * part.shape[0], *row.prompt.suffix, *replied]
        features, mask = _features(row.request)
        with torch.no_grad():
            logits = model(
                input_ids=torch.tensor([ids]),
                input_features=torch.from_numpy(features),
                input_features_mask=torch.from_numpy(mask),
            ).logits[0, -STEPS - 1 :]
        used = np.flatnonzero(logits.numpy().any(axis=0))  # most of the tiny checkpoint's vocabulary is zero
        theirs = logits.numpy()[:, used]
        assert np.abs(theirs - ours[index][:, used]).max() < 1e-3 * theirs.std()


def _features(item: SegmentRequest) -> tuple[np.ndarray, np.ndarray]:
    """The same mel features, padded to whole chunks as that encoder wants them."""
    from mlx_qwen3_asr.audio import compute_features

    mel = np.array(compute_features(item.samples)[0])
    frames = mel.shape[2]
    padded = -(-frames // 100) * 100
    mask = np.zeros((1, padded), np.int64)
    mask[:, :frames] = 1
    return np.pad(mel, ((0, 0), (0, 0), (0, padded - frames))), mask
