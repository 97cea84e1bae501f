"""Rows of a labels file: commas, semicolons (spreadsheets of many countries) or tabs between the columns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ConfigurationError

DELIMITERS = ",;\t"


def read_rows(path: Path, wanted: Sequence[str], group: str | None) -> list[tuple[int, dict[str, str]]]:
    """Number of each row's last line (the header is 1) and its cells by column.

    Args:
        wanted: columns that must be there.
        group: column of the group, which must be there; None where every item stands alone.

    Raises ConfigurationError when it is not a CSV, a column is missing or it has no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header_line = file.readline()
            file.seek(0)
            delimiter = max(DELIMITERS, key=header_line.count)
            reader = csv.DictReader(file, strict=True, delimiter=delimiter)
            rows = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or []
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; give --labels FILE.csv") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path}: is a folder; give --labels FILE.csv") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read as CSV in UTF-8: {error}") from None
    _check_columns(path, header, wanted, group)
    if not rows:
        raise ConfigurationError(f"{path}: no rows below the header")
    return rows


def _check_columns(path: Path, header: Sequence[str], wanted: Sequence[str], group: str | None) -> None:
    found = f"there are: {', '.join(header) or 'none'}"
    twice = sorted({name for name in header if header.count(name) > 1} & {*wanted, group})
    if twice:
        raise ConfigurationError(f"{path}: two columns are named {twice[0]!r}; rename one")
    for name in wanted:
        if name not in header:
            raise ConfigurationError(
                f"{path}: no column {name!r}; {found}; name yours with --label-column, --text-column or --audio-column"
            )
    if group is not None and group not in header:
        raise ConfigurationError(
            f"{path}: no column {group!r}; {found}; name the speaker's or call's column with --group-by "
            "(groups keep training and test apart), or --group-by item where every item stands alone"
        )
