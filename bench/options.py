"""The command line of a benchmark."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.config.areas.encoder import EncoderSettings

PROJECT = Path(__file__).resolve().parent.parent


def options_of(about: str | None, *, data: bool = False) -> argparse.ArgumentParser:
    """A parser that shows the text of the module; with `data` it takes the folder of the reference data."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data:
        parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    return parser


def another_encoder(folder: Path, prefix: str) -> EncoderSettings:
    """A sentence encoder in a folder, for any language."""
    return EncoderSettings(model=str(folder), revision=None, languages=None, prefix=prefix, cached_texts=30_000)
