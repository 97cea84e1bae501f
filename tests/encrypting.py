"""Keys for tests: fixtures for those that encrypt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption import here
from pipeline.encryption.keys import new_key


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(new_key())
    path.chmod(0o600)
    return path


@pytest.fixture
def keys_here(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EncryptionSettings]:
    """This process encrypts whatever can be encrypted."""
    monkeypatch.setenv(here.SETTINGS, "")
    settings = EncryptionSettings(recordings=True, spool=True, key=f"file:{key_file}")
    here.use_keys(settings)
    yield settings
    monkeypatch.undo()
    here._keys.cache_clear()
