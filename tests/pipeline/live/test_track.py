"""A track's speech becomes turns, as they end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from commands.serving.live import live_hearing
from pipeline.audio.decoding.spool import read_samples
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.config.root import Settings
from pipeline.encryption import here
from pipeline.live.track import Hearing, TrackListener, Utterance
from tests.live_rooms import RATE_HZ, speech


@pytest.fixture(scope="module")
def hearing() -> Hearing:
    return live_hearing(Settings())


@pytest.fixture(scope="module")
def agent() -> npt.NDArray[np.int16]:
    """Two turns."""
    return np.ascontiguousarray(speech(24.0)[6 * RATE_HZ :, 0])


def heard(
    path: Path, samples: npt.NDArray[np.int16], hearing: Hearing, block: int, partial_s: float | None = None
) -> list[Utterance]:
    track = TrackListener(0, RATE_HZ, path, hearing, partial_s)
    found = [one for first in range(0, len(samples), block) for one in track.push(samples[first : first + block])]
    found += track.finish()
    track.close()
    assert track.samples == len(samples)
    return found


def test_turns_do_not_depend_on_the_size_of_messages(
    tmp_path: Path, hearing: Hearing, agent: npt.NDArray[np.int16]
) -> None:
    in_large, in_small = (heard(tmp_path / str(block), agent, hearing, block) for block in (16_000, 333))
    assert in_large == in_small
    assert len(in_large) >= 2


def test_an_encrypted_spool_holds_the_same_while_it_grows(
    tmp_path: Path, hearing: Hearing, agent: npt.NDArray[np.int16], keys_here: EncryptionSettings
) -> None:
    """It was written plain, and whoever read it refused it: with `encryption.spool` no live call was recognised."""
    track = TrackListener(0, RATE_HZ, tmp_path / "track", hearing, None)
    turns = []
    for first in range(0, len(agent), 4000):
        turns += track.push(agent[first : first + 4000])
        assert len(read_samples(tmp_path / "track", 0, 100)) == track.samples
    track.close()
    assert agent[8000:8100].astype("<f4").tobytes()[:64] not in (tmp_path / "track").read_bytes()
    sealed = read_samples(tmp_path / "track", 0, 100)
    here.use_keys(keys_here.model_copy(update={"spool": False}))
    again = TrackListener(0, RATE_HZ, tmp_path / "plain", hearing, None)
    for first in range(0, len(agent), 4000):
        again.push(agent[first : first + 4000])
    again.close()
    assert np.array_equal(sealed, read_samples(tmp_path / "plain", 0, 100))


def test_turns_are_apart_in_order_and_hold_their_speech(
    tmp_path: Path, hearing: Hearing, agent: npt.NDArray[np.int16]
) -> None:
    turns = [one.segment for one in heard(tmp_path / "track", agent, hearing, 320)]
    assert [turn.ordinal for turn in turns] == list(range(len(turns)))
    for before, after in pairwise(turns):
        assert before.end_s <= after.start_s
    for turn in turns:
        assert turn.speech is not None
        ((begins, ends),) = turn.speech
        assert turn.start_s <= begins < ends <= turn.end_s
        samples = read_samples(tmp_path / "track", begins, ends)
        assert np.sqrt(np.square(samples).mean()) > 0.005


def test_a_turn_under_way_is_told_before_its_end(
    tmp_path: Path, hearing: Hearing, agent: npt.NDArray[np.int16]
) -> None:
    found = heard(tmp_path / "track", agent, hearing, 320, partial_s=0.5)
    first = [one for one in found if one.segment.ordinal == 0]
    assert [one.final for one in first] == [False] * (len(first) - 1) + [True]
    assert len(first) > 2
    ends = [one.segment.end_s for one in first]
    assert ends == sorted(ends)
    assert [one for one in found if one.final] == heard(tmp_path / "again", agent, hearing, 320)


def test_speech_without_a_pause_is_cut_where_a_segment_would_be_too_long(
    tmp_path: Path, hearing: Hearing, agent: npt.NDArray[np.int16]
) -> None:
    talk = heard(tmp_path / "track", agent, hearing, 320)[0].segment
    longest_s = talk.duration_s / 3
    short = replace(hearing, voice_activity=hearing.voice_activity.model_copy(update={"max_segment_s": longest_s}))
    pieces = [one.segment for one in heard(tmp_path / "pieces", agent, short, 320) if one.segment.start_s < talk.end_s]
    assert len(pieces) >= 3
    assert max(piece.duration_s for piece in pieces) <= longest_s + 2 * 0.25 + 1e-6
    assert pieces[0].start_s == talk.start_s
    assert pieces[0].end_s == pieces[1].start_s


def test_silence_has_no_turns(tmp_path: Path, hearing: Hearing) -> None:
    assert heard(tmp_path / "track", np.zeros(RATE_HZ * 3, dtype=np.int16), hearing, 320, 0.5) == []
