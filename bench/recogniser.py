"""The batched Qwen3-ASR engine against the package's own sequential transcribe.

Same weights (seeded random ones at the published shapes; speed does not depend on their values), same audio, same
token counts, one run, one process. On Linux, OpenBLAS is preloaded where it is installed, as operations.md advises.
The reference BLAS is measured in a second process, at the small shape only, since batching gains nothing on it.

    python -m bench.recogniser                 the 0.6B shape, about five minutes on two quiet cores, 8 GB
    python -m bench.recogniser --shape small   a quick look

`python -m bench.recogniser_gpu` is for a GPU.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.options import options_of

if TYPE_CHECKING:
    from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Kernels

TOKENS_PER_S = 3.0
"""Qwen3-ASR writes about three tokens a second of English telephone speech."""
LENGTHS_S = {
    "0.6b": (20, 17, 14, 12, 10, 9, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.5, 2),
    "1.7b": (20, 17, 14, 12, 10, 9, 8, 7, 6, 5, 4.5, 4, 3.5, 3, 2.5, 2),
    "small": (20, 14, 10, 8, 6, 5, 4, 3),
}
STAGES = ("features", "encoder", "prefill", "decode", "host")
OPENBLAS = tuple(f"/usr/lib/{machine}-linux-gnu/openblas-pthread/libopenblas.so.0" for machine in ("x86_64", "aarch64"))


@dataclass(frozen=True)
class Bench:
    """What both sides run on."""

    model: Any
    tokenizer_folder: Path
    audio: list[npt.NDArray[np.float32]]
    dtype: Any


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--shape", choices=("0.6b", "1.7b", "small"), default="0.6b")
    parser.add_argument("--precision", choices=("auto", "float32", "float16", "bfloat16"), default="auto")
    parser.add_argument("--batch-size", type=int, help="16 on a CPU, 64 on a GPU")
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of the batched side (the sequential side runs once)"
    )
    parser.add_argument("--max-memory-gb", type=float, default=8.0)
    parser.add_argument("--blas", choices=("openblas", "as-is"), default="openblas", help="Linux CPU only")
    parser.add_argument("--no-reference", action="store_true", help="leave out the run on the reference BLAS")
    arguments = parser.parse_args()
    if arguments.blas == "openblas":
        _put_openblas_in_front()
    result = measure(arguments)
    if sys.platform == "linux" and arguments.blas == "openblas" and not arguments.no_reference:
        result["reference_blas"] = _on_reference_blas()
    print(json.dumps(result))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.kernels.blas import blas_probe

    probe = blas_probe()
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        audio = [noise_bursts(rng, float(seconds)) for seconds in LENGTHS_S[arguments.shape]]
        bench = prepare(arguments.shape, arguments.precision, Path(folder), audio)
        audio_s = sum(len(samples) for samples in bench.audio) / 16_000
        print(f"{arguments.shape} shape, {bench.dtype}, {mx.default_device()}; {probe.message}")
        print(f"{len(bench.audio)} segments, {audio_s:.0f} s of audio, {TOKENS_PER_S:g} tokens a second")
        engine = Batched(bench, arguments.batch_size, arguments.max_memory_gb)
        engine.run(bench.audio[-2:])  # compiles the kernels
        batched = [engine.run(bench.audio) for _ in range(arguments.repeats)]
        spent = time.process_time()
        sequential_s, sequential_tokens = sequential(bench)
        spent = time.process_time() - spent
        growth = _growth(engine)
    total = [run["total_s"] for run in batched]
    if any(run["tokens"] != sequential_tokens for run in batched):
        print("! the two sides disagree on tokens")
    middle = statistics.median(total)
    chosen = min(batched, key=lambda run: abs(run["total_s"] - middle))
    ratios = [sum(sequential_s) / value for value in total]
    stages = {name: round(chosen[name], 3) for name in STAGES}
    result = {
        "bench": "recogniser",
        "shape": arguments.shape,
        "dtype": str(bench.dtype),
        "device": str(mx.default_device()),
        "gflops": probe.gflops and round(probe.gflops),
        "audio_s": audio_s,
        "tokens": sum(len(tokens) for tokens in sequential_tokens.values()),
        "same_tokens": all(run["tokens"] == sequential_tokens for run in batched),
        "sequential_rtf": round(sum(sequential_s) / audio_s, 4),
        "batched_rtf": round(middle / audio_s, 4),
        "ratio_median": round(statistics.median(ratios), 2),
        "ratio_spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "ratio_cpu_seconds": round(spent / statistics.median(run["cpu_s"] for run in batched), 2),
        "stages_s": stages,
        "growth": growth,
        "peak_memory_gb": round(_peak_gb(), 2),
    }
    _table(result)
    return result


def _table(result: dict[str, Any]) -> None:
    low, high = result["ratio_spread"]
    print(f"sequential  RTF {result['sequential_rtf']:.3f}")
    print(
        f"batched     RTF {result['batched_rtf']:.3f}   {result['ratio_median']:.2f} x faster ({low:.2f} to {high:.2f})"
    )
    print(f"            {result['ratio_cpu_seconds']:.2f} x less processor time (holds on a busy machine too)")
    total = sum(result["stages_s"].values())
    for name, seconds in result["stages_s"].items():
        print(f"  {name:9s} {seconds:8.2f} s  {100 * seconds / total:4.0f} %")
    for rows, seconds in result["growth"].items():
        print(f"  step of {rows:>3s} rows {1000 * seconds:8.1f} ms  {1000 * seconds / int(rows):7.2f} ms a token")
    print(f"peak memory {result['peak_memory_gb']:.2f} GB, same tokens: {result['same_tokens']}")


class Batched:
    """The engine's parts over weights already in memory."""

    def __init__(
        self, bench: Bench, batch_size: int | None, max_memory_gb: float, kernels: Kernels | None = None
    ) -> None:
        from mlx_qwen3_asr.tokenizer import Tokenizer

        from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
        from pipeline.transcription.engines.mlx_qwen3.device import kernels_for_device, limits_of
        from pipeline.transcription.engines.mlx_qwen3.loading import LoadedModel, weight_bytes
        from pipeline.transcription.engines.mlx_qwen3.machine import Qwen3Machine
        from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter

        class Machine(Qwen3Machine):
            """Ends every segment after the same number of tokens on both sides."""

            def token_limit(self, audio_s: float) -> int:
                return tokens_of(audio_s)

        self._tokenizer = _Recorder(Tokenizer(str(bench.tokenizer_folder)))
        loaded = LoadedModel(
            model=bench.model,
            tokenizer=self._tokenizer,
            dtype=bench.dtype,
            folder=bench.tokenizer_folder,
            weight_bytes=weight_bytes(bench.model),
            bits=None,
        )
        options = MlxQwen3Options(model=str(bench.tokenizer_folder), max_memory_gb=max_memory_gb, batch_size=batch_size)
        kernels = kernels or kernels_for_device(bench.dtype)
        self.machine = Machine(loaded, options, kernels)
        self._prompter = Prompter(self._tokenizer)
        self._limits = replace(limits_of(options, kernels), segment_time_s=3600.0)
        self.groups = self._limits.groups

    def run(self, audio: Sequence[npt.NDArray[np.float32]]) -> dict[str, Any]:
        from pipeline.transcription.engine import SegmentRequest
        from pipeline.transcription.engines.mlx_qwen3.scheduler import Scheduler

        scheduler = Scheduler(self.machine, self._prompter, self._limits)
        tokens: dict[str, tuple[int, ...]] = {}
        began, spent = time.perf_counter(), time.process_time()
        requests = [SegmentRequest(key=str(i), samples=samples, language="en") for i, samples in enumerate(audio)]
        for result in scheduler.run(requests):
            if result.error:
                raise RuntimeError(result.error)
            tokens[result.key] = self._tokenizer.last
        total = time.perf_counter() - began
        spent = time.process_time() - spent
        return {"total_s": total, "cpu_s": spent, "tokens": tokens, "steps": scheduler.seconds.steps} | {
            name: getattr(scheduler.seconds, name) for name in STAGES
        }


