"""Erased recordings in the files of runs and exports: rows taken out, names replaced, copies deleted."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commands.purge.mentions import Mentions
from commands.purge.tables import delimiter_of, names_no_call, table_holds
from db.export.files import whole_file
from db.export.transcripts import file_stem_of

_TEXTS = (".json", ".jsonl", ".log", ".csv", ".txt", ".srt", ".vtt", ".html", ".htm", ".tsv", ".md")
_TABLES = (".xlsx", ".parquet")
"""Copies of a table: deleted whole where they hold a call, since `run.py export` makes them again."""
_LOGS = (".jsonl", ".log")
_REPORTS = "performance_report_"
_ID_FIELDS = ("call_id", "conversationName")
_ADDRESS_FIELDS = ("source_uri", "audio_filepath", "audioFileUri")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What is looked for."""

    call_ids: frozenset[str]
    addresses: frozenset[str]
    """Of all of their files, those of this machine as paths too."""
    file_names: frozenset[str]
    """Of erased recordings alone."""
    stems: frozenset[str]
    """Names, without their endings, of the files that `export` makes for a call."""
    mentions: Mentions

    def is_about_one(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of a table, or a line of a log, is about an erased call."""
        return (
            any(row.get(name) in self.call_ids for name in _ID_FIELDS)
            or any(row.get(name) in self.addresses for name in _ADDRESS_FIELDS)
            or row.get("file_name") in self.file_names
        )


@dataclass(slots=True)
class FilesOutcome:
    """What became of files, by kind; names of files that name a recording stand nowhere."""

    counts: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    """Files that could not be read or written, and why."""


def named(erased: Sequence[Any], still_used: Collection[str]) -> Named:
    """From `db.erasure.Erasable`s; `still_used`: file names that other recordings have, too."""
    from pipeline.sources.addresses import file_path

    names: set[str] = set()
    addresses: set[str] = set()
    for call in erased:
        uris = [uri for uri in (call.source_uri, call.second_uri) if uri]
        addresses |= {*uris, *(str(file_path(uri)) for uri in uris if uri.startswith("file://"))}
        names.add(call.call_id)
        names |= {name for name in (call.file_name, call.second_file) if name and name not in still_used}
        names.add(file_stem_of(call.file_name, call.call_id))
    return Named(
        call_ids=frozenset(call.call_id for call in erased),
        addresses=frozenset(addresses),
        file_names=frozenset(call.file_name for call in erased) - frozenset(still_used),
        stems=frozenset(file_stem_of(call.file_name, call.call_id) for call in erased),
        mentions=Mentions(names | addresses),
    )


def erase_in_files(
    folders: Sequence[Path], what: Named, *, delimiter: str, keep: Path | None, write: bool
) -> FilesOutcome:
    """Look through all files below `folders` for erased recordings and take them out.

    `keep`: the log that this process is writing, which is left alone. With `write` unset nothing is changed: the
    outcome says what would be.
    """
    outcome = FilesOutcome()
    for folder in folders:
        for path in _files(folder):
            if keep is not None and path == keep:
                continue
            try:
                _erase_in_file(path, what, delimiter, outcome, write)
            except (OSError, UnicodeDecodeError, csv.Error) as error:
                outcome.unread.append(f"{path}: {error}")
    return outcome


def _files(folder: Path) -> Iterator[Path]:
    """Regular files; a database and what links lead to are passed over."""
    for within, folders, names in os.walk(folder):
        if "PG_VERSION" in names:
            folders.clear()
            continue
        folders.sort()
        yield from (path for name in sorted(names) if (path := Path(within) / name).is_file() and not path.is_symlink())


def _erase_in_file(path: Path, what: Named, delimiter: str, outcome: FilesOutcome, write: bool) -> None:
    ending = path.suffix.lower()
    if names_no_call(path, delimiter):
        outcome.unread.append(f"{path}: its rows do not say which call they are of; delete it if one was erased")
    if any(name in what.stems or name in what.call_ids for name in (path.name.partition(".")[0], path.parent.name)):
        _delete(path, "files of a call", outcome, write)
    elif ending in _TABLES:
        if table_holds(path, what.mentions):
            _delete(path, "tables deleted", outcome, write)
    elif ending in (".html", ".htm") and not path.name.startswith(_REPORTS):
        text = path.read_text(encoding="utf-8")
        if what.mentions.scrubbed(text) != text:
            _delete(path, "pages deleted", outcome, write)
    elif ending in _TEXTS:
        _rewrite(path, _cleaner(path, what, delimiter), outcome, write)


def _delete(path: Path, kind: str, outcome: FilesOutcome, write: bool) -> None:
    if write:
        path.unlink()
    outcome.counts[kind] += 1


Cleaner = Callable[[Path, Path], int]
"""From a file to its clean copy: returns how many rows or lines differ."""


def _rewrite(path: Path, clean: Cleaner, outcome: FilesOutcome, write: bool) -> None:
    """Replace the file by its clean copy where that differs; its time stays.

    What another process appends to a log meanwhile is taken over: it goes on in the new file with its next line.
    """
    copy, aside = (path.with_name(f".{path.name}.purge.{kind}") for kind in ("copy", "part"))
    try:
        with path.open("rb") as old:
            shutil.copyfile(path, copy)
            seen = copy.stat().st_size
            changed = clean(copy, aside)
            if changed and write:
                status = path.stat()
                with whole_file(path) as new:
                    shutil.copyfile(aside, new)
                    shutil.copymode(path, new)
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
                if path.suffix.lower() in _LOGS:
                    old.seek(seen)
                    copy.write_bytes(old.read())
                    clean(copy, aside)
                    with path.open("ab") as file:
                        file.write(aside.read_bytes())
        if changed:
            outcome.counts["files cleaned"] += 1
            outcome.counts["rows and lines"] += changed
    finally:
        copy.unlink(missing_ok=True)
        aside.unlink(missing_ok=True)


def _cleaner(path: Path, what: Named, delimiter: str) -> Cleaner:
    match path.suffix.lower():
        case ".csv":
            return lambda source, target: _clean_csv(source, target, what, delimiter)
        case ".jsonl":
            return lambda source, target: _clean_lines(source, target, what)
        case ".json":
            return lambda source, target: _clean_json(source, target, what)
    return lambda source, target: _clean_text(source, target, what)


def _clean_csv(source: Path, target: Path, what: Named, delimiter: str) -> int:
    """Without the rows of erased calls; other cells that name one are scrubbed."""
    content = source.open("rb").read(3)
    encoding = "utf-8-sig" if content == b"\xef\xbb\xbf" else "utf-8"
    changed = 0
    csv.field_size_limit(2**31 - 1)
    with (
        source.open(encoding=encoding, newline="") as file,
        target.open("w", encoding=encoding, newline="") as clean,
    ):
        delimiter = delimiter_of(file.readline(), delimiter)
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter)
        writer = csv.writer(clean, delimiter=delimiter, lineterminator="\r\n")
        header: Sequence[str] = ()
        for row in reader:
            header = header or row
            cells = dict(zip(header, row, strict=False))
            if what.is_about_one(cells):
                changed += 1
                continue
            scrubbed = [what.mentions.scrubbed(cell) for cell in row]
            changed += scrubbed != row
            writer.writerow(scrubbed)
    return changed


def _clean_lines(source: Path, target: Path, what: Named) -> int:
    """Without lines about an erased call; others that name one are scrubbed. A line that is no JSON is text."""
    changed = 0
    with source.open(encoding="utf-8") as file, target.open("w", encoding="utf-8", newline="\n") as clean:
        for line in file:
            try:
                content = json.loads(line)
            except ValueError:
                scrubbed = what.mentions.scrubbed(line)
                changed += scrubbed != line
                clean.write(scrubbed)
                continue
            if isinstance(content, Mapping) and what.is_about_one(content):
                changed += 1
                continue
            scrubbed_content = what.mentions.scrub(content)
            if scrubbed_content == content:
                clean.write(line)
            else:
                changed += 1
                clean.write(json.dumps(scrubbed_content, ensure_ascii=False) + "\n")
    return changed


def _clean_json(source: Path, target: Path, what: Named) -> int:
    text = source.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except ValueError:
        return _clean_text(source, target, what)
    scrubbed = what.mentions.scrub(content)
    if scrubbed == content:
        return 0
    target.write_text(json.dumps(scrubbed, ensure_ascii=False, indent=1), encoding="utf-8")
    return 1


def _clean_text(source: Path, target: Path, what: Named) -> int:
    changed = 0
    with source.open(encoding="utf-8", newline="") as file, target.open("w", encoding="utf-8", newline="") as clean:
        for line in file:
            scrubbed = what.mentions.scrubbed(line)
            changed += scrubbed != line
            clean.write(scrubbed)
    return changed
