"""Libraries are told to keep to themselves what they learn of this machine and its calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.house import PROJECT


def test_onnx_runtime_keeps_no_events_for_its_maker(tmp_path: Path) -> None:
    unset = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    graph = "from pipeline.audio.vad import silero; silero.SileroDetector(silero.SileroSettings())"
    command = [sys.executable, "-c", graph]
    subprocess.run(command, cwd=PROJECT, env={**unset, "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}, check=True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
