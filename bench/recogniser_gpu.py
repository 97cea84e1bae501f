"""The batched Qwen3-ASR engine on a GPU: stages, steps and prefill by rows, the package's loop, PyTorch.

Seeded random weights at a published shape; every side gets the same segments, transcribes the same number of tokens
and computes in the same type. Each side runs in a process of its own. It is run once to warm up (compiled kernels,
plans of cuDNN), then timed three times: the table gives the median and, in brackets, the least and the most.

    python -m bench.recogniser_gpu                    0.6B in bfloat16: all parts, never yet timed as a whole
    python -m bench.recogniser_gpu --shape 1.7b       the larger model
    python -m bench.recogniser_gpu --part numerics    how far tokens and logits differ, and why

The rows of `transformers` need PyTorch with CUDA. Its features are made outside of the time; ours are in it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.recogniser import LENGTHS_S, STAGES, Batched, Bench, noise_bursts, prepare, sequential, tokens_of

PARTS = ("ours", "package", "transformers", "numerics", "numerics_tf32_off")
REPEATS = 3
EQUAL_S = 8.0
MEMORY_GB = 24.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=tuple(LENGTHS_S), default="0.6b")
    parser.add_argument("--precision", choices=("float32", "float16", "bfloat16"), default="bfloat16")
    parser.add_argument("--rows", default="16,64,128", help="segments decoded together, comma-separated")
    parser.add_argument("--part", choices=PARTS, help="one side alone; all, one after the other, if left out")
    arguments = parser.parse_args()
    if arguments.part is None:
        found = {part: _in_a_process(part) for part in PARTS}
        print(json.dumps({"bench": "recogniser_gpu", "shape": arguments.shape, "parts": found}))
        return
    with tempfile.TemporaryDirectory() as folder:
        result = _SIDES[arguments.part](arguments, Path(folder))
    print(json.dumps(result))


def _in_a_process(part: str) -> Any:
    """A side's result; its lines are passed on."""
    switches = {"numerics_tf32_off": {"MLX_ENABLE_TF32": "0"}}.get(part, {})
    command = [sys.executable, "-m", "bench.recogniser_gpu", "--part", part, *sys.argv[1:]]
    done = subprocess.run(command, env=os.environ | switches, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines() or ["{}"]
    print("\n".join(lines[:-1]), flush=True)
    if done.returncode:
        print(f"{part}: left out, exit {done.returncode}", flush=True)
        return None
    return json.loads(lines[-1])


def equal_segments(count: int) -> list[npt.NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return [noise_bursts(rng, EQUAL_S) for _ in range(count)]


def mixed_segments(count: int) -> list[npt.NDArray[np.float32]]:
    """2 to 20 s, as `bench.recogniser` has them, no two alike."""
    rng = np.random.default_rng(2)
    lengths = LENGTHS_S["0.6b"]
    return [noise_bursts(rng, float(lengths[index % len(lengths)])) for index in range(count)]


def seconds_of(audio: Sequence[npt.NDArray[np.float32]]) -> float:
    return sum(len(samples) for samples in audio) / 16_000


def timed(work: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """Seconds of each repeat, after one that is not counted."""
    work()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found


def spread(values: Sequence[float], digits: int = 1) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _ours(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    import mlx.core as mx

    bench = prepare(arguments.shape, arguments.precision, folder, [])
    rows = [int(count) for count in arguments.rows.split(",")]
    result: dict[str, Any] = {"device": str(mx.default_device())}
    for name, segments in (("equal", equal_segments), ("mixed", mixed_segments)):
        for count in rows:
            audio = segments(count if name == "equal" else 2 * count)
            engine = Batched(bench, count, MEMORY_GB)
            runs: list[dict[str, Any]] = []
            timed(lambda engine=engine, audio=audio, runs=runs: runs.append(engine.run(audio)))  # type: ignore[misc]
            rates = [seconds_of(audio) / run["total_s"] for run in runs[1:]]
            middle = sorted(runs[1:], key=lambda run: run["total_s"])[len(runs[1:]) // 2]
            stages = {stage: round(1000 * middle[stage], 1) for stage in STAGES}
            print(
                f"ours, {name:5s} {len(audio):3d} segments, {count:3d} rows: {spread(rates, 0):>22s} × real time; ms: "
                + ", ".join(f"{stage} {value:.0f}" for stage, value in stages.items())
                + f"; {middle['steps']} steps",
                flush=True,
            )
            result[f"{name}_{count}"] = {"rate": rates, "stages_ms": stages, "steps": middle["steps"]}
            del engine
            mx.clear_cache()
    engine = Batched(bench, max(rows), MEMORY_GB)
    result |= _steps(engine, (1, *rows)) | _prefills(engine, (1, 16, 64))
    return result


def _steps(engine: Batched, counts: Sequence[int], steps: int = 24) -> dict[str, Any]:
    """A decoding step by rows, each row 280 tokens in: waited for each time, and the next begun before."""
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.decoding import NewRow
    from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt
    from pipeline.transcription.engines.mlx_qwen3.scheduler import OWN_LAST

    decoder = engine.machine.decoder
    found: dict[str, Any] = {}
    for count in counts:
        audio = mx.random.normal((3, engine.machine.width)) * 0.1
        slots, _, _ = decoder.prefill([NewRow(Prompt(tuple(range(275)), (4, 5)), audio)] * count)

        def waited() -> None:
            decoder.finish(decoder.begin(np.zeros(len(decoder.cache.batch), np.int64)))

        each = timed(waited, steps)
        ahead: list[float] = []
        begun = decoder.begin(np.zeros(len(decoder.cache.batch), np.int64))
        for _ in range(steps):
            began = time.perf_counter()
            following = decoder.begin(np.full(len(decoder.cache.batch), OWN_LAST))
            decoder.finish(begun)
            begun = following
            ahead.append(time.perf_counter() - began)
        decoder.finish(begun)
        decoder.release(slots)
        found[str(count)] = {"waited_ms": statistics.median(each) * 1e3, "ahead_ms": statistics.median(ahead) * 1e3}
        print(
            f"step of {count:3d} rows: {spread([1e3 * s for s in each], 2)} ms waited for, "
            f"{spread([1e3 * s for s in ahead], 2)} ms with the next begun before",
            flush=True,
        )
    return {"steps": found}


def _prefills(engine: Batched, counts: Sequence[int]) -> dict[str, Any]:
    """New segments of 8 s (104 audio tokens), their context read before, into a cache that holds as many."""
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.decoding import NewRow
    from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt

    decoder = engine.machine.decoder
    found: dict[str, Any] = {}
    for name, audio_tokens in (("8 s", 104), ("5 tokens", 3)):
        for count in counts:
            audio = mx.random.normal((audio_tokens, engine.machine.width)) * 0.1
            row = NewRow(Prompt(tuple(range(20)), (4, 5)), audio)

            def once(row: NewRow = row, count: int = count) -> None:
                slots, _, _ = decoder.prefill([row] * count)
                decoder.release(slots)

            each = [1e3 * s for s in timed(once, 5)]
            found[f"{count}, {name}"] = each
            print(f"prefill of {count:3d} new segments ({name}): {spread(each)} ms", flush=True)
    return {"prefill_ms": found}


def _package(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Eight of the mixed segments. It meets each shape once before it is timed, and that takes it longest."""
    bench = prepare(arguments.shape, arguments.precision, folder, mixed_segments(16)[4:12])
    rates = [seconds_of(bench.audio) / sum(sequential(bench)[0]) for _ in range(1 + REPEATS)]
    print(
        f"package, one by one, {len(bench.audio)} of the mixed segments: {spread(rates[1:], 0)} × real time, "
        f"{rates[0]:.0f} at their first meeting",
        flush=True,
    )
    return {"first_meeting": rates[0], "rate": rates[1:]}


def _transformers(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    import torch

    bench = prepare(arguments.shape, arguments.precision, folder, [])
    model = torch_model(bench, getattr(torch, arguments.precision), "cuda")
    prompt = _prompt(bench)
    del bench
    result: dict[str, Any] = {}
    for name, segments in (("equal", equal_segments), ("mixed", mixed_segments)):
        for count in (64, 128):
            audio = sorted(segments(count if name == "equal" else 2 * count), key=lambda samples: -len(samples))
            batches = [torch_inputs(audio[a : a + count], prompt, model) for a in range(0, len(audio), count)]
            most = [tokens_of(len(audio[a]) / 16_000) for a in range(0, len(audio), count)]

            def once(batches: list[dict[str, Any]] = batches, most: list[int] = most) -> None:
                for batch, tokens in zip(batches, most, strict=True):
                    with torch.inference_mode():
                        model.generate(
                            **batch, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
                        )
                torch.cuda.synchronize()

            rates = [seconds_of(audio) / s for s in timed(once)]
            what = f"transformers, {name:5s} {len(audio):3d} segments, {count:3d} rows"
            print(f"{what}: {spread(rates, 0):>22s} × real time", flush=True)
            result[f"{name}_{count}"] = rates
    return result


def _prompt(bench: Bench) -> Any:
    from mlx_qwen3_asr.tokenizer import Tokenizer

    from pipeline.transcription.engines.mlx_qwen3.prompts import Prompter

    return Prompter(Tokenizer(str(bench.tokenizer_folder))).prompt("", "en")


def torch_model(bench: Bench, dtype: Any, device: str) -> Any:
    """The same weights in the architecture of `transformers`."""
    import mlx.core as mx
    import torch
    import transformers
    from mlx.utils import tree_flatten

    config = bench.model.config
    audio, text = config.audio_config, config.text_config
    theirs = transformers.Qwen3ASRConfig(
        audio_config={
            "model_type": "qwen3_asr_encoder",
            **{
                name: getattr(audio, name)
                for name in (
                    "num_mel_bins", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "d_model",
                    "output_dim", "n_window", "n_window_infer", "downsample_hidden_size",
                )
            },
        },
        text_config={
            "model_type": "qwen3",
            "max_position_embeddings": 4096,
            "rope_parameters": {"rope_type": "default", "rope_theta": text.rope_theta},
            **{
                name: getattr(text, name)
                for name in (
                    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                    "num_key_value_heads", "head_dim", "rms_norm_eps", "attention_bias", "tie_word_embeddings",
                )
            },
        },
    )  # fmt: skip
    with torch.device(device):
        model: Any = transformers.Qwen3ASRForConditionalGeneration(theirs)
    leaves: Any = tree_flatten(bench.model.parameters())
    weights = {}
    for name, value in leaves:
        array = np.array(value.astype(mx.float32))
        if "conv2d" in name and array.ndim == 4:
            array = array.transpose(0, 3, 1, 2)
        weights[_torch_name(name)] = torch.from_numpy(np.ascontiguousarray(array))
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected:
        raise RuntimeError(f"weights that transformers does not know: {unexpected[:3]}")
    if any("positional" not in name for name in missing):
        raise RuntimeError(f"weights of transformers that MLX does not have: {missing[:3]}")
    model = model.to(dtype=dtype)
    return model.eval()


def _torch_name(name: str) -> str:
    for old, new in (
        ("audio_tower.proj1", "model.multi_modal_projector.linear_1"),
        ("audio_tower.proj2", "model.multi_modal_projector.linear_2"),
        ("audio_tower.", "model.audio_tower."),
        ("model.", "model.language_model."),
    ):
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name


def torch_inputs(audio: Sequence[npt.NDArray[np.float32]], prompt: Any, model: Any) -> dict[str, Any]:
    """Features and prompt tokens of a batch, prompts padded on the left."""
    import torch
    from mlx_qwen3_asr.audio import compute_features

    from pipeline.transcription.engines.mlx_qwen3.encoding import conv_length

    features = [np.array(compute_features(samples)[0][0]) for samples in audio]
    longest = -(-max(mel.shape[1] for mel in features) // 100) * 100
    padded = np.stack([np.pad(mel, ((0, 0), (0, longest - mel.shape[1]))) for mel in features])
    frames = np.array([mel.shape[1] for mel in features])
    ids = []
    for count in frames:
        tokens = 13 * (count // 100) + conv_length(int(count % 100))
        ids.append([*prompt.prefix, *[model.config.audio_token_id] * int(tokens), *prompt.suffix])
    width = max(len(row) for row in ids)
    tensor = torch.tensor([[0] * (width - len(row)) + row for row in ids])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in ids])
    return {
        "input_ids": tensor.to(model.device),
        "attention_mask": mask.to(model.device),
        "input_features": torch.from_numpy(padded).to(device=model.device, dtype=model.dtype),
        "input_features_mask": torch.from_numpy((np.arange(longest)[None] < frames[:, None]).astype(np.int64)).to(
            model.device
        ),
    }


def _numerics(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Tokens against the package's, and the logits of each prompt against PyTorch in float32 on the CPU's terms."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    result: dict[str, Any] = {"tf32": os.environ.get("MLX_ENABLE_TF32", "1") != "0"}
    audio = mixed_segments(16)
    for precision in ("float32", "bfloat16"):
        bench = prepare(arguments.shape, precision, folder, audio)
        keeper = _keeper(bench.dtype)
        ours = Batched(bench, 16, MEMORY_GB, keeper)
        tokens = ours.run(audio)["tokens"]
        first = [np.array(kept) for kept in keeper.first]
        gaps = [np.array(gap) for gap in keeper.gaps]
        order = sorted(range(len(audio)), key=lambda index: -len(audio[index]))
        _, theirs = sequential(bench)
        alone = {
            str(i): Batched(bench, 1, MEMORY_GB, _keeper(bench.dtype)).run([x])["tokens"]["0"]
            for i, x in list(enumerate(audio))[::4]
        }
        model = torch_model(bench, torch.float32, "cuda")
        prompt = _prompt(bench)
        logits = []
        for index in order:
            with torch.inference_mode():
                found = model(**torch_inputs([audio[index]], prompt, model), logits_to_keep=1).logits
            logits.append(found[0, -1].float().cpu().numpy())
        reference = np.stack(logits)
        ours_first = np.concatenate(first)[: len(order)]
        error = float(np.linalg.norm(ours_first - reference) / np.linalg.norm(reference))
        widest = float(np.abs(ours_first - reference).max() / reference.std())
        differing = []
        for place, index in enumerate(order):
            a, b = tokens[str(index)], theirs[str(index)]
            if a != b:
                step = next(k for k in range(min(len(a), len(b))) if a[k] != b[k])
                seen = step < len(gaps) and place < len(gaps[step])
                differing.append(round(float(gaps[step][place] / reference.std()), 5) if seen else None)
        typical = float(np.median(gaps[0] / reference.std()))
        key = f"{precision}"
        result[key] = {
            "equal": len(audio) - len(differing), "of": len(audio), "logits_error": error, "logits_widest": widest,
            "gap_where_different": differing, "typical_gap": typical,
            "alone_equal": sum(alone[k] == tokens[k] for k in alone), "alone": len(alone),
        }  # fmt: skip
        print(f"numerics {precision}, TF32 {result['tf32']}: {result[key]}", flush=True)
        del model, ours, bench
        torch.cuda.empty_cache()
    return result


def _keeper(dtype: Any) -> Any:
    """Kernels that keep the logits of prefills, and at each step how far the best is above the second."""
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.kernels.gpu import GpuKernels

    class Keeper(GpuKernels):
        def __init__(self) -> None:
            super().__init__(dtype, compile_steps=False)
            self.first: list[Any] = []
            self.gaps: list[Any] = []

        def pick(self, logits: Any) -> tuple[Any, Any]:
            wide = logits.astype(mx.float32)
            if not self.gaps:
                self.first.append(wide)
            best = mx.topk(wide, 2, axis=-1)
            self.gaps.append(mx.abs(best[:, 1] - best[:, 0]))
            return super().pick(logits)

    return Keeper()


_SIDES: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "ours": _ours,
    "package": _package,
    "transformers": _transformers,
    "numerics": _numerics,
    "numerics_tf32_off": _numerics,
}


if __name__ == "__main__":
    main()
