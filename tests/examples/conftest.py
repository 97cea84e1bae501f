"""The real PostgreSQL of the database tests."""

from __future__ import annotations

from tests.db.conftest import open_folder, server, url

__all__ = ["open_folder", "server", "url"]
