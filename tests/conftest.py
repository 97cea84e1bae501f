"""What all tests share: the path of the reference recordings, which are not part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data", default=str(PROJECT.parent / "shared" / "data"), help="reference recordings")


@pytest.fixture(scope="session")
def reference_data(request: pytest.FixtureRequest) -> Path:
    """The folder of reference recordings; the test is skipped, saying so, where it is absent."""
    folder = Path(str(request.config.getoption("--data")))
    if not folder.is_dir():
        pytest.skip(f"reference recordings not found in {folder}; give --data DIR")
    return folder
