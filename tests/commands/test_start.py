"""How little a look at the help loads: `--help` took 0.9 s, most of it for the models of the configuration."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house import PROJECT

_HEAVY = (
    "yaml", "numpy", "psycopg", "pipeline.config.base", "pipeline.records", "fastapi", "uvicorn", "jinja2",
    "service", "pages",
)  # fmt: skip
_LOADED = """
import sys
from commands.app import main
try:
    main()
finally:
    print("LOADED", *(name for name in {heavy} if name in sys.modules))
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("db", "--help"), ("search", "--help"), ("view", "--help")]
)
def test_help_loads_neither_configuration_nor_records(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", _LOADED.format(heavy=_HEAVY), *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"
