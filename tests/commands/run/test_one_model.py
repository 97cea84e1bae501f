"""A language model on this machine is loaded once, whatever `run.analysis_workers` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.run.wiring import with_one_model
from pipeline.config.root import Settings


@pytest.mark.parametrize(("local", "processes"), [(True, 1), (False, 4)])
def test_one_analysis_process_where_a_model_runs_here(
    local: bool, processes: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    llm = {"providers": ["mlx_lm"], "mlx_lm": {"model": str(tmp_path)}} if local else {}
    settings = Settings.model_validate({"run": {"analysis_workers": 4}, "llm": llm})
    assert with_one_model(settings).run.analysis_workers == processes
    assert ("would load the model" in caplog.text) is local