class _Recorder:
    """A tokenizer that remembers the ids it decoded last."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.last: tuple[int, ...] = ()

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        self.last = tuple(ids)
        return str(self._tokenizer.decode(ids, skip_special_tokens=skip_special_tokens))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


def sequential(bench: Bench) -> tuple[list[float], dict[str, tuple[int, ...]]]:
    """Seconds per segment and tokens by key, from the package's Session."""
    from mlx_qwen3_asr import Session

    session = Session(bench.model, dtype=bench.dtype, tokenizer_model=str(bench.tokenizer_folder))
    recorder: Any = _Recorder(session.tokenizer)
    session.tokenizer = recorder
    session.transcribe(bench.audio[-1], language="en", max_new_tokens=2)
    seconds: list[float] = []
    tokens: dict[str, tuple[int, ...]] = {}
    for index, samples in enumerate(bench.audio):
        began = time.perf_counter()
        session.transcribe(samples, language="en", max_new_tokens=tokens_of(len(samples) / 16_000))
        seconds.append(time.perf_counter() - began)
        tokens[str(index)] = recorder.last
    return seconds, tokens


def _growth(engine: Batched, steps: int = 4) -> dict[str, float]:
    """Seconds of one decoding step by rows, each row 280 tokens into its segment."""
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.decoding import NewRow
    from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt

    decoder = engine.machine.decoder
    width = engine.machine.width
    found: dict[str, float] = {}
    for rows in (1, 2, 4, 8, 16, 32):
        row = NewRow(Prompt(tuple(range(275)), (4, 5)), mx.random.normal((3, width)) * 0.1)
        slots, _, _ = decoder.prefill([row] * rows)
        times = []
        for _ in range(steps + 1):
            began = time.perf_counter()
            decoder.finish(decoder.begin(np.zeros(len(decoder.cache.batch), np.int64)))
            times.append(time.perf_counter() - began)
        decoder.release(slots)
        found[str(rows)] = round(statistics.median(times[1:]), 5)
    return found


