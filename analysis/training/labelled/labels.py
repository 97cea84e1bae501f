"""Labelled items from a CSV file; every fault is reported with its row number (the header is row 1)."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from analysis.training.labelled.label_rows import read_rows
from pipeline.errors import ConfigurationError

SENTIMENTS = ("negative", "neutral", "positive")
DROP = "-"
"""In a label map: leave items of this label out."""
FAULTS_SHOWN = 50
LEAST_GROUPS_PER_CLASS = 3
ROLES = ("agent", "client", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelColumns:
    """Which column holds what."""

    text: str = "text"
    audio: str = "path"
    label: str = "label"
    group: str | None = "group"
    """Speaker or call. None: every distinct text (or recording) is its own group."""
    role: str = "role"
    """`agent` or `client`; rows without are the client's."""
    before: str = "before"
    """What the other side said just before the text; may be empty."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A CSV file, UTF-8, with a header. Paths of recordings are relative to its folder."""

    path: Path
    columns: LabelColumns = LabelColumns()
    label_map: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Label as written to label meant, `-` to leave the item out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledItem:
    """One row of the file."""

    row: int
    label: str
    group: str
    text: str | None = None
    audio: Path | None = None
    start_s: float | None = None
    end_s: float | None = None
    channel: int | None = None
    role: str = "client"
    before: str | None = None
    """What the other side said just before."""

    @property
    def voice(self) -> tuple[object, ...]:
        """Items with the same key belong to one speaker and are measured against each other, as in a run.

        Pieces of a recording: one side of that call. Whole recordings: everything of the group and role.
        """
        if self.start_s is None and self.end_s is None:
            return (self.group, self.role, self.channel)
        return (self.group, self.role, self.channel, self.audio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A file of labelled items."""

    path: Path
    sha256: str
    items: tuple[LabelledItem, ...]
    dropped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Items left out, by the label map."""

    def balance(self) -> dict[str, int]:
        return dict(sorted(Counter(item.label for item in self.items).items()))


def read_labels(file: LabelFile, *, needs: Sequence[str], classes: Sequence[str] | None = SENTIMENTS) -> Labels:
    """Read and check.

    Args:
        needs: of `text` and `audio`, what every row must have.
        classes: labels that exist; None for any (topics).

    Raises:
        ConfigurationError: not a CSV, a column missing, a label that does not exist, an empty text, a recording that is
            not there, a recording in two groups; with row numbers.
    """
    path, columns = file.path, file.columns
    wanted = [columns.label, *(columns.text if need == "text" else columns.audio for need in needs)]
    rows = read_rows(path, wanted, columns.group)
    faults: list[str] = []
    unknown: dict[str, list[int]] = defaultdict(list)
    items: list[LabelledItem] = []
    dropped: Counter[str] = Counter()
    mapping = _mapping(file.label_map, classes)
    for number, row in rows:
        written = (row.get(columns.label) or "").strip()
        label = mapping.get(written.lower(), written if classes is None else written.lower())
        if label == DROP:
            dropped[written] += 1
            continue
        if not label or (classes is not None and label not in classes):
            unknown[written].append(number)
            continue
        try:
            items.append(_item(path, number, row, columns, needs=needs, label=label))
        except ValueError as error:
            faults.append(f"row {number}: {error}")
    faults = [*_unknown_labels(unknown, classes), *faults, *_groups_shared(items)]
    if faults:
        more = f"\n… and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise ConfigurationError(f"{path}: cannot be used\n" + "\n".join(faults[:FAULTS_SHOWN]) + more)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Labels(path=path, sha256=digest, items=tuple(items), dropped=MappingProxyType(dict(dropped)))


def _mapping(label_map: Mapping[str, str], classes: Sequence[str] | None) -> dict[str, str]:
    """Raises ConfigurationError for an entry whose target is not a label."""
    for written, meant in label_map.items():
        if classes is not None and meant.strip() not in (*classes, DROP):
            raise ConfigurationError(
                f"--label-map {written}={meant}: {meant!r} must be one of {', '.join(classes)}, "
                f"or {DROP} to leave these rows out"
            )
    return {written.strip().lower(): meant.strip() for written, meant in label_map.items()}


def _unknown_labels(unknown: Mapping[str, Sequence[int]], classes: Sequence[str] | None) -> list[str]:
    """One line for each label that does not exist."""
    choices = f"one of {', '.join(classes)}" if classes else "not empty"
    lines = []
    for written, rows in unknown.items():
        places = f"row {rows[0]}" if len(rows) == 1 else f"rows {_some(rows)}"
        lines.append(f"{places}: label {written!r} must be {choices} (or map it: --label-map {written}=…)")
    return lines


def _some(rows: Sequence[int]) -> str:
    shown = ", ".join(map(str, rows[:5]))
    return shown if len(rows) <= 5 else f"{shown} and {len(rows) - 5} more"


def _item(
    path: Path, number: int, row: Mapping[str, str], columns: LabelColumns, *, needs: Sequence[str], label: str
) -> LabelledItem:
    text = (row.get(columns.text) or "").strip() or None
    # A recording is looked for where it may be listened to; words alone can be learned without it.
    named = "" if tuple(needs) == ("text",) else (row.get(columns.audio) or "").strip()
    audio = _recording(path.parent, named) if named else None
    if "text" in needs and text is None:
        raise ValueError("no text")
    if "audio" in needs and audio is None:
        raise ValueError("no recording named")
    if audio is not None and not audio.is_file():
        raise ValueError(f"recording {named} is not there")
    if columns.group is None:
        # Pieces of a recording stay together; the same words stay together where there is no sound.
        group = named or " ".join((text or "").lower().split())
    else:
        group = (row.get(columns.group) or "").strip()
    if not group:
        raise ValueError("no group (speaker or call)")
    start_s, end_s = _number(row, "start_s"), _number(row, "end_s")
    if start_s is not None and end_s is not None and end_s <= start_s:
        raise ValueError(f"end_s ({end_s}) must be after start_s ({start_s})")
    channel = _number(row, "channel")
    if channel is not None and channel != int(channel):
        raise ValueError(f"channel {channel} must be a whole number, from 0")
    role = (row.get(columns.role) or "").strip().lower() or "client"
    if role not in ROLES:
        raise ValueError(f"role {role!r} must be one of {', '.join(ROLES)}")
    return LabelledItem(
        row=number,
        label=label,
        group=group,
        text=text,
        audio=audio,
        start_s=start_s,
        end_s=end_s,
        channel=None if channel is None else int(channel),
        role=role,
        before=(row.get(columns.before) or "").strip() or None,
    )


def _recording(folder: Path, named: str) -> Path:
    """A path, or the `source_uri` of a row of the database."""
    if named.startswith("file://"):
        return Path(unquote(urlsplit(named).path))
    if "://" in named:
        raise ValueError(f"recording {named} is not a file; unpack or fetch it first")
    return folder / named


def _number(row: Mapping[str, str], name: str) -> float | None:
    written = (row.get(name) or "").strip()
    if not written:
        return None
    try:
        value = float(written)
    except ValueError:
        raise ValueError(f"{name} {written!r} is not a number") from None
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} {written} must be 0 or more")
    return value


