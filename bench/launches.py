"""What Qwen3-ASR's decoder asks of a device: waits, launches and copied bytes of a prefill and of a decoding step.

On a GPU a launch costs the host 5 to 12 µs and a wait the time of a round trip, whatever is computed. Both can be
counted where no GPU is: MLX builds a graph, and this reads it whenever it is evaluated. `--before` counts the same for
the code of another commit, in a process of its own.

    python -m bench.launches [--rows 1,16,64,128] [--before 0120fd5]

Counted over the decoder of 0.6B (28 layers, 8 of 16 heads with keys of 128, 2 bytes a number), whose linear layers are
narrow: neither launches nor the bytes of the cache depend on their width. A launch is a node of the graph that computes
or moves; those that only look at the same memory in another way (reshape, slice, broadcast) are left out. MLX has fused
kernels for norms, rotation and attention, but not on a CPU: each of their calls stands for one launch. Copied is a
layer of the cache that lies elsewhere afterwards. Then both sides decode the same segments, with MLX's real operations,
and must give the same tokens.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
LAYERS, HEADS, KV_HEADS, HEAD_DIM = 28, 16, 8, 128
PREFIX = tuple(range(90))
"""Read once, copied into every row."""
SUFFIX = (4, 5)
AUDIO_TOKENS = 21
"""With the prompt 113: the cache has room for 128, before and now."""
STEPS = 20
"""Enough to see the cache grow."""
NO_LAUNCH = frozenset(
    (
        "AsStrided", "Broadcast", "BroadcastAxes", "ExpandDims", "Flatten", "NumberOfElements", "Reshape", "Slice",
        "Split", "Squeeze", "StopGradient", "Transpose", "Unflatten", "View",
    )
)  # fmt: skip
_NODE = re.compile(r'\{ \d+ \[label ="(\w+)", shape=rectangle\]; \}')


class Watched:
    """Stands in for `mx.eval` and `mx.async_eval` and counts what they are given."""

    def __init__(self) -> None:
        import mlx.core as mx

        self._mx = mx
        self._wait: Callable[..., Any] = mx.eval
        self._begin: Callable[..., Any] = mx.async_eval
        self.waits = 0
        self.begun = 0
        self.launches: Counter[str] = Counter()

    @contextmanager
    def __call__(self) -> Iterator[Watched]:
        self.waits, self.begun, self.launches = 0, 0, Counter()
        self._mx.eval, self._mx.async_eval = self._waited, self._begun
        try:
            yield self
        finally:
            self._mx.eval, self._mx.async_eval = self._wait, self._begin

    def read(self, *trees: Any) -> None:
        """Count the nodes that are still to be computed."""
        from mlx.utils import tree_flatten

        leaves: Any = tree_flatten(trees)
        drawn = io.StringIO()
        self._mx.export_to_dot(drawn, *(array for _, array in leaves))
        self.launches.update(name for name in _NODE.findall(drawn.getvalue()) if name not in NO_LAUNCH)

    def _waited(self, *trees: Any) -> None:
        self.waits += 1
        self.read(*trees)
        self._wait(*trees)

    def _begun(self, *trees: Any) -> None:
        self.begun += 1
        self.read(*trees)
        self._begin(*trees)


@contextmanager
def fused() -> Iterator[None]:
    """MLX's fused operations as one node each, of their shape and with all that they need; their values are wrong."""
    import mlx.core as mx

    def node(x: Any, *others: Any, **named: Any) -> Any:
        return mx.depends(x, [other for other in (*others, *named.values()) if isinstance(other, mx.array)])

    kept = mx.fast.rms_norm, mx.fast.rope, mx.fast.scaled_dot_product_attention
    mx.fast.rms_norm = mx.fast.rope = mx.fast.scaled_dot_product_attention = node  # type: ignore[assignment]
    try:
        yield
    finally:
        mx.fast.rms_norm, mx.fast.rope, mx.fast.scaled_dot_product_attention = kept


