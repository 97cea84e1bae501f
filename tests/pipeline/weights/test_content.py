from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.weights.content import HashMemory, content_revision, revision_of, same_weights

LARGE = 10 << 20


def weights(folder: Path, content: bytes, age_s: float = 60.0) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "model.bin"
    file.write_bytes(content)
    (folder / "config.json").write_text("{}")
    os.utime(file, (time.time() - age_s, time.time() - age_s))
    return folder


@pytest.fixture
def memory(tmp_path: Path) -> HashMemory:
    return HashMemory(tmp_path / "hashes.json")


@pytest.mark.parametrize("place", [0, 70_000, LARGE // 2, LARGE // 2 + 4097, LARGE - 70_000, LARGE - 1])
def test_two_files_of_10_mib_that_differ_in_one_byte_are_two_models(
    tmp_path: Path, memory: HashMemory, place: int
) -> None:
    content = bytearray(np.random.default_rng(0).bytes(LARGE))
    first = content_revision(weights(tmp_path / "a", bytes(content)), memory=memory)
    content[place] ^= 1
    assert content_revision(weights(tmp_path / "b", bytes(content)), memory=memory) != first


def test_the_same_weights_have_one_name_in_any_folder(tmp_path: Path, memory: HashMemory) -> None:
    first = weights(tmp_path / "a", b"w" * (2 << 20))
    copy = Path(shutil.copytree(first, tmp_path / "elsewhere"))
    revision = content_revision(first, memory=memory)
    assert content_revision(copy, memory=memory) == revision
    assert same_weights(str(first), revision, str(copy), revision)
    assert not same_weights("owner/a", "a" * 40, "owner/b", "a" * 40)
    (copy / "config.json").rename(copy / "settings.json")
    assert content_revision(copy, memory=memory) != revision


def test_what_is_hidden_or_not_asked_for_is_no_part_of_them(tmp_path: Path, memory: HashMemory) -> None:
    folder = weights(tmp_path / "a", b"w")
    first = content_revision(folder, ("*.json", "*.bin"), memory)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x.json").write_text("1")
    (folder / "README.md").write_text("read me")
    assert content_revision(folder, ("*.json", "*.bin"), memory) == first
    (folder / "part").mkdir()
    (folder / "part" / "x.json").write_text("1")
    assert content_revision(folder, ("*.json", "*.bin"), memory) != first


def test_a_large_file_is_read_once_for_each_state_of_it(tmp_path: Path) -> None:
    file, store = tmp_path / "model.bin", tmp_path / "hashes.json"
    file.write_bytes(b"w" * (2 << 20))
    memory = HashMemory(store, settled_after_s=-1.0)
    right = memory.sha256(file)
    remembered = json.loads(store.read_text())
    remembered[str(file)]["sha256"] = "from memory"
    store.write_text(json.dumps(remembered))
    assert memory.sha256(file) == "from memory"
    os.utime(file, (1, 1))
    assert memory.sha256(file) == right


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"a" * (2 << 20))
    memory = HashMemory(tmp_path / "hashes.json", settled_after_s=-1.0)
    first, before = memory.sha256(file), file.stat()
    time.sleep(0.02)
    with file.open("r+b") as stream:
        stream.seek(1 << 20)
        stream.write(b"b")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert memory.sha256(file) != first


def test_a_file_written_this_moment_is_not_remembered(tmp_path: Path) -> None:
    """It could be written again within the same tick of the file system's clock."""
    file, store = tmp_path / "model.bin", tmp_path / "hashes.json"
    file.write_bytes(b"w" * (2 << 20))
    HashMemory(store).sha256(file)
    assert not store.exists()


@pytest.mark.parametrize("content", ["", "[1]", '{"x": ', "\x00\xff"])
def test_a_damaged_memory_costs_time_and_no_answer(tmp_path: Path, content: str) -> None:
    file, store = tmp_path / "model.bin", tmp_path / "hashes.json"
    file.write_bytes(b"w" * (2 << 20))
    store.write_text(content)
    memory = HashMemory(store, settled_after_s=-1.0)
    assert memory.sha256(file) == memory.sha256(file)


def test_a_memory_that_cannot_be_written_costs_time_and_no_answer(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"w" * (2 << 20))
    (tmp_path / "no_folder").write_text("")
    assert len(HashMemory(tmp_path / "no_folder" / "hashes.json", settled_after_s=-1.0).sha256(file)) == 64


def test_a_revision_follows_from_the_hashes_of_the_files(tmp_path: Path, memory: HashMemory) -> None:
    folder = weights(tmp_path / "a", b"w")
    hashes = {name: memory.sha256(folder / name) for name in ("model.bin", "config.json")}
    assert content_revision(folder, memory=memory) == revision_of(hashes)
