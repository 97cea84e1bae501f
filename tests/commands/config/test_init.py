"""`run.py init`: a short configuration from flags and answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app
from commands.config.init import answers, write_configuration
from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.config.short_file import MAX_LINES
from pipeline.errors import ConfigurationError
from pipeline.records import Role

NOTHING: dict[str, str | None] = {"input": None, "roles": None, "names": None, "model": None}
PATTERN = r"^(?P<agent_id>\d+)_(?P<started_at>\d{8}-\d{6})"


def asked(replies: dict[str, list[str]]) -> Callable[[str, str], str]:
    """Replies in turn to the questions that begin with a key; what is proposed to the others."""

    def ask(question: str, proposed: str) -> str:
        waiting = next((left for start, left in replies.items() if question.startswith(start)), [])
        return waiting.pop(0) if waiting else proposed

    return ask


def test_flags_make_a_file_that_a_run_takes(tmp_path: Path) -> None:
    to = tmp_path / "mine.yaml"
    flags = ["--input", str(tmp_path), "--roles", "agent, client", "--names", PATTERN, "--model", "small"]
    result = CliRunner().invoke(app, ["init", "--to", str(to), *flags])
    assert result.exit_code == 0, result.output
    assert f"python run.py --config {to} --dry-run" in result.output
    settings = load_settings(to).settings
    assert settings.input.path == str(tmp_path)
    assert settings.audio.channel_roles == (Role.AGENT, Role.CLIENT)
    assert settings.input.patterns[0].pattern == PATTERN
    assert settings.transcription.engines == ("faster_whisper",)
    assert len(to.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_where_nobody_can_be_asked_the_defaults_stand(tmp_path: Path) -> None:
    to = tmp_path / "mine.yaml"
    assert CliRunner().invoke(app, ["init", "--to", str(to)]).exit_code == 0
    assert load_settings(to).settings == Settings()


def test_answers_are_asked_until_they_will_do(tmp_path: Path) -> None:
    replies = {
        "Recordings": [str(tmp_path / "missing"), str(tmp_path)],
        "Who speaks": ["boss", "client,agent,unknown"],
        "What file names say": ["(?P<agent_id>[", "asterix", "asterisk"],
        "Model": ["no-such-model", "Qwen/Qwen3-ASR-1.7B"],
    }
    values = answers(NOTHING, asked(replies))
    assert not any(replies.values())
    assert values["input.path"] == str(tmp_path)
    assert values["audio.channel_roles"] == ["client", "agent", "unknown"]
    assert values["input.patterns"] == ["asterisk"]
    assert values["transcription.mlx_qwen3.model"] == "Qwen/Qwen3-ASR-1.7B"


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("input", "/no/such/folder", "no such folder"),
        ("input", "s3://", "names no bucket"),
        ("roles", "agent,boss", "boss"),
        ("names", "(?P<agent_id>[", "not a regular expression"),
        ("names", "asterix", "asterisk"),
        ("model", "no-such-model", "no such folder, and the name does not say which recogniser it is for"),
    ],
)
def test_a_flag_that_will_not_do_is_refused(name: str, value: str, part: str) -> None:
    for ask in (None, asked({})):
        with pytest.raises(ConfigurationError) as caught:
            answers({**NOTHING, name: value}, ask)
        assert part in str(caught.value)


def test_a_file_that_is_there_stays_unless_said_otherwise(tmp_path: Path) -> None:
    to = tmp_path / "mine.yaml"
    to.write_text("run: {limit: 1}\n", encoding="utf-8")
    refused = CliRunner().invoke(app, ["init", "--to", str(to)])
    assert isinstance(refused.exception, ConfigurationError)
    assert "--overwrite" in str(refused.exception)
    assert to.read_text(encoding="utf-8") == "run: {limit: 1}\n"
    replaced = CliRunner().invoke(app, ["init", "--to", str(to), "--overwrite"])
    assert (replaced.exit_code, f"{to} is replaced" in replaced.output) == (0, True)
    assert load_settings(to).settings == Settings()


def test_what_does_not_go_together_leaves_no_file(tmp_path: Path) -> None:
    to = tmp_path / "mine.yaml"
    to.write_text("old\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="neither smtp"):
        write_configuration(to, {"reporting.notify.on": "always"})
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old\n"]


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_configuration(tmp_path / "missing" / "mine.yaml", {})
