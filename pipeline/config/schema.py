"""The files made from the settings (`make schema`): config.schema.json, docs/configuration.md, config.yaml."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.config.descriptions import described_settings
from pipeline.config.document import document_text
from pipeline.config.short_file import short_text


def schema_text() -> str:
    """The JSON schema as `config.schema.json` should contain it."""
    schema = described_settings().model_json_schema()
    schema["title"] = "Earshot configuration"
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


MADE: Mapping[str, Callable[[], str]] = {
    "config.schema.json": schema_text,
    "docs/configuration.md": document_text,
    "config.yaml": short_text,
}
"""File below the project's folder to what it holds."""


def write_all(folder: Path) -> None:
    """Write them below a project's folder."""
    for name, text in MADE.items():
        (folder / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write_all(Path(__file__).resolve().parents[2])