class Decoding:
    """The decoder of the code in front of the path: today's, or that before a step was begun and finished."""

    def __init__(self, *, layers: int, heads: int, kv_heads: int, head_dim: int, width: int, dtype: Any) -> None:
        import mlx.core as mx
        from mlx.utils import tree_map
        from mlx_qwen3_asr.config import AudioEncoderConfig, Qwen3ASRConfig, TextDecoderConfig
        from mlx_qwen3_asr.model import Qwen3ASRModel

        from pipeline.transcription.engines.mlx_qwen3.decoding import BatchDecoder, NewRow
        from pipeline.transcription.engines.mlx_qwen3.prompts import Prompt

        mx.random.seed(17)
        audio = AudioEncoderConfig(encoder_layers=1, encoder_attention_heads=1, encoder_ffn_dim=8, d_model=8)
        text = TextDecoderConfig(
            vocab_size=512, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=kv_heads, head_dim=head_dim,
        )  # fmt: skip
        model = Qwen3ASRModel(Qwen3ASRConfig(audio_config=audio, text_config=text))
        model.update(tree_map(lambda value: value.astype(dtype), model.parameters()))
        model.lm_head.weight = model.model.embed_tokens.weight
        mx.eval(model.parameters())
        self.decoder: Any = BatchDecoder(model, _kernels(dtype))
        self._row: Callable[[Any], Any] = lambda heard: NewRow(Prompt(PREFIX, SUFFIX), heard)
        self._width, self._dtype = width, dtype

    def segments(self, count: int, *, alike: bool = True) -> list[Any]:
        """New rows of `AUDIO_TOKENS`, or of unequal lengths up to that."""
        import mlx.core as mx

        rng = np.random.default_rng(count)
        lengths = [AUDIO_TOKENS if alike else int(rng.integers(3, AUDIO_TOKENS)) for _ in range(count)]
        heard = [mx.array(rng.normal(size=(n, self._width)).astype(np.float32)).astype(self._dtype) for n in lengths]
        mx.eval(heard)
        return [self._row(each) for each in heard]

    def prefill(self, segments: Sequence[Any]) -> tuple[list[int], list[int]]:
        """Slots and first tokens."""
        slots, tokens, _ = self.decoder.prefill(segments)
        return slots, [int(token) for token in tokens]

    def step(self, last: Sequence[int]) -> list[int]:
        """Next token of every slot."""
        fed = np.zeros(len(self.decoder.cache.batch), np.int64)
        fed[: len(last)] = last
        if hasattr(self.decoder, "begin"):
            tokens, _ = self.decoder.finish(self.decoder.begin(fed))
        else:
            tokens, _ = self.decoder.step(fed)
        return [int(token) for token in tokens]

    def layers(self) -> list[Any]:
        """Keys and values of each layer."""
        cache = self.decoder.cache
        return [*(cache.keys if hasattr(cache, "keys") else cache._keys),
                *(cache.values if hasattr(cache, "values") else cache._values)]  # fmt: skip

    def places(self) -> list[int]:
        """Where in memory each layer's keys and values lie."""
        import mlx.core as mx

        mx.eval(self.layers())
        return [np.frombuffer(layer, np.uint8).ctypes.data for layer in self.layers()]


def _kernels(dtype: Any) -> Any:
    try:
        from pipeline.transcription.engines.mlx_qwen3.kernels.gpu import GpuKernels
    except ModuleNotFoundError:
        from pipeline.transcription.engines.mlx_qwen3 import mlx_kernels  # type: ignore[attr-defined]

        return mlx_kernels.MlxKernels(dtype)
    return GpuKernels(dtype)


def counted(rows: int) -> dict[str, Any]:
    """A prefill beside a row that is being decoded, a step, and a step for which the cache has to grow."""
    import mlx.core as mx

    watched = Watched()
    found: dict[str, Any] = {}
    with fused():
        whole = Decoding(layers=LAYERS, heads=HEADS, kv_heads=KV_HEADS, head_dim=HEAD_DIM, width=16, dtype=mx.float16)
        slots, _ = whole.prefill(whole.segments(rows + 1))
        whole.decoder.release(slots[:rows])
        segments = whole.segments(rows)
        found["prefill"] = _figures(watched, whole, lambda: whole.prefill(segments))
        for _ in range(2):
            whole.step([0])
        found["step"] = _figures(watched, whole, lambda: whole.step([0]))
        while int(whole.decoder.cache.lengths.max()) < 128:
            whole.step([0])
        found["step that grows"] = _figures(watched, whole, lambda: whole.step([0]))
    return found


