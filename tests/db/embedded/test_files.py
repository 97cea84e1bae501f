"""Where the files of an embedded server are, who owns them, and which programs it runs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from db.embedded.accounts import Account, can_enter, choose_account, run_as
from db.embedded.clients import live_clients, loopback, register
from db.embedded.files import existing_home, find_files
from db.embedded.programs import ServerPrograms, find_programs, major_of_headers, reachable_programs
from pipeline.errors import ConfigurationError, DatabaseUnavailable

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: files change their owner")
NOBODY = Account("nobody", 65534, 65534)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("127.0.0.1:5433", ("127.0.0.1", 5433)),
        ("[::1]:5433", ("::1", 5433)),
        ("localhost:0", ("127.0.0.1", 0)),
        (":65535", ("127.0.0.1", 65535)),
        ("127.9.9.9:1", ("127.9.9.9", 1)),
        ("127.0.0.1:65536", None),
        ("127.0.0.1:-1", None),
        ("10.0.0.1:5433", None),
    ],
)
def test_a_server_listens_on_loopback_alone(given: str, address: tuple[str, int] | None) -> None:
    if address is not None:
        assert loopback(given) == address
        return
    with pytest.raises(ConfigurationError, match="loopback only"):
        loopback(given)


def test_users_besides_our_own_are_counted_and_dead_ones_cleared_away(open_folder: Path) -> None:
    files = find_files(open_folder / f"clients-{os.getpid()}", None)
    own, other = register(files), register(files)
    own_file = Path(own.lock_file)
    for name in ("dead", "of-a-killed-one"):
        (files.clients / name).touch()
    assert live_clients(files, own_file) == 1
    assert {path.name for path in files.clients.iterdir()} == {own_file.name, Path(other.lock_file).name}
    assert live_clients(files, None) == 2
    other.release()
    assert live_clients(files, own_file) == 0
    assert own_file.exists()
    own.release()


@AS_ROOT
class TestAsRoot:
    def test_an_account_goes_on_with_its_files(self) -> None:
        assert choose_account(None, 65534) == choose_account("nobody", None)
        assert choose_account(None, 64_999) == Account("64999", 64_999, 64_999)
        chosen = choose_account(None, 0)
        assert chosen is not None
        assert chosen.uid != 0

    def test_a_command_runs_as_its_account_and_knows_nothing_of_ours(
        self, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGHOST", "elsewhere")
        monkeypatch.setenv("LD_PRELOAD", "")
        monkeypatch.setenv("KEPT", "yes")
        script = 'id -u; echo "$HOME $PGHOST ${LD_PRELOAD-none} $LC_ALL $KEPT"; pwd; echo late >&2; exit 3'
        code, output = run_as(NOBODY, ["sh", "-c", script], timeout_s=10, cwd=open_folder)
        assert (code, output.splitlines()) == (
            3, ["65534", f"{open_folder}  none C yes", str(open_folder), "late"]
        )  # fmt: skip
        assert run_as(None, ["id", "-u"], timeout_s=10, cwd=open_folder) == (0, "0")

    def test_who_can_enter_a_folder_is_tried(self, open_folder: Path) -> None:
        closed = open_folder / f"closed-{os.getpid()}"
        closed.mkdir(mode=0o700)
        assert can_enter(NOBODY, open_folder)
        assert not can_enter(NOBODY, closed)
        assert can_enter(None, closed)
        assert not can_enter(None, closed / "not there")

    def test_a_copy_made_by_root_is_given_back_to_the_account(self, open_folder: Path) -> None:
        home = open_folder / f"copied-{os.getpid()}"
        for name in ("cluster/base", "log"):
            (home / name).mkdir(parents=True)
        (home / "cluster" / "PG_VERSION").write_text(f"{find_programs(None).major}\n")
        (home / "log" / "server.log").touch()
        (home / "cluster" / "link").symlink_to(home / "not-ours")
        (home / "not-ours").touch()
        files = find_files(home, "nobody")
        assert files.home == home
        for name in ("cluster", "cluster/base", "cluster/PG_VERSION", "log", "log/server.log"):
            assert ((home / name).stat().st_uid, (home / name).stat().st_gid) == (65534, 65534), name
        assert (home / "not-ours").stat().st_uid == 0
        assert (home / "clients").stat().st_uid == 0

    def test_new_folders_can_be_entered_by_the_account_and_older_ones_stay(self, open_folder: Path) -> None:
        before = os.umask(0o077)
        try:
            files = find_files(open_folder / f"new-{os.getpid()}" / "deep", "nobody")
        finally:
            os.umask(before)
        assert [mode(path) for path in (files.home.parent, files.home, files.clients, files.log_file.parent)] == [
            0o755, 0o755, 0o700, 0o700
        ]  # fmt: skip
        assert [(path.stat().st_uid) for path in (files.clients, files.log_file.parent)] == [0, 65534]

    def test_earlier_files_are_found_where_they_were_put(self, open_folder: Path) -> None:
        closed, shelter = open_folder / f"hidden-{os.getpid()}", open_folder / f"found-{os.getpid()}"
        closed.mkdir(mode=0o700)
        files = find_files(closed / "data", "nobody", shelter)
        assert (files.home.parent, str(files.home) in str(files.note), "`nobody`" in str(files.note)) == (
            shelter, True, True
        )  # fmt: skip
        assert existing_home(closed / "data", shelter) is None
        for home in (files.home, closed / "data"):
            (home / "cluster").mkdir(parents=True)
            (home / "cluster" / "PG_VERSION").write_text("18\n")
            assert existing_home(closed / "data", shelter) == home

    def test_a_closed_shelter_is_told(self, open_folder: Path) -> None:
        closed = open_folder / f"both-closed-{os.getpid()}"
        closed.mkdir(mode=0o700)
        with pytest.raises(DatabaseUnavailable, match="the account nobody cannot enter it"):
            find_files(closed / "data", "nobody", shelter=closed / "shelter")

    def test_programs_that_the_account_cannot_reach_are_copied_with_their_libraries(self, open_folder: Path) -> None:
        closed, shelter = open_folder / f"programs-{os.getpid()}", open_folder / f"shelter-{os.getpid()}"
        install = closed / "wheel" / "pginstall"
        for name in ("bin/postgres", "include/pg_config.h", "lib/libpq.so", "lib/libpq.a"):
            (install / name).parent.mkdir(parents=True, exist_ok=True)
            (install / name).write_text(name)
        (closed / "wheel.libs").mkdir()
        (closed / "wheel.libs" / "libz.so").touch()
        closed.chmod(0o700)
        programs = ServerPrograms(install / "bin", 18)
        assert reachable_programs(programs, None, shelter) is programs
        copied = reachable_programs(programs, NOBODY, shelter)
        assert copied.major == 18
        assert copied.folder.relative_to(shelter).parts[1:] == ("wheel", "pginstall", "bin")
        (copy,) = shelter.iterdir()
        found = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
        assert found == {"wheel/pginstall/bin/postgres", "wheel/pginstall/lib/libpq.so", "wheel.libs/libz.so"}
        assert {mode(path) for path in (copy, *copy.rglob("*")) if path.is_dir()} == {0o755}
        (copy / "mark").touch()
        assert reachable_programs(programs, NOBODY, shelter) == copied
        assert (copy / "mark").exists(), "it is copied once"
        assert mode(closed) == 0o700
        assert reachable_programs(copied, NOBODY, shelter) is copied


def test_programs_of_another_version_are_told() -> None:
    newest = find_programs(None)
    assert find_programs(newest.major) == newest
    assert Path(newest.path("initdb")).is_file()
    with pytest.raises(DatabaseUnavailable, match=rf"made by PostgreSQL 9, .* has .*{newest.major};"):
        find_programs(9)


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (b"#define PG_MAJORVERSION_NUM 17\n", 17),
        (b'/* \xe9 */\n#define PG_MAJORVERSION "9"\n', 9),
        (b"#define PG_VERSION 17\n", None),
    ],
)
def test_the_version_is_that_of_the_headers_whatever_their_comments(
    header: bytes, version: int | None, tmp_path: Path
) -> None:
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "pg_config.h").write_bytes(header)
    assert major_of_headers(tmp_path) == version
