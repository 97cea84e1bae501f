"""Loading by the real path, and what is said where it cannot work."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engines.catalogue import ENGINES
from pipeline.transcription.engines.mlx_qwen3.encoding import mel_features
from pipeline.transcription.engines.mlx_qwen3.engine import build
from pipeline.transcription.engines.mlx_qwen3.kernels.blas import blas_probe, report
from pipeline.transcription.engines.mlx_qwen3.prompts import LANGUAGES, Prompter
from pipeline.weights.hub import Hub
from tests.pipeline.transcription.engines.mlx_qwen3.harness import Batch, request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like


def copy_of(checkpoint: Path, folder: Path) -> Path:
    return Path(shutil.copytree(checkpoint, folder / "copy"))


def test_load_and_transcribe(checkpoint: Path) -> None:
    engine = build(MlxQwen3Options(model=str(checkpoint)))
    description = engine.load()
    assert description.engine == "mlx_qwen3"
    assert (description.revision or "").startswith("sha256-")
    assert description.languages == frozenset(LANGUAGES)
    results = list(engine.transcribe([request("a", speech_like(0, 1.5)), request("b", np.zeros(100, np.float32))]))
    found = {result.key: result for result in results}
    assert found["a"].error is None
    assert found["a"].confidence is None or 0 < found["a"].confidence <= 1
    assert "too short" in (found["b"].error or "")
    engine.close()


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", "utf-8")


def drop_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])


def drop_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["thinker.model.norm.weight"]
    save_file(tensors, folder / "model.safetensors")


def drop_tokenizer(folder: Path) -> None:
    (folder / "merges.txt").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_config, "config.json is not JSON"),
        (drop_shard, "weight files are missing, first model-00002"),
        (cut_weights, "corrupt"),
        (drop_tensor, "corrupt or of another model"),
        (drop_tokenizer, "merges.txt"),
    ],
)
def test_damaged_checkpoint(checkpoint: Path, tmp_path: Path, damage, message: str) -> None:  # type: ignore[no-untyped-def]
    folder = copy_of(checkpoint, tmp_path)
    damage(folder)
    with pytest.raises(ModelUnavailable, match=message) as caught:
        build(MlxQwen3Options(model=str(folder))).load()
    assert "transcription.mlx_qwen3.model" in str(caught.value)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no such folder"):
        build(MlxQwen3Options(model=str(tmp_path / "nowhere"))).load()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()
    for connection in held:
        connection.close()


def test_silent_hub_is_given_up(silent_server: str, tmp_path: Path) -> None:
    hub = Hub(allow_download=True, timeout_s=0.5, endpoint=silent_server, cache_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match="unreachable") as caught:
        build(MlxQwen3Options(), hub).load()
    assert "transcription.mlx_qwen3.model" in str(caught.value)


@pytest.mark.parametrize(("shared_s", "own_s"), [(0.3, 9.0), (9.0, 0.3)])
def test_the_smaller_of_the_two_hub_timeouts_holds_and_no_other_engine_waits_again(
    silent_server: str, tmp_path: Path, shared_s: float, own_s: float
) -> None:
    settings = TranscriptionSettings.model_validate(
        {
            "engines": ["mlx_qwen3", "faster_whisper"],
            "slow_engine": "use",
            "mlx_qwen3": {"hub_timeout_s": own_s},
            "faster_whisper": {"model": "owner/in-no-package", "revision": "0" * 40},
        }
    )
    hub = Hub(allow_download=True, timeout_s=shared_s, endpoint=silent_server, cache_dir=tmp_path)
    began = time.monotonic()
    with pytest.raises(ModelUnavailable, match="unreachable"):
        ENGINES["mlx_qwen3"](settings, hub).load()
    with pytest.raises(ModelUnavailable, match="unreachable"):
        ENGINES["faster_whisper"](settings, hub).load()
    assert time.monotonic() - began < 8.0


def test_weights_over_the_memory_limit(checkpoint: Path) -> None:
    with pytest.raises(ModelUnavailable, match="max_memory_gb"):
        build(MlxQwen3Options(model=str(checkpoint), max_memory_gb=0.03)).load()


def test_peak_memory_stays_below_the_limit(checkpoint: Path) -> None:
    """And the batch with it: at the tighter limit fewer rows run together."""
    requests = [request(str(i), speech_like(i, 6.0)) for i in range(24)]
    rows = []
    for limit_gb in (0.08, 1.0):
        batch = Batch(checkpoint, max_memory_gb=limit_gb, batch_size=24, max_new_tokens=4)
        mx.clear_cache()
        mx.reset_peak_memory()
        scheduler = batch.scheduler()
        cached = 0
        for result in scheduler.run(requests):
            assert result.error is None
            cached = max(cached, batch.machine.cache.nbytes)
        assert mx.get_peak_memory() + cached <= limit_gb * 2**30
        rows.append(scheduler.seconds.peak_rows)
    assert 1 <= rows[0] < rows[1]


def test_quantised_checkpoint_saved_by_the_package(checkpoint: Path, tmp_path: Path) -> None:
    """An 8-bit checkpoint on disk loads as it is, and is not quantised twice."""
    from mlx.utils import tree_flatten
    from mlx_qwen3_asr.convert import quantize_model
    from mlx_qwen3_asr.load_models import load_model

    folder = copy_of(checkpoint, tmp_path)
    model, _ = load_model(str(checkpoint), dtype=mx.float32)
    quantize_model(model, bits=8, group_size=32)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    batch = Batch(folder)
    assert batch.loaded.bits == 8
    item = request("a", speech_like(4, 2.0))
    assert batch.tokens([item]) == Batch(checkpoint, quantize_bits=8, quantize_group_size=32).tokens([item])
    with pytest.raises(ModelUnavailable, match="already quantised"):
        build(MlxQwen3Options(model=str(folder), quantize_bits=4)).load()


@pytest.mark.parametrize(
    ("reply", "language", "expected"),
    [
        ("language English<asr_text>hello there", None, ("en", "hello there")),
        ("language French<asr_text>bonjour", None, ("fr", "bonjour")),
        ("language None<asr_text>", None, (None, "")),
        ("hello there", "en", ("en", "hello there")),
        ("language German<asr_text>hello", "en", ("en", "hello")),
        ("", None, (None, "")),
    ],
)
def test_reply(checkpoint: Path, reply: str, language: str | None, expected: tuple[str | None, str]) -> None:
    from mlx_qwen3_asr.tokenizer import Tokenizer

    tokenizer = Tokenizer(str(checkpoint))
    tokens = tokenizer.encode(reply)
    parsed = Prompter(tokenizer).parse(tokens, language)
    assert (parsed.language, parsed.text) == expected
    assert tokenizer.decode(tokens[parsed.text_tokens]) == reply.rpartition("<asr_text>")[2]


def test_prompt_is_the_packages_own(checkpoint: Path) -> None:
    from mlx_qwen3_asr.tokenizer import Tokenizer

    tokenizer = Tokenizer(str(checkpoint))
    prompt = Prompter(tokenizer).prompt("Zürich <|audio_pad|> account", "fr")
    whole = [*prompt.prefix, *[tokenizer.AUDIO_TOKEN_ID] * 7, *prompt.suffix]
    assert whole == tokenizer.build_prompt_tokens(7, language="French", context="Zürich <|audio_pad|> account")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"revision": None}, "is empty but"),
        ({"model": "Qwen/Qwen3-ASR-1.7B"}, "not of `model`"),
        ({"aligner_revision": None}, "aligner_revision"),
        ({"revision": "main"}, "revision"),
        ({"quantize_bits": 3}, "quantize_bits"),
    ],
)
def test_impossible_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MlxQwen3Options.model_validate(settings)


def test_slow_blas_is_told_with_its_remedy() -> None:
    slow = report("cpu", 4.0, 20.0)
    assert slow.slow
    assert "LD_PRELOAD" in slow.message
    assert "faster_whisper" in slow.message
    assert not report("cpu", 220.0, 20.0).slow
    measured = blas_probe(budget_ms=5)
    assert measured.gflops is None or measured.gflops > 0


def test_features_of_many_segments_are_the_packages_of_each() -> None:
    from mlx_qwen3_asr.audio import compute_features

    segments = [speech_like(seed, seconds) for seed, seconds in enumerate((0.0126, 0.3, 1.0, 2.345, 0.99994))]
    segments.append(10 * segments[3])
    found = mel_features(segments, mx.float32)
    for samples, features in zip(segments, found, strict=True):
        alone = np.array(compute_features(samples)[0][0])
        assert features.shape == alone.shape
        np.testing.assert_allclose(np.array(features), alone, atol=2e-5)


def test_features_of_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="200 samples are too few"):
        mel_features([np.zeros(16_000, np.float32), np.zeros(200, np.float32)], mx.float32)
