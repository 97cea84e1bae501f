"""Tables that exports wrote: whether one holds an erased call, and whether that can be told at all."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Collection
from pathlib import Path

from commands.purge.mentions import Mentions
from db.export.tables import TABLES

TELLING = ("call_id", "source_uri", "file_name", "audio_filepath")
"""Columns of our tables that say which call a row is of."""
_OURS = {column.name for table in TABLES.values() for column in table.columns}
_TITLES = {column.shown: column.name for table in TABLES.values() for column in table.columns}
_BLOCK = 1 << 20


def names_no_call(path: Path, delimiter: str) -> bool:
    """Whether it is a table of ours, with chosen columns, none of which says which call a row is of."""
    header = _header(path, delimiter)
    return bool(header) and _OURS.issuperset(header) and not set(TELLING).intersection(header)


def table_holds(path: Path, mentions: Mentions) -> bool:
    """Whether a workbook or Parquet file holds an erased call. Raises OSError where it cannot be read."""
    return (_parquet_holds if path.suffix.lower() == ".parquet" else _workbook_holds)(path, mentions)


def delimiter_of(header: str, configured: str) -> str:
    """That of a table of ours, whatever was configured when it was written."""
    likely = [sign for sign in (configured, *",;\t|") if _OURS.intersection(header.rstrip("\r\n").split(sign))]
    return likely[0] if likely else configured


def _header(path: Path, delimiter: str) -> Collection[str]:
    """Names of its columns; empty for what is no table."""
    match path.suffix.lower():
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = file.readline()
            return next(csv.reader([first], delimiter=delimiter_of(first, delimiter)), [])
        case ".jsonl":
            with path.open(encoding="utf-8") as file:
                return _keys(file.readline())
        case ".parquet":
            return _parquet_header(path)
        case ".xlsx":
            return _workbook_header(path)
    return ()


def _keys(line: str) -> Collection[str]:
    try:
        content = json.loads(line)
    except ValueError:
        return ()
    return content.keys() if isinstance(content, dict) else ()


def _parquet_header(path: Path) -> Collection[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except pa.ArrowException as error:
        raise OSError(f"cannot be read as Parquet: {error}") from error


def _workbook_header(path: Path) -> Collection[str]:
    """Of its first sheet, as names of columns."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise OSError(f"cannot be read as a workbook: {error}") from error
    try:
        row = next(book.worksheets[0].iter_rows(max_row=1, values_only=True), ())
    finally:
        book.close()
    return [_TITLES.get(str(cell), str(cell)) for cell in row]


def _parquet_holds(path: Path, mentions: Mentions) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in TELLING if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=wanted) if wanted else ():
                for column in batch.columns:
                    if any(mentions.scrubbed(value) != value for value in column.to_pylist() if value):
                        return True
    except pa.ArrowException as error:
        raise OSError(f"cannot be read as Parquet: {error}") from error
    return False


def _workbook_holds(path: Path, mentions: Mentions) -> bool:
    try:
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                with book.open(name) as member:
                    before = ""
                    while block := member.read(_BLOCK):
                        text = before + block.decode("utf-8", "replace")
                        if mentions.scrubbed(text) != text:
                            return True
                        before = text[-4096:]
    except zipfile.BadZipFile as error:
        raise OSError(f"cannot be read as a workbook: {error}") from error
    return False
