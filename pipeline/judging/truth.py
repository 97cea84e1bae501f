"""What people wrote down of a call: turns with words and times, in the forms it is delivered in.

| file | content |
|---|---|
| `CALL.json` | `{"turns": [{channel, start(_s), end(_s), text, role?, words?}], language?}`, as in samples/truth |
| `CALL.stm` | NIST STM: `file channel speaker begin end [<label>] words` |
| `CALL.rttm` | NIST RTTM beside one of the others: who speaks when, for the diarisation error rate |
| `refs.json` | `{"file.wav": "words of a mono recording"}`, or a list with the words of each channel; null: not known |
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.judging.normaliser import without_noises

ROLE_NAMES = {"caller": "client", "customer": "client", "client": "client", "agent": "agent"}
REFERENCES = "refs.json"
_CHANNELS = {"A": 0, "B": 1}
_IGNORED = "ignore_time_segment_in_scoring"
_BESIDE = frozenset({".json", ".stm", ".rttm"})


@dataclass(frozen=True, slots=True)
class TrueWord:
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueTurn:
    """A stretch in which one side says something."""

    channel: int
    role: str | None
    """`agent`, `client`, or None where the truth names no role."""
    start_s: float | None
    end_s: float | None
    """None where only the words are known."""
    text: str
    """Without noises: empty where nobody speaks."""
    speaker: str = ""
    """Name or role of whoever speaks; empty where the truth does not say."""
    words: tuple[TrueWord, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeakerSpan:
    speaker: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCall:
    """The truth of one call. Turns are in time order."""

    name: str
    """Stem of the recording's file name."""
    turns: tuple[TrueTurn, ...]
    language: str | None = None
    """ISO 639-1 code."""
    dual_mono: bool = False
    speakers: tuple[SpeakerSpan, ...] = ()
    """Who speaks when, by the RTTM file; by the turns where there is none."""

    @property
    def spoken(self) -> tuple[TrueTurn, ...]:
        """Turns with words."""
        return tuple(turn for turn in self.turns if turn.text)

    @property
    def timed(self) -> bool:
        return bool(self.turns) and all(turn.start_s is not None for turn in self.turns)

    def on_one_channel(self) -> TrueCall:
        """As a recording with both sides on one channel has it: in time order, without roles."""
        return replace(self, turns=tuple(replace(turn, channel=0, role=None) for turn in self.turns))


