"""Which systems a command line names, and what is said where it names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.evaluate.comparison.systems import PLAIN, chosen_systems
from pipeline.errors import ConfigurationError


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.fixture
def small(tmp_path: Path) -> str:
    return written(tmp_path / "small.yaml", "input: {path: calls}\ntranscription: {faster_whisper: {model: a/small}}\n")


@pytest.fixture
def large(tmp_path: Path) -> str:
    return written(tmp_path / "large.yaml", "input: {path: other}\ntranscription: {faster_whisper: {model: a/large}}\n")


def test_the_baseline_has_the_weights_of_the_first_configuration(small: str, large: str) -> None:
    systems = chosen_systems([PLAIN, large, small], (), Path("absent.yaml"))
    assert [(system.name, system.plain, system.path) for system in systems] == [
        (PLAIN, True, ""),
        ("large.yaml", False, large),
        ("small.yaml", False, small),
    ]
    assert systems[0].settings.transcription.faster_whisper.model == "a/large"
    assert {system.settings.input.path for system in systems} == {"other"}


def test_recordings_named_on_the_command_line_are_read_by_all(small: str, large: str) -> None:
    systems = chosen_systems([small, large], (), Path("absent.yaml"), "elsewhere")
    assert {system.settings.input.path for system in systems} == {"elsewhere"}


def test_overrides_hold_for_every_system(small: str, large: str) -> None:
    systems = chosen_systems([small, large], ["transcription.faster_whisper.cpu_threads=3"], Path("absent.yaml"))
    assert {system.settings.transcription.faster_whisper.cpu_threads for system in systems} == {3}


def test_one_system_twice_and_none_are_refused(small: str) -> None:
    with pytest.raises(ConfigurationError, match="two or more are needed"):
        chosen_systems([small], (), Path("absent.yaml"))
    with pytest.raises(ConfigurationError, match="named twice"):
        chosen_systems([small, f"{Path(small).parent}/./small.yaml"], (), Path("absent.yaml"))
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        chosen_systems([small, "none.yaml"], (), Path("absent.yaml"))


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        (["today/config.yaml", "tomorrow/config.yaml"], ["today/config.yaml", "tomorrow/config.yaml"]),
        (["a/b/config.yaml", "c/b/config.yaml", "other.yaml"], ["a/b/config.yaml", "c/b/config.yaml", "other.yaml"]),
        (["config.yaml", "b/config.yaml"], [None, "b/config.yaml"]),
    ],
)
def test_a_name_is_as_much_of_the_path_as_tells_it_from_the_others(
    tmp_path: Path, files: list[str], shown: list[str | None]
) -> None:
    for number, file in enumerate(files):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        written(tmp_path / file, f"transcription: {{faster_whisper: {{beam_size: {number + 1}}}}}\n")
    systems = chosen_systems([str(tmp_path / file) for file in files], (), Path("absent.yaml"))
    names = [system.name for system in systems]
    assert len(set(names)) == len(names)
    assert all(name == want for name, want in zip(names, shown, strict=True) if want is not None)


def test_two_files_that_say_the_same_are_refused(tmp_path: Path, small: str) -> None:
    other = written(tmp_path / "same.yaml", Path(small).read_text() + "output: {directory: elsewhere}\n")
    with pytest.raises(ConfigurationError, match="differ in no setting that concerns transcripts"):
        chosen_systems([small, other], (), Path("absent.yaml"))
