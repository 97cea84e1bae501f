"""What the doctor says of memory, folders and packages of a machine."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import psutil
import pytest

from commands.doctor.finding import State
from commands.doctor.machine import _versions, computer, folder, folders, memory
from pipeline.config.root import Settings


def test_a_run_that_may_take_more_memory_than_there_is_is_warned_of() -> None:
    total_gb = psutil.virtual_memory().total / 1e9
    for wanted_gb, state in ((total_gb / 2, State.OK), (total_gb + 1, State.WARNING)):
        found = memory(Settings.model_validate({"run": {"max_memory_gb": wanted_gb}}))
        assert found.state is state
        assert f"of {total_gb:.1f} GB free; a run may take {wanted_gb:.1f} GB" in found.detail
        assert found.detail.endswith("lower run.max_memory_gb") == (state is State.WARNING)
        assert (found.figures or {})["total_bytes"] == psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("name", "least_gb", "state", "said"),
    [
        ("", 0.0, State.OK, "writable, "),
        ("a/new/folder", 0.0, State.OK, "a/new/folder: writable, "),
        ("", 1e6, State.WARNING, ", under reporting.doctor.min_free_disk_gb (1e+06)"),
        ("file", 0.0, State.BROKEN, "file is not a folder; change its permissions, or set run.spool_dir"),
        ("file/below", 0.0, State.BROKEN, "file is not a folder"),
    ],
)
def test_a_folder_is_judged_without_being_written_to(
    name: str, least_gb: float, state: State, said: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    found = folder("run.spool_dir", tmp_path / name, least_gb)
    assert (found.state, found.area, found.name, said in found.detail) == (state, "disk", "run.spool_dir", True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_of_a_database_elsewhere_is_not_looked_at(tmp_path: Path) -> None:
    ours = {"output": {"directory": str(tmp_path)}, "database": {"data_dir": str(tmp_path / "db")}}
    names = [finding.name for finding in folders(Settings.model_validate(ours))]
    assert names == ["output.directory", "run.spool_dir", "database.data_dir"]
    elsewhere = Settings.model_validate(ours | {"database": {"url": "postgresql://h/d"}})
    assert [finding.name for finding in folders(elsewhere)] == names[:2]


def test_versions_of_what_this_platform_needs() -> None:
    wanted = ["mlx>=0.1; sys_platform == 'plan9'", "psutil>=6", "no-such-package==1"]
    assert _versions(wanted) == {"psutil": metadata.version("psutil"), "no-such-package": None}
    assert computer().state is State.OK