@dataclass(frozen=True, slots=True)
class Truth:
    """A folder with truth, or one file."""

    path: Path
    references: Mapping[str, TrueCall]
    """From refs.json, by name."""
    files: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    """By name: suffix to path."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.references) | frozenset(
            name for name, found in self.files.items() if not found.keys().isdisjoint({".json", ".stm"})
        )

    @property
    def has_recordings(self) -> bool:
        """Whether recordings lie beside it: files of its names that are no truth."""
        folder = self.path if self.path.is_dir() else self.path.parent
        return any(file.stem in self.names and file.suffix not in _BESIDE for file in folder.iterdir())

    def of(self, name: str) -> TrueCall | None:
        """The truth of a recording, by the stem of its name. Raises ConfigurationError for a file of another form."""
        found = self.files.get(name, {})
        if ".json" in found:
            call = read_json(found[".json"])
        elif ".stm" in found:
            call = read_stm(found[".stm"])
        elif name in self.references:
            call = self.references[name]
        else:
            return None
        if ".rttm" in found:
            call = replace(call, speakers=read_rttm(found[".rttm"], name))
        return call


def open_truth(path: Path, option: str = "--truth") -> Truth:
    """Raises ConfigurationError, which calls the path `option`, where there is no truth or refs.json cannot be read."""
    if path.is_file():
        if path.name == REFERENCES:
            return Truth(path, read_references(path))
        if path.suffix in {".json", ".stm"}:
            return Truth(path, {}, {path.stem: {path.suffix: path}})
        raise ConfigurationError(f"{option} {path}: a folder, {REFERENCES}, a .json or an .stm file is expected")
    if not path.is_dir():
        raise ConfigurationError(
            f"{option} {path}: no such folder; it holds a JSON or STM file per call, named as the recording, "
            f"or {REFERENCES}"
        )
    files: dict[str, dict[str, Path]] = defaultdict(dict)
    for file in sorted(path.iterdir()):
        if file.suffix in _BESIDE and file.name != REFERENCES:
            files[file.stem][file.suffix] = file
    references = path / REFERENCES
    truth = Truth(path, read_references(references) if references.is_file() else {}, files)
    if not truth.names:
        raise ConfigurationError(
            f"{option} {path}: holds no truth; a JSON or STM file per call, named as the recording, or {REFERENCES} is "
            "expected (docs/evaluation.md shows the forms)"
        )
    return truth


def read_json(path: Path) -> TrueCall:
    """Raises ConfigurationError for a file of another form."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        turns = [_turn(turn) for turn in content["turns"]]
        language = content.get("language")
        return TrueCall(
            name=path.stem,
            turns=_in_order(turns),
            language=None if language is None else str(language),
            dual_mono=bool(content.get("dual_mono", False)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{path}: not a truth file ({error}); see samples/truth for the form") from None


def _turn(turn: Mapping[str, Any]) -> TrueTurn:
    role = ROLE_NAMES.get(str(turn.get("role")))
    return TrueTurn(
        channel=int(turn["channel"]),
        role=role,
        start_s=float(turn["start_s"] if "start_s" in turn else turn["start"]),
        end_s=float(turn["end_s"] if "end_s" in turn else turn["end"]),
        text=without_noises(str(turn["text"])),
        speaker=str(turn.get("speaker") or turn.get("role") or ""),
        words=tuple(_word(word) for word in turn.get("words") or ()),
    )


def _word(word: Mapping[str, Any]) -> TrueWord:
    return TrueWord(
        text=str(word["text"] if "text" in word else word["word"]),
        start_s=float(word["start_s"] if "start_s" in word else word["start"]),
        end_s=float(word["end_s"] if "end_s" in word else word["end"]),
    )


def read_stm(path: Path) -> TrueCall:
    """`file channel speaker begin end [<label>] words`; channels are numbers from 1, or A and B.

    Raises ConfigurationError, with the line.
    """
    turns = []
    for number, line in enumerate(_lines(path), start=1):
        if line.startswith(";;") or not line.strip():
            continue
        try:
            _, channel, speaker, start_s, end_s, *words = line.split()
            if words and words[0].startswith("<") and words[0].endswith(">") and "," in words[0]:
                words = words[1:]
            text = " ".join(words)
            if _IGNORED in text.casefold():
                continue
            turns.append(
                TrueTurn(
                    channel=_CHANNELS[channel] if channel in _CHANNELS else int(channel) - 1,
                    role=ROLE_NAMES.get(speaker.casefold()),
                    start_s=float(start_s),
                    end_s=float(end_s),
                    text=without_noises(text),
                    speaker=speaker,
                )
            )
        except ValueError as error:
            raise ConfigurationError(f"{path}, line {number}: not a line of an STM file ({error})") from None
    return TrueCall(name=path.stem, turns=_in_order(turns))


def read_rttm(path: Path, name: str) -> tuple[SpeakerSpan, ...]:
    """Lines `SPEAKER file channel begin duration <NA> <NA> speaker ...` of one recording, in time order.

    Raises ConfigurationError, with the line.
    """
    spans = []
    for number, line in enumerate(_lines(path), start=1):
        cells = line.split()
        if not cells or cells[0] != "SPEAKER" or cells[1:2] != [name]:
            continue
        try:
            start_s, duration_s = float(cells[3]), float(cells[4])
            spans.append(SpeakerSpan(cells[7], start_s, start_s + duration_s))
        except (ValueError, IndexError) as error:
            raise ConfigurationError(f"{path}, line {number}: not a line of an RTTM file ({error})") from None
    return tuple(sorted(spans, key=lambda span: span.start_s))


def read_references(path: Path) -> dict[str, TrueCall]:
    """Words without times. A recording whose words are not known (null) is left out.

    Raises ConfigurationError for a file of another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            Path(name).stem: TrueCall(name=Path(name).stem, turns=_untimed(texts))
            for name, texts in content.items()
            if texts is not None
        }
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f'{path}: not a file of references ({error}); expected {{"file.wav": "words"}}, or a list of the words of '
            "each channel"
        ) from None


def _untimed(texts: object) -> tuple[TrueTurn, ...]:
    by_channel: Sequence[object] = texts if isinstance(texts, list) else [texts]
    if not all(isinstance(text, str) for text in by_channel):
        raise TypeError(f"neither words nor a list of words: {texts!r:.80}")
    return tuple(
        TrueTurn(channel=channel, role=None, start_s=None, end_s=None, text=without_noises(str(text)))
        for channel, text in enumerate(by_channel)
    )


def _in_order(turns: Iterable[TrueTurn]) -> tuple[TrueTurn, ...]:
    return tuple(sorted(turns, key=lambda turn: turn.start_s or 0.0))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error})") from None
