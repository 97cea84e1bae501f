"""The real PostgreSQL of the database tests."""

from __future__ import annotations

from tests.db.conftest import empty_url, open_folder, server

__all__ = ["empty_url", "open_folder", "server"]