def _groups_shared(items: Iterable[LabelledItem]) -> list[str]:
    """The same piece of a recording in two groups would sit on both sides of a split."""
    seen: dict[tuple[object, ...], dict[str, int]] = defaultdict(dict)
    for item in items:
        if item.audio is not None:
            seen[item.audio, item.start_s, item.end_s, item.channel].setdefault(item.group, item.row)
    return [
        f"row {row}: the same recording is in group {group!r} here and in {next(iter(groups))!r} in row "
        f"{next(iter(groups.values()))}: a group would be on both sides of the split"
        for groups in seen.values()
        for group, row in list(groups.items())[1:]
    ]


def check_trainable(labels: Labels, *, least_groups: int, least_per_class: int) -> None:
    """Raises ConfigurationError for one class only, too few groups, or a class too small to learn."""
    balance = labels.balance()
    if len(balance) < 2:
        raise ConfigurationError(
            f"{labels.path}: only one class ({', '.join(balance) or 'none'}); there must be at least two to tell apart"
        )
    groups = {item.group for item in labels.items}
    if len(groups) < least_groups:
        raise ConfigurationError(
            f"{labels.path}: {len(groups)} groups; at least {least_groups} speakers or calls are needed, else the "
            "figures would say nothing about new ones"
        )
    small = {name: count for name, count in balance.items() if count < least_per_class}
    if small:
        raise ConfigurationError(
            f"{labels.path}: fewer than {least_per_class} items of {small}; label more or map them"
        )
    for name in balance:
        count = len({item.group for item in labels.items if item.label == name})
        if count < LEAST_GROUPS_PER_CLASS:
            raise ConfigurationError(
                f"{labels.path}: the items of {name!r} are in {count} groups; at least {LEAST_GROUPS_PER_CLASS} are "
                "needed, so that some are left to learn from when one is held out"
            )
