import os
from pathlib import Path

from commands.evaluate.comparison.kept import KeptTranscript, KeptTranscripts
from pipeline.records import EngineIdentity, Transcript

ENGINE = EngineIdentity(engine="scripted", model="m", revision=None, options_hash="o", rank=0, demonstration=False)
LONG_AGO_S = 1_700_000_000


def kept(fingerprint: str) -> KeptTranscript:
    return KeptTranscript(
        transcript=Transcript(fingerprint=fingerprint, identity=ENGINE, language=None, chunks=()), effort=None
    )


def test_pruning_leaves_what_was_used_last_and_the_drafts_under_way(tmp_path: Path) -> None:
    folder = KeptTranscripts(tmp_path, most=2)
    for age, name in enumerate(("new", "middle", "old")):
        folder.put(kept(name))
        os.utime(tmp_path / f"{name}.json", (LONG_AGO_S - age, LONG_AGO_S - age))
    (tmp_path / ".now.json.part").touch()
    (tmp_path / ".killed.json.part").touch()
    os.utime(tmp_path / ".killed.json.part", (LONG_AGO_S, LONG_AGO_S))
    assert folder.get("old") == kept("old")
    folder.prune()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".now.json.part", "new.json", "old.json"]


def test_a_folder_that_is_not_there_has_nothing_to_prune(tmp_path: Path) -> None:
    KeptTranscripts(tmp_path / "none").prune()
