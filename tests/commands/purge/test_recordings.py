"""Recordings of erased calls that nobody can delete here are told by their container."""

from __future__ import annotations

from pathlib import Path

from commands.purge.recordings import delete_handed_in, delete_recordings
from db.erasure import Erasable
from pipeline.sources.addresses import file_uri, zip_uri


def erasable(uri: str, second: str | None = None) -> Erasable:
    return Erasable(
        call_id="0", source_uri=uri, second_uri=second, file_name="a.wav", second_file=None, audio_sha256=None,
        size_bytes=1, modified_at=None, etag=None, transcript_fingerprint=None,
    )  # fmt: skip


def test_archives_and_buckets_are_named_and_their_recordings_are_not(tmp_path: Path) -> None:
    """`2 left in archives and buckets` said neither where they were, nor that anything was left to do."""
    here = tmp_path / "here.wav"
    here.touch()
    erased = [
        erasable(zip_uri("/in/calls.zip", "smith/a.wav"), zip_uri("/in/calls.zip", "smith/b.wav")),
        erasable("s3://calls/2026/smith.wav"),
        erasable(file_uri(str(here))),
    ]
    for write in (False, True):
        counts, left = delete_recordings(erased, write=write)
        assert counts == {"deleted": 1, "left in archives and buckets": 3}
        assert [line.split(" recording")[0] for line in left] == ["/in/calls.zip: 2", "s3://calls: 1"]
        assert "smith" not in "".join(left)
        assert "write it anew without them" in left[0]
        assert "delete the objects there" in left[1]
    assert not here.exists()


def test_the_sidecar_of_a_recording_that_was_handed_in_goes_also_where_the_recording_stays(tmp_path: Path) -> None:
    """It named the customer for as long as the recording lay there."""
    handed_in, elsewhere = tmp_path / "recordings" / "day" / "job" / "a.wav", tmp_path / "calls" / "a.wav"
    for path in (handed_in, elsewhere):
        path.parent.mkdir(parents=True)
        path.touch()
        path.with_name("a.wav.json").write_text('{"customer": "C-77"}')
    bare = handed_in.parents[1] / "other" / "b.wav"  # without a sidecar
    bare.parent.mkdir()
    erased = [erasable(file_uri(str(path))) for path in (elsewhere, bare, handed_in)]
    for write in (False, True):
        counts, troubles = delete_handed_in(erased, tmp_path / "recordings", write=write)
        assert (dict(counts), troubles) == ({"sidecars deleted": 1}, [])
    assert [path.name for path in handed_in.parent.iterdir()] == ["a.wav"]
    assert elsewhere.with_name("a.wav.json").exists(), "somebody else's"
    handed_in.unlink()
    delete_handed_in(erased, tmp_path / "recordings", write=True)
    assert not handed_in.parent.exists()


def test_each_recording_counts_as_what_became_of_it(tmp_path: Path) -> None:
    here, gone, stuck = (tmp_path / name for name in ("here.wav", "gone.wav", "stuck.wav"))
    here.touch()
    stuck.mkdir()  # where a file was, what cannot be deleted as one
    erased = [erasable(file_uri(str(here)), file_uri(str(gone))), erasable(file_uri(str(stuck)))]
    counts, troubles = delete_recordings(erased, write=False)
    assert (counts, troubles) == ({"deleted": 2, "not there any more": 1}, [])
    assert here.exists()
    counts, troubles = delete_recordings(erased, write=True)
    assert counts == {"deleted": 1, "not there any more": 1, "could not be deleted": 1}
    assert not here.exists()
    assert len(troubles) == 1
    assert troubles[0].startswith(f"{stuck}: ")


def test_a_recording_without_a_sidecar_is_no_trouble_and_one_that_stays_is(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    plain, stuck = (folder / name for name in ("plain.wav", "stuck.wav"))
    (folder / "stuck.wav.json").mkdir(parents=True)
    plain.touch()
    erased = [erasable(file_uri(str(path))) for path in (plain, stuck)]
    counts, troubles = delete_handed_in(erased, tmp_path, write=False)
    assert (counts, troubles) == ({"sidecars deleted": 1}, [])
    counts, troubles = delete_handed_in(erased, tmp_path, write=True)
    assert counts == {}
    assert [trouble.partition(": ")[0] for trouble in troubles] == [str(folder / "stuck.wav.json")]
    assert plain.exists()
