"""Calls in two files, one for each side (`input.pairs`): both files become one call with the address of the first."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from pipeline.config.areas.pairs import PairedFiles, PairSettings
from pipeline.records import OTHER_SIDE_MISSING, CallMetadata, Direction, FoundCall, Role, SkippedFile
from pipeline.sources.metadata.reader import merged
from pipeline.sources.pair_names import Half, PairNames

PAIR_MARK = "pair:"
"""A pair's etag begins with it; a mark of each file follows."""
WAITS_FOR_OTHER_SIDE = "other_side_awaited"
_LAST_WORD = re.compile(r"\w+\W*$")
_RECORDER_GROUP = "leg"
"""What shipped patterns call the side in names of Asterisk's MixMonitor."""


@dataclass(slots=True)
class _Held:
    """A file whose name is that of a side."""

    item: FoundCall | SkippedFile
    halves: list[Half]
    joined: bool = False


@dataclass(slots=True)
class _Group:
    """The files of one kind and key, by side."""

    files: tuple[list[_Held], list[_Held]] = field(default_factory=lambda: ([], []))


class Pairing:
    """Joins the two files of a call among everything a source offers. Each file offered is in one of the answers.

    Args:
        waits: whether the other side of a young file may yet come; not where files were named by hand.
        now: seconds since 1970.
    """

    def __init__(self, settings: PairSettings, *, waits: bool = True, now: Callable[[], float] = time.time) -> None:
        self._names = PairNames(settings)
        self._wait_s = settings.wait_h * 3600 if waits else 0.0
        self._now = now

    def other_sides(self, paths: Iterable[str], beside: Iterable[str]) -> set[str]:
        """Those of the names `beside` files of one folder that may be the other side of one of their calls."""
        names = {os.path.basename(path) for path in paths}
        wanted = {(half.kind, half.key, 1 - half.side) for name in names for half in self._names.halves(name)}
        return {
            name for name in beside
            if wanted and not wanted.isdisjoint((h.kind, h.key, h.side) for h in self._names.halves(name))
        }  # fmt: skip

    def joined(self, items: Iterable[FoundCall | SkippedFile]) -> Iterator[FoundCall | SkippedFile]:
        """Files of which none can be a side come at once, calls and the sides without a partner at the end."""
        held: list[_Held] = []
        for item in items:
            halves = self._names.halves(_path(item.source_uri))
            if halves and (isinstance(item, FoundCall) or item.reason != "other_type"):
                held.append(_Held(item, halves))
            else:
                yield item
        yield from self._pairs(held)
        skipped = {
            (half.kind, half.key, half.side): file.item
            for file in held if isinstance(file.item, SkippedFile) for half in file.halves
        }  # fmt: skip
        for file in held:
            if isinstance(file.item, SkippedFile):
                yield file.item
            elif not file.joined:
                yield self._alone(file.item, file.halves, skipped)

    def _pairs(self, held: Sequence[_Held]) -> Iterator[FoundCall]:
        groups: dict[tuple[int, str], _Group] = defaultdict(_Group)
        for file in held:
            if isinstance(file.item, FoundCall):
                for half in file.halves:
                    groups[half.kind, half.key].files[half.side].append(file)
        for (kind, _), group in sorted(groups.items(), key=lambda item: item[0][0]):
            for first, second in _couples(group, kind):
                first.joined = second.joined = True
                yield self._call(kind, first, second)

    def _call(self, kind: int, first: _Held, second: _Held) -> FoundCall:
        sides = first.item, second.item
        assert isinstance(sides[0], FoundCall)
        assert isinstance(sides[1], FoundCall)
        bare = next(half.bare for half in first.halves if half.kind == kind)
        modified = [side.modified_at for side in sides if side.modified_at is not None]
        return FoundCall(
            source_uri=sides[0].source_uri,
            file_name=sides[0].file_name,
            size_bytes=sum(side.size_bytes for side in sides),
            modified_at=max(modified, default=None),
            etag=PAIR_MARK + "+".join(_mark(side) for side in (sides[0], sides[1])),
            metadata=_metadata(sides[0], sides[1], self._names.kinds[kind], bare),
            sides=(sides[0], sides[1]),
        )

    def _alone(
        self, call: FoundCall, halves: Sequence[Half], skipped: dict[tuple[int, str, int], SkippedFile]
    ) -> FoundCall | SkippedFile:
        """A side without the other: waiting, or a call of its own."""
        half = halves[0]
        other = next(
            (skipped[h.kind, h.key, 1 - h.side] for h in halves if (h.kind, h.key, 1 - h.side) in skipped), None
        )
        if other is not None and other.waiting:
            return call.skipped(
                WAITS_FOR_OTHER_SIDE,
                f"its other side, {other.file_name}, is left for the next run: {other.message}",
                waiting=True,
            )
        by_recorder = _RECORDER_GROUP in call.metadata.extra or _ends_in_number(half.bare)
        if not by_recorder and other is None:
            return replace(call, lone_side=half.word)  # sign-in.wav: a word, not a side, as far as anybody can tell
        if other is None and self._may_come(call):
            missing = self._names.kinds[half.kind].sides[1 - half.side]
            return call.skipped(
                WAITS_FOR_OTHER_SIDE,
                f"its other side ({missing}) is not there; it is processed alone when it is "
                f"{self._wait_s / 3600:g} hours old (input.pairs.wait_h)",
                waiting=True,
            )
        why = "its file is not there" if other is None else f"{other.file_name}: {other.message}"
        roles = _roles_of_kind(self._names.kinds[half.kind], call.metadata.direction)
        metadata = replace(
            call.metadata,
            channel_roles=call.metadata.channel_roles or (roles[half.side],),
            extra={**call.metadata.extra, OTHER_SIDE_MISSING: why},
        )
        return replace(call, metadata=metadata, lone_side=half.word)

    def _may_come(self, call: FoundCall) -> bool:
        """An archive is complete as it is delivered."""
        if call.modified_at is None or call.source_uri.startswith("zip://"):
            return False
        return self._now() - call.modified_at.timestamp() < self._wait_s


