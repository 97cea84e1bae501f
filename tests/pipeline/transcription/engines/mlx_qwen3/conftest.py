"""Tiny checkpoints, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.transcription.engines.mlx_qwen3.tiny import save_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("qwen3") / "tiny", end_bias=2.4)


@pytest.fixture(scope="session")
def aligner_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("qwen3") / "aligner", seed=3, aligner=True)
