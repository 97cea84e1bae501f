"""Reading config.yaml: every fault names key, value, choices and line."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.run import Order
from pipeline.config.loader import export_env_file, load_settings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def fault(path: Path | None, *overrides: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, overrides)
    return str(caught.value)


def test_no_file_at_all_gives_the_defaults() -> None:
    assert load_settings(None).settings == Settings()


def test_an_area_left_empty_means_its_defaults(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "run:\ninput:\n")).settings == Settings()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("run:\n  ordre: newest\n", [":2: run.ordre: unknown key", "did you mean order?", "seed"]),
        ("rnu: {}\n", [":1: rnu: unknown key", "did you mean run?"]),
        ("run:\n  order: fast\n", [":2: run.order", "'newest', 'oldest' or 'shuffle'", "'fast'"]),
        ("\n\nrun:\n  limit: many\n", [":4: run.limit", "'many'"]),
        ("run:\n  limit: 0\n", [":2: run.limit", "greater than or equal to 1", "(the value is 0)"]),
        ("run:\n  stop_time: 25:00\n", [":2: run.stop_time", "HH:MM"]),
        ("run:\n  backoff_initial_s: 60\n", [":1: run", "backoff_max_s (30.0)", "backoff_initial_s (60.0)"]),
        ("run:\n  max_hours: .inf\n", [":2: run.max_hours", "finite"]),
        ("run:\n  max_hours: .nan\n", [":2: run.max_hours", "finite"]),
        ("run: 3\n", [":1: run"]),
        ("input:\n  patterns:\n    - {pattern: '(', matsch: x}\n", [":3: input.patterns.0.matsch: unknown key"]),
        ("- a\n", ["must hold keys"]),
        ("run: [\n", ["not valid YAML"]),
        ("run:\n  seed: 1\n  seed: 2\n", [":3: not valid YAML", "seed"]),
        ("[" * 1000, ["not valid YAML", "nested deeper than 50 levels"]),
        ("run: !env X\n", [":1: not valid YAML", "!env"]),
    ],
)
def test_a_fault_names_its_place_and_the_remedy(tmp_path: Path, text: str, parts: list[str]) -> None:
    message = fault(write(tmp_path, text))
    assert [part for part in parts if part not in message] == [], message


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    message = fault(write(tmp_path, "run:\n  limit: 0\n  seed: x\noutput:\n  save_mode: paper\n"))
    assert len(message.splitlines()) == 3
    assert "'database', 'csv' or 'both'" in message


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    assert "--config FILE" in fault(tmp_path / "none.yaml")


def test_variables_come_from_the_environment_then_env_file_then_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("EARSHOT_A=from-file\nEARSHOT_B=from-file\n", encoding="utf-8")
    monkeypatch.setenv("EARSHOT_A", "from-environment")
    path = write(tmp_path, 'input:\n  path: "/${EARSHOT_A}/${EARSHOT_B}/${EARSHOT_C:-fallback}"\n')
    assert load_settings(path).settings.input.path == "/from-environment/from-file/fallback"


def test_client_libraries_see_the_env_file_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("EARSHOT_TEST_A=from-file\nEARSHOT_TEST_B=from-file\n", encoding="utf-8")
    monkeypatch.setenv("EARSHOT_TEST_A", "from-environment")
    monkeypatch.setenv("EARSHOT_TEST_B", "")
    monkeypatch.delenv("EARSHOT_TEST_B")
    export_env_file(tmp_path / ".env")
    assert (os.environ["EARSHOT_TEST_A"], os.environ["EARSHOT_TEST_B"]) == ("from-environment", "from-file")


def test_an_unset_variable_is_named_with_its_key_and_line(tmp_path: Path) -> None:
    message = fault(write(tmp_path, "run:\n  seed: 1\ninput:\n  path: ${EARSHOT_NOT_SET}\n"))
    assert ":4: input.path: the environment variable EARSHOT_NOT_SET is not set" in message


def test_a_secret_from_a_variable_is_not_in_what_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_PASSWORD", "hunter2")
    url = "postgresql://me:${EARSHOT_PASSWORD}@localhost/calls"
    loaded = load_settings(write(tmp_path, f"database:\n  url: {url}\n"))
    assert "hunter2" in loaded.settings.database.url
    assert "hunter2" not in str(loaded.content)
    literal = load_settings(None, ["database.url=postgresql://me:hunter2@localhost/calls"])
    assert "hunter2" not in str(literal.content)


@pytest.mark.parametrize(
    ("override", "key", "expected"),
    [
        ("run.limit=5", "limit", 5),
        ("run.order=oldest", "order", Order.OLDEST),
        ("run.max_hours=1.5", "max_hours", 1.5),
        ("run.limit=", "limit", None),
        ("run.stop_time=06:30", "stop_time", "06:30"),
    ],
)
def test_an_override_wins_over_the_file(tmp_path: Path, override: str, key: str, expected: object) -> None:
    path = write(tmp_path, "run:\n  limit: 1\n  order: newest\n")
    assert getattr(load_settings(path, [override]).settings.run, key) == expected


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("run.limit", "--set key.path=value"),
        ("=5", "--set key.path=value"),
        ("run..limit=5", "--set key.path=value"),
        ("run.limit.more=5", "limit holds a single value"),
        ("run.ordr=5", "--set run.ordr: run.ordr: unknown key"),
        ("run.limit=[", "not valid YAML"),
        ("transcription.languages=en,fr", "transcription.languages: this is a list: [en,fr]"),
        ("run={limit: 0}", "--set run: run.limit: Input should be greater"),
    ],
)
def test_a_wrong_override_is_told_as_it_was_typed(tmp_path: Path, override: str, part: str) -> None:
    assert part in fault(write(tmp_path, "run:\n  limit: 1\n"), override)


@pytest.mark.parametrize(
    ("overrides", "refused"),
    [
        (["voice_activity.max_segment_s=28"], None),
        (["voice_activity.max_segment_s=60"], "longest input of mlx_qwen3 (30 s)"),
        (["voice_activity.max_segment_s=60", "transcription.engines=[faster_whisper]"], "faster_whisper (30 s)"),
        (["transcription.mlx_qwen3.max_segment_s=20"], "longest input of mlx_qwen3 (20 s)"),
        (["transcription.mlx_qwen3.max_segment_s=20", "transcription.engines=[sphinx]"], None),
        (["voice_activity.max_segment_s=60", "transcription.engines=[scripted]",
          "transcription.scripted.max_segment_s=90"], None),
    ],
)  # fmt: skip
def test_segments_longer_than_a_recogniser_takes_are_refused_before_a_run_loses_their_text(
    tmp_path: Path, overrides: list[str], refused: str | None
) -> None:
    config = tmp_path / "config.yaml"
    config.touch()
    if refused is None:
        load_settings(config, overrides)
        return
    with pytest.raises(ConfigurationError, match=r"voice_activity\.max_segment_s") as told:
        load_settings(config, overrides)
    assert refused in " ".join(str(told.value).split())


def test_the_hash_tells_equal_configurations(tmp_path: Path) -> None:
    one = load_settings(write(tmp_path, "run:\n  seed: 1\n  limit: 2\n"))
    same = load_settings(write(tmp_path, "# another comment\nrun:\n  limit: 2\n  seed: 1\n"))
    other = load_settings(None, ["run.seed=2"])
    assert one.content_hash == same.content_hash != other.content_hash


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_override_either_loads_or_is_refused_in_words(key: str, value: str) -> None:
    with contextlib.suppress(ConfigurationError):
        load_settings(None, [f"run.{key}={value}"])


@pytest.mark.parametrize(
    ("override", "key", "expected"),
    [
        ("transcription.engines=faster_whisper", "transcription.engines", ("faster_whisper",)),
        ("transcription.engines=[sphinx, mlx_qwen3]", "transcription.engines", ("sphinx", "mlx_qwen3")),
        ("transcription.engines=scripted", "transcription.engines", ("scripted",)),
        ("llm.providers=extractive", "llm.providers", ("extractive",)),
        ("voice_activity.detectors=energy", "voice_activity.detectors", ("energy",)),
        ("output.transcripts.formats=srt", "output.transcripts.formats", ("srt",)),
    ],
)
def test_a_list_of_one_may_be_its_only_item(override: str, key: str, expected: tuple[str, ...]) -> None:
    value: object = load_settings(None, [override]).settings
    for name in key.split("."):
        value = getattr(value, name)
    assert value == expected


def test_the_engine_for_tests_and_its_section_are_accepted_from_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, "transcription:\n  engines: [scripted]\n  scripted: {missing: hash}\n")
    settings = load_settings(path, ["transcription.scripted.words_per_s=2"]).settings.transcription
    assert (settings.engines, settings.scripted.missing, settings.scripted.words_per_s) == (("scripted",), "hash", 2)


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        ("[openai_chat]", "ask.providers lists openai_chat, but llm.openai_chat.model is not set"),
        ("[nosuch]", "ask.providers lists nosuch, which is none of"),
        ("[mlx_lm, mlx_lm]", "ask.providers lists one twice"),
    ],
)
def test_a_fault_of_the_models_for_questions_names_their_setting(providers: str, said: str) -> None:
    """It named llm.providers, where nothing was wrong."""
    with pytest.raises(ConfigurationError, match=said) as error:
        load_settings(None, [f"ask.providers={providers}"])
    assert "llm.providers" not in str(error.value)