def is_half_of(call: FoundCall, etag: str | None) -> bool:
    """Whether a pair stored with this etag has this file, unchanged, as one of its two."""
    return etag is not None and etag.startswith(PAIR_MARK) and _mark(call) in etag.removeprefix(PAIR_MARK).split("+")


def _mark(side: FoundCall) -> str:
    """Another one whenever the file may have changed."""
    stamp = side.modified_at.isoformat() if side.modified_at else ""
    return hashlib.sha256(f"{side.size_bytes}|{stamp}|{side.etag or ''}".encode()).hexdigest()[:16]


def _path(uri: str) -> str:
    """The path in an address, as its bytes are."""
    return unquote(uri.partition("://")[2], errors="surrogateescape")


def _ends_in_number(bare: str) -> bool:
    """`1793500200.42` and `call77` are keys; `sign` in `sign-in` is not."""
    last = _LAST_WORD.search(bare.replace("_", " "))
    return last is not None and any(character.isdigit() for character in last[0])


def _couples(group: _Group, kind: int) -> Iterator[tuple[_Held, _Held]]:
    """Files that belong together: of the same case and suffix first, and only where no third one fits as well."""

    def stem(file: _Held) -> str:
        return next(half.stem for half in file.halves if half.kind == kind)

    def suffix(file: _Held) -> str:
        return PurePosixPath(file.item.file_name).suffix.lower()

    likenesses: tuple[Callable[[_Held], object], ...] = (
        lambda file: (stem(file), suffix(file)), stem, suffix, lambda _: None,
    )  # fmt: skip
    for likeness in likenesses:
        for value in dict.fromkeys(likeness(file) for file in group.files[0]):
            firsts, seconds = (
                [file for file in side if not file.joined and likeness(file) == value] for side in group.files
            )
            if len(firsts) == len(seconds) == 1:
                yield firsts[0], seconds[0]


def _metadata(first: FoundCall, second: FoundCall, kind: PairedFiles, bare: str) -> CallMetadata:
    """What is known of the call: of each field what the first file's name and sidecar say, else the second's."""
    known, other = first.metadata, second.metadata
    both = merged(known, other)
    # `a_in.wav` and `a_out.wav` name sides; read as directions they contradict each other.
    agree = known.direction is None or other.direction is None or known.direction is other.direction
    direction = both.direction if agree else None
    starts = [start for start in (known.started_at, other.started_at) if start is not None]
    extra = {key: value for key, value in both.extra.items() if key != _RECORDER_GROUP}
    extra |= {"call_key": extra.get("call_key", bare), "second_file": second.file_name, "second_uri": second.source_uri}
    return replace(
        both,
        direction=direction,
        started_at=min(starts, default=None),
        channel_roles=_roles(known, other, _roles_of_kind(kind, direction)),
        extra=extra,
    )


def _roles_of_kind(kind: PairedFiles, direction: Direction | None) -> tuple[Role, Role]:
    by_direction = kind.channel_roles_by_direction
    return kind.channel_roles if direction is None else by_direction.get(direction, kind.channel_roles)


def _roles(first: CallMetadata, second: CallMetadata, by_kind: tuple[Role, Role]) -> tuple[Role, ...]:
    """Names and sidecars may give a role for each file, or both for the call."""
    said = [metadata.channel_roles for metadata in (first, second) if metadata.channel_roles]
    if len(said) == 2 and all(len(roles) == 1 for roles in said):
        return said[0] + said[1]
    return next((roles for roles in said if len(roles) == 2), by_kind)
