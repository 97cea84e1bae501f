"""What is compared: configurations, and plain faster-whisper as the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.loader import load_settings
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError

PLAIN = "plain-faster-whisper"
"""Reserved name: the same Whisper weights without anything of ours around them."""
_SHAPES_TRANSCRIPTS = frozenset(
    {"audio", "voice_activity", "diarisation", "transcription", "glossary", "redaction", "run"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One way to make transcripts."""

    name: str
    """As it is shown: of a file's path as much as tells it from the others."""
    settings: Settings
    """Of the baseline: those whose `transcription.faster_whisper` names its weights."""
    path: str = ""
    """Of the configuration, as it was given; empty for the baseline."""

    @property
    def plain(self) -> bool:
        """Whether it is the baseline."""
        return self.name == PLAIN

    @property
    def what_it_is(self) -> str:
        if not self.plain:
            return f"the configuration {self.path}"
        model = self.settings.transcription.faster_whisper.model
        return f"faster-whisper alone: {model}, int8, whole channels, vad_filter, one thread"


def chosen_systems(
    names: Sequence[str], overrides: Sequence[str], config: Path, input_path: str | None = None
) -> tuple[System, ...]:
    """The systems of a command line, the one in use first.

    Args:
        names: configuration files and PLAIN.
        overrides: `key=value` for every system.
        config: whose Whisper weights the baseline has, where no configuration file is among the names.
        input_path: recordings for all of them; None for each configuration's own.

    Raises ConfigurationError for fewer than two, the same twice, or two that differ in nothing.
    """
    if len(names) < 2:
        raise ConfigurationError(
            f"--systems: two or more are needed, e.g. --systems {PLAIN} config.yaml, or today.yaml tomorrow.yaml"
        )
    files = [Path(name).resolve() for name in names]
    repeated = sorted({name for name, file in zip(names, files, strict=True) if files.count(file) > 1})
    if repeated:
        raise ConfigurationError(
            f"--systems: {', '.join(repeated)} is named twice; a system cannot be compared to itself"
        )
    settings = {name: load_settings(Path(name), overrides).settings for name in names if name != PLAIN}
    first = next(iter(settings.values()), None) or load_settings(config, overrides).settings
    path = input_path or first.input.path
    shown = _short_names(settings)
    systems = tuple(
        System(name=PLAIN, settings=_reading(first, path))
        if name == PLAIN
        else System(name=shown[name], settings=_reading(settings[name], path), path=name)
        for name in names
    )
    _refuse_equals(systems)
    return systems


def _short_names(paths: Iterable[str]) -> dict[str, str]:
    """By path: as many of its last parts as no other one ends in."""
    parts = {path: Path(path).parts for path in paths}

    def shown(path: str) -> str:
        own = parts[path]
        others = [other for other_path, other in parts.items() if other_path != path]
        count = next((n for n in range(1, len(own)) if all(other[-n:] != own[-n:] for other in others)), len(own))
        return str(Path(*own[-count:]))

    return {path: shown(path) for path in parts}


def _reading(settings: Settings, path: str) -> Settings:
    """All systems read the same recordings."""
    return settings.model_copy(update={"input": settings.input.model_copy(update={"path": path})})


def _refuse_equals(systems: Sequence[System]) -> None:
    seen: dict[str, str] = {}
    for system in (system for system in systems if not system.plain):
        made_by = system.settings.model_dump_json(include=set(_SHAPES_TRANSCRIPTS))
        if made_by in seen:
            raise ConfigurationError(
                f"--systems: {seen[made_by]} and {system.name} differ in no setting that concerns transcripts "
                f"({', '.join(sorted(_SHAPES_TRANSCRIPTS))}), so there is nothing to compare"
            )
        seen[made_by] = system.name
