"""What all tests share: a PostgreSQL server, and the path of the reference recordings, no part of the project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline import masking
from tests.databases import database, empty_url, open_folder, run_id, server, store, url

__all__ = ["database", "empty_url", "open_folder", "run_id", "server", "store", "url"]

PROJECT = Path(__file__).resolve().parent.parent


settings.register_profile("busy machine", deadline=None)  # how long an example takes says nothing of the code
settings.load_profile("busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--data", default=str(PROJECT.parent / "shared" / "data"), help="reference recordings")


@pytest.fixture(scope="session")
def reference_data(request: pytest.FixtureRequest) -> Path:
    """The folder of reference recordings; the test is skipped, saying so, where it is absent."""
    folder = Path(str(request.config.getoption("--data")))
    if not folder.is_dir():
        pytest.skip(f"reference recordings not found in {folder}; give --data DIR")
    return folder


@pytest.fixture(autouse=True)
def no_secrets_known() -> Iterator[None]:
    """What one test's configuration holds as secret is not masked in the next test's text."""
    yield
    masking.forget()
