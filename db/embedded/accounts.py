"""Under which account the embedded server runs: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigurationError, DatabaseUnavailable

CANDIDATES = ("earshot", "postgres", "nobody")
"""Unprivileged accounts tried in order when Earshot runs as root."""


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def choose_account(wanted: str | None, owner_uid: int | None) -> Account | None:
    """The account to run the server under; None when we are not root and run it as ourselves.

    Parameters
    ----------
    wanted
        `database.server_account`, or None for the first of CANDIDATES this machine has.
    owner_uid
        Owner of files an earlier server left, or None: that account goes on with them.

    Raises ConfigurationError when the wanted account does not exist, DatabaseUnavailable when none does.
    """
    import pwd

    if os.geteuid() != 0:
        return None
    if owner_uid:
        try:
            entry = pwd.getpwuid(owner_uid)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
        except KeyError:
            return Account(str(owner_uid), owner_uid, owner_uid)
    for name in (wanted,) if wanted else CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    if wanted:
        raise ConfigurationError(
            f"database.server_account: `{wanted}` is not an unprivileged account of this machine; "
            f"create it (useradd --system {wanted}) or leave the setting empty"
        )
    raise DatabaseUnavailable(
        "embedded database: PostgreSQL does not run as root and this machine has none of the accounts "
        f"{', '.join(CANDIDATES)}; create one: useradd --system earshot"
    )


def run_as(account: Account | None, argv: Sequence[str], *, timeout_s: float, cwd: Path) -> tuple[int, str]:
    """Run a command as `account` (None: as ourselves) and return its exit code and its output.

    Output goes through a file: a server started by the command inherits its descriptors and would keep a pipe open.
    """
    import tempfile

    # PG* would redirect the server's tools; a preloaded OpenBLAS is of no use to them.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "LD_PRELOAD"
    }
    environment["LC_ALL"] = "C"
    identity: dict[str, object] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
        environment["HOME"] = str(cwd)
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - no shell, our own programs
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environment,
            timeout=timeout_s,
            start_new_session=True,  # Ctrl-C is for the run, not for its database
            check=False,
            **identity,
        )
        output.seek(0)
        return int(done.returncode), output.read().decode(errors="replace").strip()


def can_enter(account: Account | None, folder: Path) -> bool:
    """Whether the account can work in the folder: tried, not worked out from mode bits."""
    if account is None:
        return os.access(folder, os.X_OK)
    code, _ = run_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], timeout_s=30, cwd=Path("/"))
    return code == 0
