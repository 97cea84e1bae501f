"""Where the models that come with Earshot lie."""

from __future__ import annotations

from pathlib import Path

from pipeline.config.areas.sentiment import SHIPPED

FOLDER = Path(__file__).resolve().parent / "shipped"


def model_folder(configured: str, shipped_name: str) -> Path:
    """The folder (or trusted file) a setting means."""
    return FOLDER / shipped_name if configured == SHIPPED else Path(configured).expanduser()
