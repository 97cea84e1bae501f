"""Commands that only read: on a mistyped path they say that there is no database, and make none."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app, report
from pipeline.errors import DatabaseUnavailable

READING = (
    ["status"],
    ["status", "--json"],
    ["search", "refund"],
    ["export", "{here}/out.csv"],
    ["report"],
    ["evaluate", "transcripts", "--truth", "{here}"],
    ["db", "status"],
    ["db", "stop"],
)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_mistyped_path_makes_no_database(open_folder: Path, command: list[str]) -> None:
    """`search` on `data/postgers` made a new, empty database there and found nothing in it."""
    here = Path(tempfile.mkdtemp(dir=open_folder))
    here.chmod(0o755)  # the server's account could make one here
    config = here / "config.yaml"
    config.touch()
    (here / "refs.json").write_text('{"a.wav": "yes"}')  # a truth, for the command that wants one
    arguments = [part.format(here=here) for part in command]
    mistyped = here / "data" / "postgers"
    done = CliRunner().invoke(app, [*arguments, "--config", str(config), "--set", f"database.data_dir={mistyped}"])
    assert isinstance(done.exception, DatabaseUnavailable)
    assert "no database there" in str(done.exception)
    assert str(mistyped) in str(done.exception)
    assert report(done.exception) == 3
    assert sorted(path.name for path in here.iterdir()) == ["config.yaml", "refs.json"]
