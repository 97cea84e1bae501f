"""The echo of the other side goes out of a channel's sound; what the side itself says stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr

from bench.materials.sound.overhearing import KINDS, coded, echo
from pipeline.audio.channels.channel import Channel
from pipeline.audio.channels.echo import cancel_echoes
from pipeline.audio.decoding.levels import level_dbfs
from pipeline.audio.decoding.spool import read_range
from pipeline.config.areas.audio import CrosstalkSettings
from pipeline.config.root import Settings
from pipeline.encryption.sealed import is_sealed
from pipeline.run.planning.recipes import preparation
from tests.encrypting import key_file, keys_here
from tests.pipeline.audio.channels.made import channels_of, later, noise
from tests.pipeline.audio.channels.test_duplicates import a_call
from tests.pipeline.audio.sounds import RATE, Samples

__all__ = ["key_file", "keys_here"]  # fixtures

CLIENT, AGENT = 0, 1
NARROW = 8000


def wide(call: Samples) -> Samples:
    return np.asarray(soxr.resample(call.T, NARROW, RATE).T, dtype=np.float32)


def with_a_yes(call: Samples) -> tuple[Samples, slice]:
    """The client says something short while the agent is loudest; where that is, in samples at 16 kHz."""
    powers = np.square(call[AGENT])[: call.shape[1] // 4000 * 4000].reshape(-1, 4000).mean(axis=1)
    first = int(powers.argmax()) * 4000
    said = np.flatnonzero(np.abs(call[CLIENT]) > 0.05)[0]
    made = call.copy()
    made[CLIENT, first : first + 4000] += call[CLIENT, said : said + 4000]
    return made, slice(2 * first, 2 * (first + 4000))


def heard(folder: Path, call: Samples, **settings: bool) -> tuple[list[Channel], list[Samples]]:
    channels = channels_of(folder, *call)
    cancel_echoes(channels, CrosstalkSettings.model_validate(settings))
    return channels, [read_range(one.path, 0, one.levels.samples) for one in channels]


def level(samples: Samples) -> float:
    return level_dbfs(float(np.square(samples, dtype=np.float64).mean()))


@pytest.mark.parametrize(
    ("kind", "gone_db"),
    [
        ("echo 6 dB 20 ms", 20.0),
        ("echo 6 dB 1 s", 20.0),
        ("echo 20 dB 600 ms", 20.0),
        ("room 8 dB", 15.0),
        ("mix on one side", 20.0),
        ("echo through a codec", 10.0),
    ],
)
def test_the_other_side_goes_and_a_short_answer_in_the_midst_of_it_stays(
    tmp_path: Path, kind: str, gone_db: float
) -> None:
    own, place = with_a_yes(a_call())
    call = wide(KINDS[kind](own, NARROW))
    scale = np.float32(np.abs(call[AGENT]).max() / np.abs(wide(own)[AGENT]).max())
    channels, (client, agent) = heard(tmp_path, call)
    own_client = wide(own)[CLIENT] * scale
    echo_alone = np.abs(own_client) < 1e-3
    assert level(call[CLIENT][echo_alone]) - level(client[echo_alone]) > gone_db
    assert level(client[place]) == pytest.approx(level(own_client[place]), abs=1.5)
    assert np.array_equal(agent, call[AGENT]), "the side that is overheard stays as it is"
    assert [sorted(one.flags) for one in channels] == [["crosstalk"], []]
    assert float(channels[CLIENT].levels.power.mean()) == pytest.approx(
        float(np.square(client, dtype=np.float64).mean()), rel=0.05
    )


@pytest.mark.parametrize("rest", [0, 1, 319, 320, 1700])
def test_the_last_block_may_be_short(tmp_path: Path, rest: int) -> None:
    call = wide(KINDS["echo 6 dB 20 ms"](a_call(), NARROW))[:, : (5 << 16) + rest]
    channels, sides = heard(tmp_path, call)
    assert channels[CLIENT].flags == {"crosstalk"}
    assert np.stack(sides).shape == call.shape


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(wide, id="two sides"),
        pytest.param(lambda call: wide(KINDS["mono copy, AMR"](call, NARROW)), id="both on both"),
        pytest.param(lambda call: np.stack((noise(20.0, 1), noise(20.0, 2))), id="noise"),
        pytest.param(lambda call: wide(np.stack((call[CLIENT], np.zeros_like(call[AGENT])))), id="one side alone"),
        pytest.param(lambda call: wide(call)[:, : 3 * RATE], id="too short to tell"),
        pytest.param(lambda call: wide(call)[:, :0], id="nothing"),
    ],
)
def test_where_nobody_is_overheard_nothing_changes(tmp_path: Path, made: object) -> None:
    assert callable(made)
    call = made(a_call())
    channels, sides = heard(tmp_path, call)
    assert np.array_equal(np.stack(sides), call)
    assert not any(one.flags for one in channels)


def test_each_side_may_overhear_the_other(tmp_path: Path) -> None:
    call = a_call()
    both = call.copy()
    for source, delay_ms in ((AGENT, 150), (CLIENT, 300)):
        both[1 - source] = echo(call, NARROW, source=source, level_db=8, delay_ms=delay_ms)[1 - source]
    channels, sides = heard(tmp_path, wide(both))
    assert [sorted(one.flags) for one in channels] == [["crosstalk"]] * 2
    for side, clean, before in zip(sides, wide(call), wide(both), strict=True):
        silent = np.abs(clean) < 1e-3
        assert level(before[silent]) - level(side[silent]) > 10


def test_a_copy_of_a_line_through_another_codec_is_taken_out_of_the_later_channel_alone(tmp_path: Path) -> None:
    call = a_call()
    late = later(np.asarray(coded(call[AGENT], NARROW, "pcm_mulaw")), 0.2)[: call.shape[1]]
    channels, _ = heard(tmp_path, wide(np.stack((call[CLIENT] + 0.5 * late, call[AGENT]))))
    assert [sorted(one.flags) for one in channels] == [["crosstalk"], []]


def test_encrypted_channels_come_out_the_same_and_stay_encrypted(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    call = wide(KINDS["room 8 dB"](a_call(), NARROW))
    _, plain = heard(tmp_path / "plain", call)
    request.getfixturevalue("keys_here")
    channels, sealed = heard(tmp_path / "sealed", call)
    assert np.array_equal(np.stack(sealed), np.stack(plain))
    assert not np.array_equal(sealed[CLIENT], call[CLIENT])
    assert all(is_sealed(one.path) for one in channels)
    assert sorted(path.name for path in (tmp_path / "sealed").iterdir()) == ["channel_0.f32", "channel_1.f32"]


@pytest.mark.parametrize("switch", ["cancel_echo", "enabled"])
def test_switched_off_everything_stays(tmp_path: Path, switch: str) -> None:
    call = wide(KINDS["room 8 dB"](a_call(), NARROW))
    _, sides = heard(tmp_path, call, **{switch: False})
    assert np.array_equal(np.stack(sides), call)


def test_cancelling_makes_no_stored_transcript_stale() -> None:
    crosstalk = CrosstalkSettings(cancel_echo=False)
    off = Settings().model_copy(update={"audio": Settings().audio.model_copy(update={"crosstalk": crosstalk})})
    assert "cancel_echo" not in preparation(Settings())["audio"]["crosstalk"]
    assert preparation(off)["audio"]["crosstalk"]["cancel_echo"] is False
