"""Databases as earlier versions left them."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
_COPY = re.compile(r"^(COPY .*? FROM STDIN);\n(.*?)^\\\.$", re.MULTILINE | re.DOTALL)


def dumps() -> list[Path]:
    """Each named after the commit that made it."""
    return sorted(HERE.glob("*.sql"))


def load(dump: str, url: str) -> None:
    """The dump's tables and rows into an empty database."""
    with psycopg.connect(url, autocommit=True) as connection:
        end = 0
        for block in _COPY.finditer(dump):
            connection.execute(dump[end : block.start()].encode() or b"SELECT")
            with connection.cursor() as cursor, cursor.copy(block[1].encode()) as copy:
                copy.write(block[2].encode())
            end = block.end()
