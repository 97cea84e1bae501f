"""What differs between two configurations, as YAML would show it, and what it makes stale."""

from __future__ import annotations

from typing import Any

import pytest

from commands.evaluate.comparison.changes import changes
from pipeline.config.root import Settings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, []),
        ({"input": {"path": "elsewhere"}}, []),
        ({"run": {"limit": 3}}, [("run.limit", "null", "3", False)]),
        ({"encoder": {"allow_download": False}}, [("encoder.allow_download", "true", "false", False)]),
        ({"audio": {"channel_roles": ["agent", "client"]}},
         [("audio.channel_roles", "[client, agent]", "[agent, client]", True)]),
        ({"llm": {"mlx_lm": {"chat_template_options": {"enable_thinking": True, "b": False}}}},
         [("llm.mlx_lm.chat_template_options.enable_thinking", "false", "true", False),
          ("llm.mlx_lm.chat_template_options.b", "null", "false", False)]),
        ({"transcription": {"faster_whisper": {"beam_size": 4}}, "run": {"limit": 3}},
         [("transcription.faster_whisper.beam_size", "5", "4", True), ("run.limit", "null", "3", False)]),
    ],
)  # fmt: skip
def test_each_difference_is_told_with_what_it_makes_stale(
    settings: dict[str, Any], told: list[tuple[str, str, str, bool]]
) -> None:
    found = changes(Settings(), Settings.model_validate(settings))
    assert sorted((one.key, one.before, one.after, one.transcribes_again) for one in found) == sorted(told)


def test_a_setting_within_a_value_has_the_influence_of_the_whole() -> None:
    options = {"enable_thinking": True, "added": False}
    found = changes(Settings(), Settings.model_validate({"llm": {"mlx_lm": {"chat_template_options": options}}}))
    of_others = changes(Settings(), Settings.model_validate({"run": {"limit": 3}}))
    assert [bool(one.results) for one in (*found, *of_others)] == [True, True, False]


def test_a_secret_is_masked() -> None:
    (one,) = changes(Settings(), Settings.model_validate({"database": {"url": "postgresql://me:secret1@host/db"}}))
    assert "secret1" not in one.after
    assert one.before == "embedded"
