"""config.schema.json for editors. Run as a module (`make schema`) it writes everything made from the settings."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.config.document import write_document
from pipeline.config.root import Settings
from pipeline.config.short_file import write_short_file

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "config.schema.json"


def schema_text() -> str:
    """The JSON schema as it should stand in `config.schema.json`."""
    schema = Settings.model_json_schema()
    schema["title"] = "Earshot configuration"
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_schema(path: Path = SCHEMA_FILE) -> None:
    path.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    write_schema()
    write_document()
    write_short_file()