def tokens_of(audio_s: float) -> int:
    """Tokens decoded for a segment on either side."""
    return max(3, math.ceil(TOKENS_PER_S * audio_s))


def prepare(shape: str, precision: str, folder: Path, audio: list[npt.NDArray[np.float32]]) -> Bench:
    """Seeded weights at a published shape, and a tokenizer for them in `folder`."""
    import mlx.core as mx
    from mlx.utils import tree_map
    from mlx_qwen3_asr.model import Qwen3ASRModel

    from pipeline.transcription.engines.mlx_qwen3.loading import choose_dtype

    mx.random.seed(20)
    model = Qwen3ASRModel(_config(shape))
    dtype = choose_dtype(precision)
    model.update(tree_map(lambda value: value.astype(dtype), model.parameters()))
    for layer in model.model.layers:  # so that the audio is heard and the tokens do not fall into a loop
        layer.self_attn.v_proj.weight = layer.self_attn.v_proj.weight * 4
        layer.self_attn.o_proj.weight = layer.self_attn.o_proj.weight * 4
    model.lm_head.weight = model.model.embed_tokens.weight
    mx.eval(model.parameters())
    model.eval()
    save_tokenizer(folder)
    return Bench(model=model, tokenizer_folder=folder, audio=audio, dtype=dtype)


def _config(shape: str) -> Any:
    from mlx_qwen3_asr.config import AudioEncoderConfig, Qwen3ASRConfig, TextDecoderConfig

    if shape == "0.6b":
        return Qwen3ASRConfig.for_0_6b()
    if shape == "1.7b":
        return Qwen3ASRConfig.for_1_7b()
    audio = AudioEncoderConfig(
        encoder_layers=4,
        encoder_attention_heads=4,
        encoder_ffn_dim=1024,
        d_model=256,
        output_dim=384,
        downsample_hidden_size=96,
    )
    text = TextDecoderConfig(
        hidden_size=384, intermediate_size=1152, num_hidden_layers=8, num_attention_heads=6, num_key_value_heads=2
    )
    return Qwen3ASRConfig(audio_config=audio, text_config=text)


def save_tokenizer(folder: Path) -> None:
    from mlx_qwen3_asr.tokenizer import _bytes_to_unicode

    vocab = {character: index for index, character in enumerate(_bytes_to_unicode().values())}
    (folder / "vocab.json").write_text(json.dumps(vocab), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")
    names = {151643: "<|endoftext|>", 151644: "<|im_start|>", 151645: "<|im_end|>", 151704: "<asr_text>"}
    added = {str(token): {"content": name, "special": token < 151700} for token, name in names.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}), "utf-8")


def noise_bursts(rng: np.random.Generator, seconds: float) -> npt.NDArray[np.float32]:
    """Noise whose loudness changes every 0.1 s, 16 kHz."""
    n = int(seconds * 16_000)
    envelope = np.repeat(rng.uniform(0, 0.2, n // 1600 + 1), 1600)[:n]
    return (envelope * rng.normal(size=n)).astype(np.float32)


def _put_openblas_in_front() -> None:
    """Start again with OpenBLAS preloaded, on a Linux machine that has it."""
    found = next((path for path in OPENBLAS if Path(path).exists()), None)
    if sys.platform != "linux" or found is None or found in os.environ.get("LD_PRELOAD", ""):
        return
    os.execve(
        sys.executable, [sys.executable, "-m", "bench.recogniser", *sys.argv[1:]], os.environ | {"LD_PRELOAD": found}
    )


def _on_reference_blas() -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [sys.executable, "-m", "bench.recogniser", "--shape", "small", "--blas", "as-is", "--repeats", "1"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"reference BLAS, small shape: {found['gflops']} GFLOP/s, {found['ratio_median']:.2f} x faster")
    return {name: found[name] for name in ("shape", "gflops", "ratio_median", "sequential_rtf", "batched_rtf")}


def _peak_gb() -> float:
    """Peak resident memory of this process, 10**9 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9


if __name__ == "__main__":
    main()
