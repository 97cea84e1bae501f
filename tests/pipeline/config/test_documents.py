"""What is made from the settings: config.yaml, docs/configuration.md, config.schema.json."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.document import document_text
from pipeline.config.keys import keys_of, plain, yaml_text
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.config.schema import MADE, write_all
from pipeline.config.short_file import MAX_LINES, SHOWN, short_text
from pipeline.config.yaml_reader import parse_yaml
from tests.house import PROJECT


def test_what_is_made_from_the_settings_is_current(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    write_all(tmp_path)
    for name in MADE:
        made, stored = ((folder / name).read_text(encoding="utf-8") for folder in (tmp_path, PROJECT))
        assert made == stored, f"{name}: run `make schema`"
        assert len(made) > 1000


def test_the_shipped_config_is_short_and_says_what_the_defaults_say() -> None:
    assert len(short_text().splitlines()) <= MAX_LINES
    assert load_settings(PROJECT / "config.yaml").settings == Settings()


def test_what_stands_there_as_a_comment_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WEBHOOK", "http://127.0.0.1:9/hook")
    path = tmp_path / "config.yaml"
    path.write_text(re.sub(r"^(\s*)# ((?:- )?\w+:( [^A-Z].*)?)$", r"\1\2", short_text(), flags=re.M), encoding="utf-8")
    settings = load_settings(path).settings
    assert settings.reporting.notify.webhook.url == "http://127.0.0.1:9/hook"
    examples = [shown for shown in SHOWN if shown.example is not None]
    assert len(examples) >= 3
    changed = {key.name for key, other in zip(keys_of(settings), keys_of(Settings()), strict=True) if key != other}
    assert changed == {shown.key for shown in examples}


def test_every_setting_is_in_the_document_and_none_for_tests() -> None:
    text = document_text()
    sections = dict(re.findall(r"^#+ ([a-z_0-9.]+)\n(.*?)(?=^#|\Z)", text, flags=re.M | re.S))
    keys = [key for key in keys_of(Settings()) if not key.for_tests]
    assert len(keys) > 400
    for key in keys:
        area, _, name = key.name.rpartition(".")
        row = re.search(rf"^\| `{name}` \| (.+?) \| .+ \| .* \| .+ \|$", sections[area], flags=re.M)
        assert row, f"{key.name} has no row with a default, what it takes and a meaning"
    assert "transcription.scripted" not in sections
    assert "scripted" not in text.replace("`transcription.scripted` is for tests", "")
    assert "scripted" not in short_text()


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("run", "| `order` | `newest` | newest, oldest, shuffle |  | Which calls come first"),
        ("run", "| `limit` | `null` | whole number from 1 or null |  | At most"),
        ("input.sidecar", "| `started_at_formats` | `[auto]` | list of text |  | strptime formats of started_at,"),
        ("llm", "| `providers` | `[extractive]` | one or a list of text"),
        ("sentiment.fusion", "| `agent_text_weight` | `0.9` | number from 0 to 1 | fused sentiment | fixed: weight"),
        ("voice_activity", "| `threshold` | `0.5` | number over 0 under 1 | transcripts | Speech begins"),
        ("glossary", "| `b2b` | `glossaries/b2b.yaml` | text or null | what another model or file makes | Catalogue"),
        ("run", "| `decode_workers` | the cores, at most 4 | whole number from 1 to 64 |  | Processes"),
    ],
)  # fmt: skip
def test_a_row_says_what_a_key_takes(key: str, row: str) -> None:
    section = document_text().split(f" {key}\n", 1)[1]
    assert row in section[: section.find("\n##")]


def test_the_short_file_takes_other_values() -> None:
    text = short_text({"input.path": "s3://bucket/calls", "run.stop_time": "05:00", "transcription.sphinx.beam": 1e-40})
    read = parse_yaml(text).value
    assert read["input"]["path"] == "s3://bucket/calls"
    assert read["run"]["stop_time"] == "05:00"
    assert read["transcription"]["sphinx"] == {"beam": 1e-40}
    assert next(iter(read["transcription"])) == "engines"


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(_values)
def test_a_value_written_is_read_back(value: object) -> None:
    assert parse_yaml(f"key: {yaml_text(value)}").value == {"key": plain(value)}
