"""The batched Qwen3-ASR engine on a GPU beside the package's loop and PyTorch, in a budget of seconds.

Seeded random weights at a published shape; every side hears the same segments, transcribes the same number of tokens
and computes in the same type. Each side is a process of its own. A row is run once to warm up (compiled kernels, plans
of cuDNN), then timed three times: the table gives the median and, in brackets, the least and the most.

    python -m bench.recogniser_gpu                    0.6B in bfloat16
    python -m bench.recogniser_gpu --shape 1.7b       the larger model
    python -m bench.recogniser_gpu --sides numerics,numerics_tf32_off     how far tokens and logits differ, and why

Rows are in order of what they are worth, the shortest first. At the end of `--budget-s` what is under way is killed; it
and what was not begun is said as not measured. The rows `encoder chunks` and `prefill rows` change one setting of the
device each: the best of them belongs in `kernels/gpu.py`. The rows of `transformers` and `numerics` need PyTorch; the
features of `transformers` are made outside of the time, ours are in it.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.options import options_of
from bench.recogniser import LENGTHS_S, STAGES, Batched, Bench, noise_bursts, prepare, sequential, tokens_of
from pipeline.children.worker import TaskServer, Worker
from pipeline.errors import EarshotError, StageTimeout

REPEATS = 3
EQUAL_S = 8.0
MEMORY_GB = 24.0
READY = ""
"""To a side: be ready."""
SWEPT_AT = "mixed 64"
CHUNKS, PREFILLS = (8, 16, 32, 128), (8, 16, 32)
"""Beside the settings of the device."""
ROWS: tuple[tuple[str, str], ...] = (
    *((side, "mixed 16") for side in ("ours", "transformers", "package")),
    *((side, "equal 64") for side in ("ours", "transformers")),
    ("ours", "step 64"),
    ("ours", "prefill 16"),
    ("ours", "mixed 64"),
    ("transformers", "mixed 64"),
    *((side, "equal 128") for side in ("ours", "transformers")),
    *(("ours", f"encoder chunks {count}") for count in CHUNKS),
    *(("ours", f"prefill rows {count}") for count in PREFILLS),
    *(("ours", name) for name in ("step 1", "step 16", "step 128", "prefill 1", "prefill 64")),
    *((side, "mixed 128") for side in ("ours", "transformers")),
    ("package", "equal 64"),
    *((side, name) for side in ("numerics", "numerics_tf32_off") for name in ("float32", "bfloat16")),
)
"""Side and row: what is worth most first."""


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--shape", choices=tuple(LENGTHS_S), default="0.6b")
    parser.add_argument("--precision", choices=("float32", "float16", "bfloat16"), default="bfloat16")
    parser.add_argument("--budget-s", type=float, default=220.0, help="seconds from begin to end")
    parser.add_argument("--sides", help="comma-separated: ours, transformers, package, numerics, numerics_tf32_off")
    arguments = parser.parse_args()
    chosen = tuple(_SIDES) if arguments.sides is None else tuple(arguments.sides.split(","))
    rows = [row for row in ROWS if row[0] in chosen]

    def open_side(side: str, limit_s: float) -> Worker:
        build = (side, arguments.shape, arguments.precision)
        return Worker(side, build_side, build, limit_s, restarts=0, limit_key="--budget-s")

    found = measure(rows, open_side, arguments.budget_s)
    print(json.dumps({"bench": "recogniser_gpu", "shape": arguments.shape, "precision": arguments.precision, **found}))


def measure(
    rows: Sequence[tuple[str, str]],
    open_side: Callable[[str, float], TaskServer],
    budget_s: float,
    now: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Every row, measured or said as not measured, within `budget_s`.

    Args:
        open_side: a side by its name, and how long it may take to be ready. It takes READY, then names of rows.
    """
    began = now()
    sides: dict[str, TaskServer] = {}
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}

    def left_s() -> float:
        left = budget_s - (now() - began)
        if left <= 0:
            raise StageTimeout("the budget was used up before")
        return left

    try:
        for side, name in rows:
            row = f"{side}, {name}"
            try:
                if side not in sides:
                    sides[side] = open_side(side, left_s())
                sides[side].call(READY, left_s())
                said, found[row] = sides[side].call(name, left_s())
            except EarshotError as error:
                missing[row] = str(error)
                said = f"not measured: {error}"
            print(f"{row:>32s}: {said}", flush=True)
    finally:
        for server in sides.values():
            server.close()
    return {"rows": found, "not_measured": missing, "best": best_of(found), "seconds": round(now() - began, 1)}


