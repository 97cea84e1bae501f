"""Where the embedded server's files are, and the account that owns them."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from db.embedded.accounts import Account, can_enter, choose_account
from db.embedded.programs import ServerPrograms, find_programs, reachable_programs
from pipeline.errors import DatabaseUnavailable

SHELTER = Path("/var/lib/earshot")
"""Where the data goes when Earshot runs as root in a folder closed to every other account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFiles:
    """Files of one embedded server.

    `home` holds the password, the locks and the state (ours, 0600); `cluster`, `log` and `socket` belong to the
    server's account (0700).
    """

    home: Path
    account: Account | None
    programs: ServerPrograms
    note: str | None
    """What the user should be told: the data is not where the configuration says."""

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def log_file(self) -> Path:
        return self.home / "log" / "server.log"

    @property
    def password_file(self) -> Path:
        return self.home / "password"

    @property
    def state_file(self) -> Path:
        return self.home / "state.json"

    @property
    def clients(self) -> Path:
        return self.home / "clients"

    @property
    def lock_file(self) -> Path:
        return self.home / "server.lock"


def find_files(data_dir: Path, wanted_account: str | None, shelter: Path = SHELTER) -> ServerFiles:
    """Make the server's folders and say where they are. Raises DatabaseUnavailable when they cannot be made.

    No permission of a folder that was there before is loosened.
    """
    wanted = data_dir.expanduser().resolve()
    home, note = wanted, None
    try:
        account = choose_account(wanted_account, _owner(wanted / "cluster"))
        if account is not None and not can_enter(account, _nearest_folder(wanted)):
            home = shelter / f"postgres-{hashlib.sha256(str(wanted).encode()).hexdigest()[:12]}"
            account = choose_account(wanted_account, _owner(home / "cluster"))
            note = (
                f"the account `{account.name if account else ''}`, under which PostgreSQL runs when Earshot is root, "
                f"cannot reach {wanted}; the database is in {home}"
            )
        _make_home(home, account)
        programs = reachable_programs(find_programs(_major(home / "cluster")), account, shelter / "programs")
    except OSError as error:
        raise DatabaseUnavailable(
            f"embedded database in {home}: {error.strerror} ({error.filename}); "
            "make the folder writable for this account or set database.data_dir to one that is"
        ) from error
    return ServerFiles(home=home, account=account, programs=programs, note=note)


def existing_home(data_dir: Path, shelter: Path = SHELTER) -> Path | None:
    """Where an earlier start put this server's files, or None; makes nothing."""
    wanted = data_dir.expanduser().resolve()
    sheltered = shelter / f"postgres-{hashlib.sha256(str(wanted).encode()).hexdigest()[:12]}"
    for home in (wanted, sheltered):
        if (home / "cluster" / "PG_VERSION").exists():
            return home
    return None


def own(path: Path, account: Account | None, mode: int) -> None:
    """Give one of our own files or folders to the server's account."""
    if account is not None:
        os.chown(path, account.uid, account.gid)
    path.chmod(mode)


def _make_home(home: Path, account: Account | None) -> None:
    if not home.exists():
        # Folders made here may be entered by the server's account whatever the umask; older ones stay as they are.
        missing = [folder for folder in (home, *home.parents) if not folder.exists()]
        home.mkdir(parents=True)
        for folder in missing:
            folder.chmod(0o755 if account is not None else 0o700 if folder == home else 0o755)
    if account is not None and not can_enter(account, home):
        raise PermissionError(13, f"the account {account.name} cannot enter it", str(home))
    for name, owner in (("log", account), ("clients", None)):
        folder = home / name
        if not folder.exists():
            folder.mkdir()
            own(folder, owner, 0o700)
    cluster = home / "cluster"
    if account is not None and cluster.exists() and cluster.stat().st_uid == 0:
        _give_away(cluster, account)  # a copy made by root (cp -r, a restored backup)
        _give_away(home / "log", account)


def _give_away(folder: Path, account: Account) -> None:
    shutil.chown(folder, account.uid, account.gid)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            shutil.chown(path, account.uid, account.gid)


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _owner(path: Path) -> int | None:
    """Owner of a folder, None when it is missing or cannot be looked at."""
    try:
        return path.stat().st_uid or None
    except OSError:
        return None


def _major(cluster: Path) -> int | None:
    try:
        return int((cluster / "PG_VERSION").read_text())
    except (FileNotFoundError, PermissionError):
        return None
