"""Labelled items from a CSV file; every fault is told with its row number (the header is row 1)."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pipeline.errors import ConfigurationError

SENTIMENTS = ("negative", "neutral", "positive")
DROP = "-"
"""In a label map: leave items of this label out."""
FAULTS_SHOWN = 10


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


def read_labels(
    path: Path,
    columns: LabelColumns,
    *,
    needs: Sequence[str],
    classes: Sequence[str] | None = SENTIMENTS,
    label_map: Mapping[str, str] | None = None,
) -> Labels:
    """Read and check.

    Args:
        path: CSV, UTF-8, with a header. Audio paths are relative to the file's folder.
        columns: names of the columns.
        needs: of `text` and `audio`, what every row must have.
        classes: labels that exist; None for any (topics).
        label_map: label as written to label meant, `-` to leave the item out.

    Raises:
        ConfigurationError: not a CSV, a column missing, a label that does not exist, an empty text, a recording that is
            not there, a recording or text in two groups; with row numbers, at most ten of each kind.
    """
    rows = _rows(path, columns, needs)
    faults: list[str] = []
    items: list[LabelledItem] = []
    dropped: Counter[str] = Counter()
    mapping = {key.strip().lower(): value.strip() for key, value in (label_map or {}).items()}
    for number, row in rows:
        written = (row.get(columns.label) or "").strip()
        label = mapping.get(written.lower(), written if classes is None else written.lower())
        if label == DROP:
            dropped[written] += 1
            continue
        if not label or (classes is not None and label not in classes):
            choices = f"one of {', '.join(classes)}" if classes else "not empty"
            faults.append(f"row {number}: label {written!r} must be {choices} (or map it: --label-map {written}=…)")
            continue
        try:
            items.append(_item(path, number, row, columns, needs=needs, label=label))
        except ValueError as error:
            faults.append(f"row {number}: {error}")
    faults += _groups_shared(items)
    if faults:
        more = f"\n… and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
        raise ConfigurationError(f"{path}: {len(faults)} faulty rows\n" + "\n".join(faults[:FAULTS_SHOWN]) + more)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Labels(path=path, sha256=digest, items=tuple(items), dropped=MappingProxyType(dict(dropped)))


def _rows(path: Path, columns: LabelColumns, needs: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or []
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; give --labels FILE.csv") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read as CSV in UTF-8: {error}") from None
    wanted = [columns.label, *(columns.text if need == "text" else columns.audio for need in needs)]
    if columns.group is not None:
        wanted.append(columns.group)
    for name in wanted:
        if name not in header:
            hint = (
                "; groups (speakers, calls) keep training and test apart; where every item is alone: --group-by item"
                if name == columns.group
                else ""
            )
            raise ConfigurationError(f"{path}: no column {name!r}; there are: {', '.join(header) or 'none'}{hint}")
    if not rows:
        raise ConfigurationError(f"{path}: no rows below the header")
    return rows


def _item(
    path: Path, number: int, row: Mapping[str, str], columns: LabelColumns, *, needs: Sequence[str], label: str
) -> LabelledItem:
    text = (row.get(columns.text) or "").strip() or None
    named = (row.get(columns.audio) or "").strip()
    audio = (path.parent / named) if named else None
    if "text" in needs and text is None:
        raise ValueError("no text")
    if "audio" in needs and audio is None:
        raise ValueError("no recording named")
    if audio is not None and not audio.is_file():
        raise ValueError(f"recording {named} is not there")
    if columns.group is None:
        group = " ".join((text or named).lower().split())
    else:
        group = (row.get(columns.group) or "").strip()
    if not group:
        raise ValueError("no group (speaker or call)")
    start_s, end_s = _number(row, "start_s"), _number(row, "end_s")
    if start_s is not None and end_s is not None and end_s <= start_s:
        raise ValueError(f"end_s ({end_s}) must be after start_s ({start_s})")
    channel = _number(row, "channel")
    role = (row.get(columns.role) or "client").strip().lower()
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
    )


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
            "figures would say nothing of others"
        )
    small = {name: count for name, count in balance.items() if count < least_per_class}
    if small:
        raise ConfigurationError(
            f"{labels.path}: fewer than {least_per_class} items of {small}; label more or map them"
        )
    for name in balance:
        if len({item.group for item in labels.items if item.label == name}) < 2:
            raise ConfigurationError(f"{labels.path}: all items of {name!r} are of one group; no split can hold it out")