def best_of(found: dict[str, Any]) -> dict[str, Any]:
    """Of each setting that was changed the value with the best median, today's among them."""
    today = found.get(f"ours, {SWEPT_AT}")
    if today is None:
        return {}
    best: dict[str, Any] = {}
    for setting in ("encoder chunks", "prefill rows"):
        tried = {row["settings"][setting]: row["rate"] for name, row in found.items() if setting in name}
        rates = {today["settings"][setting]: today["rate"], **tried}
        value = max(rates, key=lambda tried_value: statistics.median(rates[tried_value]))
        best[setting] = {"best": value, "today": today["settings"][setting], "tried": sorted(rates)}
    return best


def build_side(side: str, shape: str, precision: str) -> Callable[[str], tuple[str, Any] | None]:
    """In the side's process: takes a row's name, gives what to print and what was measured."""
    if side == "numerics_tf32_off":
        os.environ["MLX_ENABLE_TF32"] = "0"  # read when MLX is first used
    folder = Path(tempfile.mkdtemp(prefix="earshot-bench-"))  # the tokenizer's files; the process is killed at the end
    built = _SIDES[side](shape, precision, folder)

    def answer(name: str) -> tuple[str, Any] | None:
        return None if name == READY else built(name)

    return answer


def segments(name: str) -> list[npt.NDArray[np.float32]]:
    """Of a row, the same for all sides: `equal 64` are 64 of 8 s; of `mixed 64`, twice as many, 2 to 20 s."""
    kind, count = name.split()
    if kind == "equal":
        return equal_segments(int(count))
    return mixed_segments(16 if count == "16" else 2 * int(count))


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


