"""Keys for tests."""

from __future__ import annotations

import os

import pytest

from pipeline.encryption.keys import KeyRing, LocalKey
from tests.encrypting import key_file, keys_here

__all__ = ["key_file", "keys_here"]


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(LocalKey(os.urandom(32)))
