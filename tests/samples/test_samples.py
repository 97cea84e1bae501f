"""The committed calls are what their truth says they are."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.config.yaml_reader import read_yaml_file
from pipeline.records import CustomerSegment, Direction, FoundCall, Role
from pipeline.sources.probe import probe_header
from pipeline.sources.source import build_source

PROJECT = Path(__file__).resolve().parents[2]
SAMPLES = PROJECT / "samples"
TRUTHS = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((SAMPLES / "truth").glob("*.json"))
}
MOODS = {"negative", "neutral", "positive"}

every_call = pytest.mark.parametrize("truth", TRUTHS.values(), ids=TRUTHS)


def samples_of(truth: dict[str, Any]) -> tuple[npt.NDArray[np.float32], int]:
    """(channels, samples) and rate."""
    container: Any
    with av.open(str(SAMPLES / "calls" / truth["file_name"])) as container:
        resampler = av.AudioResampler(format="fltp", layout="stereo")
        rate = container.streams.audio[0].rate
        blocks = [block.to_ndarray() for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    return np.concatenate(blocks, axis=1), rate


def level(samples: npt.NDArray[np.float32]) -> float:
    return float(np.sqrt((samples**2).mean()))


def found() -> dict[str, FoundCall]:
    source = build_source(InputSettings(path=str(SAMPLES / "calls"), min_age_s=0))
    items = list(source.discover())
    assert all(isinstance(item, FoundCall) for item in items), "nothing in the folder is passed over"
    return {item.file_name: item for item in items if isinstance(item, FoundCall)}


def test_the_set_is_as_varied_as_promised() -> None:
    truths = list(TRUTHS.values())
    assert len(truths) >= 6
    assert {truth["file_name"] for truth in truths} == set(found())
    assert {truth["labels"]["client_mood"] for truth in truths} == MOODS
    assert len({truth["labels"]["topic"] for truth in truths}) >= 6
    assert len({truth["labels"]["outcome"] for truth in truths}) == len(truths)
    assert any(truth["overtalk"] for truth in truths)
    assert any(truth["dual_mono"] for truth in truths)
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*")) < 7_000_000


@every_call
def test_audio_and_truth_agree(truth: dict[str, Any]) -> None:
    header = probe_header(SAMPLES / "calls" / truth["file_name"])
    assert header.channels == 2
    assert header.flags == ()
    assert header.duration_s == pytest.approx(truth["duration_s"], abs=0.15)
    assert 30 <= truth["duration_s"] <= 90
    assert len(set(truth["voices"].values())) == 2
    samples, rate = samples_of(truth)
    for before, turn, after in zip([None, *truth["turns"]], truth["turns"], [*truth["turns"][1:], None], strict=False):
        stretch = slice(int(turn["start_s"] * rate), int(turn["end_s"] * rate))
        own, other = samples[turn["channel"], stretch], samples[1 - turn["channel"], stretch]
        assert -35 < 20 * np.log10(level(own)) < -15, "speech is as loud as on a line"
        alone = (before is None or before["end_s"] <= turn["start_s"]) and (
            after is None or after["start_s"] >= turn["end_s"]
        )
        if truth["dual_mono"]:
            assert np.array_equal(own, other)
        elif alone:
            # Coded audio carries a little over its borders: the middle of the turn is looked at.
            middle = slice(len(own) // 5, len(own) * 4 // 5)
            assert level(other[middle]) < level(own[middle]) / 30, "each side has its own channel"


@every_call
def test_turns_and_labels_are_complete(truth: dict[str, Any]) -> None:
    labels = truth["labels"]
    assert set(labels) == {"topic", "subtopic", "client_mood", "agent_mood", "outcome", "action_items"}
    assert {labels["client_mood"], labels["agent_mood"]} <= MOODS
    assert labels["outcome"].endswith(".")
    assert labels["action_items"]
    turns = truth["turns"]
    assert {turn["role"] for turn in turns} == {"agent", "client"}
    for turn in turns:
        assert 0 < turn["start_s"] < turn["end_s"] < truth["duration_s"]
        if not truth["dual_mono"]:
            assert truth["channel_roles"][turn["channel"]] == turn["role"]
    overlaps = [later["start_s"] < earlier["end_s"] for earlier, later in itertools.pairwise(turns)]
    assert any(overlaps) == truth["overtalk"]


@every_call
def test_topics_are_in_the_example_glossaries(truth: dict[str, Any]) -> None:
    segment = found()[truth["file_name"]].metadata.customer_segment
    assert segment is not None
    glossary = read_yaml_file(PROJECT / "glossaries" / f"{segment}.yaml").value
    topics = {
        topic["topic"]: {subtopic["subtopic"] for subtopic in topic.get("subtopics", [])}
        for topic in glossary["topics"]
    }
    assert truth["labels"]["topic"] in topics
    assert truth["labels"]["subtopic"] in {None, *topics[truth["labels"]["topic"]]}


def test_file_names_and_sidecar_say_what_they_demonstrate() -> None:
    calls = found()
    for name, call in calls.items():
        said = call.metadata
        assert said.started_at is not None, name
        assert said.direction in (Direction.INBOUND, Direction.OUTBOUND), name
        assert said.agent_id in {"4711", "4720", "4733", "4802", "4815"}, name
    by_label = {call.metadata.extra.get("label", name): call.metadata for name, call in calls.items()}
    assert by_label["contract-renewal"].channel_roles == (Role.AGENT, Role.CLIENT)
    transferred = by_label["server-down"]
    assert (transferred.extension, transferred.related_call) == ("204", "20260915-100958")
    from_sidecar = by_label["rec-000017.ogg"]
    assert (from_sidecar.customer_segment, from_sidecar.queue) == (CustomerSegment.B2B, "orders")


def test_one_call_is_narrow_band() -> None:
    (narrow,) = (SAMPLES / "calls").glob("*.wav")
    header = probe_header(narrow)
    assert (header.codec, header.sample_rate_hz) == ("pcm_mulaw", 8000)