class _Ours:
    """The engine, with the device's settings or others."""

    def __init__(self, shape: str, precision: str, folder: Path) -> None:
        self._bench = prepare(shape, precision, folder, [])

    def __call__(self, name: str) -> tuple[str, Any]:
        *kind, count = name.split()
        match kind:
            case ["step"]:
                return _step(self._engine(int(count)), int(count))
            case ["prefill"]:
                return _prefill(self._engine(int(count)), int(count))
            case ["encoder", "chunks"]:
                return self._run(SWEPT_AT, conv_chunks=int(count))
            case ["prefill", "rows"]:
                return self._run(SWEPT_AT, groups=int(SWEPT_AT.split()[1]) // int(count))
            case _:
                return self._run(name)

    def _engine(self, rows: int, **settings: int) -> Batched:
        from pipeline.transcription.engines.mlx_qwen3.device import kernels_for_device

        kernels = kernels_for_device(self._bench.dtype)
        for setting, value in settings.items():
            setattr(kernels, setting, value)
        return Batched(self._bench, rows, MEMORY_GB, kernels)

    def _run(self, name: str, **settings: int) -> tuple[str, Any]:
        import mlx.core as mx

        rows, audio = int(name.split()[1]), segments(name)
        engine = self._engine(rows, **settings)
        runs: list[dict[str, Any]] = []
        timed(lambda engine=engine: runs.append(engine.run(audio)))  # type: ignore[misc]
        rates = [seconds_of(audio) / run["total_s"] for run in runs[1:]]
        middle = sorted(runs[1:], key=lambda run: run["total_s"])[len(runs[1:]) // 2]
        stages = {stage: round(1000 * middle[stage], 1) for stage in STAGES}
        used = {"encoder chunks": engine.machine.budget.conv_chunks, "prefill rows": rows // engine.groups}
        del engine
        mx.clear_cache()
        said = (
            f"{spread(rates, 0)} × real time, {len(audio)} segments; ms: "
            + ", ".join(f"{stage} {value:.0f}" for stage, value in stages.items())
            + f"; {middle['steps']} steps; {used}"
        )
        return said, {"rate": rates, "stages_ms": stages, "steps": middle["steps"], "settings": used}


def _step(engine: Batched, count: int, steps: int = 24) -> tuple[str, Any]:
    """A decoding step of so many rows, each 280 tokens in: waited for each time, and the next begun before."""
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.decoding import NewRow
    from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt
    from pipeline.transcription.engines.mlx_qwen3.scheduler import OWN_LAST

    decoder = engine.machine.decoder
    audio = mx.random.normal((3, engine.machine.width)) * 0.1
    slots, _, _ = decoder.prefill([NewRow(Prompt(tuple(range(275)), (4, 5)), audio)] * count)

    def waited() -> None:
        decoder.finish(decoder.begin(np.zeros(len(decoder.cache.batch), np.int64)))

    each = [1e3 * s for s in timed(waited, steps)]
    ahead: list[float] = []
    begun = decoder.begin(np.zeros(len(decoder.cache.batch), np.int64))
    for _ in range(steps):
        began = time.perf_counter()
        following = decoder.begin(np.full(len(decoder.cache.batch), OWN_LAST))
        decoder.finish(begun)
        begun = following
        ahead.append(1e3 * (time.perf_counter() - began))
    decoder.finish(begun)
    decoder.release(slots)
    said = f"{spread(each, 2)} ms waited for, {spread(ahead, 2)} ms with the next begun before"
    return said, {"waited_ms": statistics.median(each), "ahead_ms": statistics.median(ahead)}


def _prefill(engine: Batched, count: int) -> tuple[str, Any]:
    """New segments of 8 s (104 audio tokens), their context read before, into a cache that holds as many."""
    import mlx.core as mx

    from pipeline.transcription.engines.mlx_qwen3.decoding import NewRow
    from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt

    decoder = engine.machine.decoder
    row = NewRow(Prompt(tuple(range(20)), (4, 5)), mx.random.normal((104, engine.machine.width)) * 0.1)

    def once() -> None:
        slots, _, _ = decoder.prefill([row] * count)
        decoder.release(slots)

    each = [1e3 * s for s in timed(once, 5)]
    return f"{spread(each)} ms of new segments of 8 s", {"ms": each}


class _Package:
    """One segment after the other. It meets each shape once before it is timed, and that takes it longest."""

    def __init__(self, shape: str, precision: str, folder: Path) -> None:
        self._bench = prepare(shape, precision, folder, [])

    def __call__(self, name: str) -> tuple[str, Any]:
        bench = replace(self._bench, audio=segments(name))
        rates = [seconds_of(bench.audio) / sum(sequential(bench)[0]) for _ in range(1 + REPEATS)]
        said = f"{spread(rates[1:], 0)} × real time, {len(bench.audio)} segments, {rates[0]:.0f} at their first meeting"
        return said, {"first_meeting": rates[0], "rate": rates[1:]}


class _Transformers:
    """`generate` over batches of the segments, longest first."""

    def __init__(self, shape: str, precision: str, folder: Path) -> None:
        import torch

        bench = prepare(shape, precision, folder, [])
        self._model = torch_model(bench, getattr(torch, precision), torch_device())
        self._prompt = _prompt(bench)

    def __call__(self, name: str) -> tuple[str, Any]:
        import torch

        count = int(name.split()[1])
        audio = sorted(segments(name), key=lambda samples: -len(samples))
        batches = [torch_inputs(audio[a : a + count], self._prompt, self._model) for a in range(0, len(audio), count)]
        most = [tokens_of(len(audio[a]) / 16_000) for a in range(0, len(audio), count)]

        def once() -> None:
            for batch, tokens in zip(batches, most, strict=True):
                with torch.inference_mode():
                    self._model.generate(
                        **batch, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0
                    )
            if torch.cuda.is_available():
                torch.cuda.synchronize()

        rates = [seconds_of(audio) / s for s in timed(once)]
        return f"{spread(rates, 0)} × real time, {len(audio)} segments", {"rate": rates}


def torch_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


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


class _Numerics:
    """Tokens against the package's, and the logits of each prompt against PyTorch in float32 on the CPU's terms."""

    def __init__(self, shape: str, _precision: str, folder: Path) -> None:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._shape = shape
        self._folder = folder

    def __call__(self, precision: str) -> tuple[str, Any]:
        import torch

        audio = segments("mixed 16")
        bench = prepare(self._shape, precision, self._folder, audio)
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
        model = torch_model(bench, torch.float32, torch_device())
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
        for row, index in enumerate(order):
            a, b = tokens[str(index)], theirs[str(index)]
            if a != b:
                step = next(k for k in range(min(len(a), len(b))) if a[k] != b[k])
                seen = step < len(gaps) and row < len(gaps[step])
                differing.append(round(float(gaps[step][row] / reference.std()), 5) if seen else None)
        typical = float(np.median(gaps[0] / reference.std()))
        result = {
            "tf32": os.environ.get("MLX_ENABLE_TF32", "1") != "0",
            "equal": len(audio) - len(differing), "of": len(audio), "logits_error": error, "logits_widest": widest,
            "gap_where_different": differing, "typical_gap": typical,
            "alone_equal": sum(alone[k] == tokens[k] for k in alone), "alone": len(alone),
        }  # fmt: skip
        return str(result), result


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


_SIDES: dict[str, Callable[[str, str, Path], Callable[[str], tuple[str, Any]]]] = {
    "ours": _Ours,
    "transformers": _Transformers,
    "package": _Package,
    "numerics": _Numerics,
    "numerics_tf32_off": _Numerics,
}


if __name__ == "__main__":
    main()