def _figures(watched: Watched, whole: Decoding, work: Callable[[], object]) -> dict[str, Any]:
    import mlx.core as mx

    before = whole.places()
    mx.reset_peak_memory()
    held = mx.get_active_memory()
    with watched():
        work()
        watched.read(whole.layers())  # what was written into the cache and is still to be done
    passing = mx.get_peak_memory() - held
    moved = [old != new for old, new in zip(before, whole.places(), strict=True)]
    return {
        "waits": watched.waits,
        "begun": watched.begun,
        "launches": watched.launches.total(),
        "copied_mb": round(
            sum(layer.nbytes for layer, is_moved in zip(whole.layers(), moved, strict=True) if is_moved) / 1e6, 1
        ),
        "passing_mb": round(passing / 1e6, 1),
        "kinds": dict(watched.launches.most_common()),
    }


def decoded(rows: int) -> list[list[int]]:
    """Tokens of segments of unequal lengths, after each other."""
    import mlx.core as mx

    small = Decoding(layers=3, heads=4, kv_heads=2, head_dim=HEAD_DIM, width=64, dtype=mx.float32)
    slots, last = small.prefill(small.segments(rows, alike=False))
    assert slots == list(range(rows))
    tokens = [last]
    for _ in range(STEPS):
        tokens.append(small.step(tokens[-1])[:rows])
    return [[step[row] for step in tokens] for row in range(rows)]


def side(rows: Sequence[int]) -> dict[str, Any]:
    return {"counts": {str(n): counted(n) for n in rows}, "tokens": {str(n): decoded(n) for n in rows}}


def _side_of(tree: Path, rows: str) -> dict[str, Any]:
    """The figures of the code in that folder."""
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--side", "--rows", rows]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1,16,64,128", help="segments decoded together, comma-separated")
    parser.add_argument("--before", help="a commit to compare with; 0120fd5 is the one before the work for a GPU")
    parser.add_argument("--side", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(side([int(text) for text in arguments.rows.split(",")])))
        return
    found = {"now": _side_of(PROJECT, arguments.rows)}
    if arguments.before:
        with tempfile.TemporaryDirectory() as folder:
            packed = subprocess.run(
                ["git", "archive", arguments.before, "pipeline"], cwd=PROJECT, stdout=subprocess.PIPE, check=True
            )
            subprocess.run(["tar", "-x", "-C", folder], input=packed.stdout, check=True)
            found["before"] = _side_of(Path(folder), arguments.rows)
    _table(found)
    print(json.dumps({"bench": "launches", **found}))


def _table(found: dict[str, Any]) -> None:
    print(f"{'':26}{'rows':>6}{'waits':>8}{'begun':>8}{'launches':>10}{'cache copied, MB':>18}{'passing, MB':>13}")
    for what in ("prefill", "step", "step that grows"):
        for name, each in found.items():
            for rows, counts in each["counts"].items():
                row = counts[what]
                print(
                    f"{what + ', ' + name:26}{rows:>6}{row['waits']:>8}{row['begun']:>8}{row['launches']:>10}"
                    f"{row['copied_mb']:>18}{row['passing_mb']:>13}"
                )
    if len(found) == 2:
        for rows, tokens in found["now"]["tokens"].items():
            pairs = list(zip(tokens, found["before"]["tokens"][rows], strict=True))
            print(f"{rows} rows: tokens equal in {sum(a == b for a, b in pairs)} of {len(pairs)}, "
                  f"{len({tuple(a) for a, _ in pairs})} different ones")  # fmt: skip


if __name__ == "__main__":
    main()
