"""The kernels for the device MLX computes on, and the batch that suits it."""

from __future__ import annotations

from typing import Any

import mlx.core as mx

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.transcription.engines.mlx_qwen3.kernels.operations import Kernels
from pipeline.transcription.engines.mlx_qwen3.kernels.plain import MlxKernels
from pipeline.transcription.engines.mlx_qwen3.scheduler import Limits


def kernels_for_device(dtype: Any) -> Kernels:
    """For activations of `dtype` on MLX's default device."""
    if mx.default_device() == mx.Device(mx.cpu):
        return MlxKernels(dtype)
    from pipeline.transcription.engines.mlx_qwen3.kernels.gpu import GpuKernels

    return GpuKernels(dtype)


def limits_of(options: MlxQwen3Options, kernels: Kernels) -> Limits:
    """The batch's bounds: what the options leave open, the kernels say."""
    rows = options.batch_size or kernels.rows
    return Limits(
        rows=rows,
        look_ahead=options.look_ahead_segments or 4 * rows,
        group_s=options.encoder_batch_s or kernels.group_s,
        segment_s=options.max_segment_s,
        segment_time_s=options.segment_time_limit_s,
        groups=kernels.groups,
        ahead=kernels.ahead,
    )
