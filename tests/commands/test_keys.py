"""`run.py keys`: made, changed, checked; what goes wrong is said file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption import here
from pipeline.encryption.keys import LocalKey, parsed_key
from tests.commands.running import told_by


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(here.SETTINGS, "")
    (tmp_path / "config.yaml").touch()
    (tmp_path / "recordings" / "2026-11-26").mkdir(parents=True)
    return tmp_path


def told(
    folder: Path, command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *sets: str
) -> tuple[object, str]:
    chosen = [f"service.recordings_dir={folder / 'recordings'}", *sets]
    arguments = ["keys", command, "--config", str(folder / "config.yaml")]
    return told_by([*arguments, *(part for one in chosen for part in ("--set", one))], monkeypatch, capfd)


def make(path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> str:
    code, said = told_by(["keys", "make", str(path)], monkeypatch, capfd)
    assert code == 0, said
    return said.split()[0]


def test_a_key_is_made_changed_and_no_longer_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = folder / "old.key", folder / "new.key"
    old_id, new_id = make(old, monkeypatch, capfd), make(new, monkeypatch, capfd)
    assert old.stat().st_mode & 0o777 == 0o600
    assert old_id == LocalKey(parsed_key(old.read_text(), "")).key_id != new_id
    here.use_keys(EncryptionSettings(recordings=True, key=f"file:{old}"))
    for name in ("a.wav", "b.wav"):
        (folder / "part").write_bytes(name.encode() * 50_000)
        here.seal(folder / "part", folder / "recordings" / "2026-11-26" / name)
    (folder / "recordings" / "plain.wav").write_bytes(b"plain")

    both = (f"encryption.key=file:{new}", f"encryption.old_keys=[file:{old}]")
    code, said = told(folder, "rotate", monkeypatch, capfd, *both)
    assert (code, "2 changed" in said) == (0, True), said
    code, said = told(folder, "rotate", monkeypatch, capfd, *both)
    assert (code, "2 had it already" in said) == (0, True), said
    code, said = told(folder, "check", monkeypatch, capfd, f"encryption.key=file:{new}")
    assert (code, f"{new_id}: 2 whole" in said) == (0, True), said
    with here.open_file(folder / "recordings" / "2026-11-26" / "a.wav") as file:
        assert file.read() == b"a.wav" * 50_000


def test_a_key_is_never_overwritten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make(folder / "key", monkeypatch, capfd)
    before = (folder / "key").read_text()
    code, said = told_by(["keys", "make", str(folder / "key")], monkeypatch, capfd)
    assert (code, "never overwritten" in said) == (2, True)
    assert (folder / "key").read_text() == before


def test_a_damaged_recording_and_one_of_an_unknown_key_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    one, other = folder / "one.key", folder / "other.key"
    make(one, monkeypatch, capfd)
    make(other, monkeypatch, capfd)
    (folder / "part").write_bytes(b"x" * 200_000)
    for key, name in ((one, "good.wav"), (one, "bad.wav"), (other, "strange.wav")):
        here.use_keys(EncryptionSettings(recordings=True, key=f"file:{key}"))
        here.seal(folder / "part", folder / "recordings" / name)
    with (folder / "recordings" / "bad.wav").open("r+b") as file:
        file.seek(100_000)
        file.write(b"!")
    code, said = told(folder, "check", monkeypatch, capfd, f"encryption.key=file:{one}")
    assert code == 1
    assert "bad.wav: its block 1 was changed" in said
    assert "strange.wav: " in said
    assert "1 whole" in said
    assert "good.wav" not in said
