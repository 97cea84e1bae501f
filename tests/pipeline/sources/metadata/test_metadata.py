from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.sources import InputSettings
from pipeline.records import CallMetadata, CustomerSegment, Direction, Role
from pipeline.sources.addresses import file_path, file_uri, object_parts, object_uri, zip_parts, zip_uri
from pipeline.sources.metadata.reader import MetadataReader, merged


def read(name: str, relative: str | None = None, **settings: object) -> CallMetadata:
    return MetadataReader(InputSettings.model_validate(settings)).from_name(name, relative or name)


def test_the_default_pattern_reads_all_that_a_name_says() -> None:
    said = read("20260914-101502_inbound_agent-4711_b2c_q-billing_x-204_from-8812_ch-agent+client_wrong.wav")
    assert said == CallMetadata(
        started_at=datetime(2026, 9, 14, 10, 15, 2, tzinfo=ZoneInfo("UTC")),
        direction=Direction.INBOUND,
        agent_id="4711",
        customer_segment=CustomerSegment.B2C,
        queue="billing",
        extension="204",
        related_call="8812",
        channel_roles=(Role.AGENT, Role.CLIENT),
        extra={"label": "wrong"},
    )
    assert pickle.loads(pickle.dumps(said)) == said, "goes to other processes"


@pytest.mark.parametrize("name", ["call.wav", "2026.wav", "", "20260914.wav", "x20260914-101502.wav"])
def test_a_name_that_says_nothing_gives_nothing(name: str) -> None:
    assert read(name) == CallMetadata(extra={})


@pytest.mark.parametrize(
    ("pattern", "name", "field", "value"),
    [
        ({"pattern": r"(?P<direction>\w+)-"}, "OUT-1.wav", "direction", Direction.OUTBOUND),
        ({"pattern": r"(?P<segment>\w+)-"}, "Business-1.wav", "customer_segment", CustomerSegment.B2B),
        ({"pattern": r"_(?P<language>\w\w)\."}, "a_DE.wav", "language", "de"),
        ({"pattern": r"_(?P<language>[\w-]+)\."}, "a_de-AT.wav", "language", "de"),
        (
            {"pattern": r"_(?P<channel_roles>\w+-\w+)\."},
            "a_caller-agent.wav",
            "channel_roles",
            (Role.CLIENT, Role.AGENT),
        ),
        ({"pattern": r"^(?P<agent_id>[^/]+)/", "match": "path"}, "ann/x/1.wav", "agent_id", "ann"),
        (
            {"pattern": r"(?P<started_at>\d{13})", "started_at_formats": ["epoch_ms"]},
            "1789380902000.wav",
            "started_at",
            datetime(2026, 9, 14, 10, 15, 2, tzinfo=UTC),
        ),
        (
            {
                "pattern": r"(?P<date>\d+\.\d+\.\d+)_(?P<time>\d+h\d+)",
                "started_at_formats": ["%d.%m.%Y %Hh%M"],
                "timezone": "Europe/Berlin",
            },
            "14.9.2026_10h15.wav",
            "started_at",
            datetime(2026, 9, 14, 8, 15, tzinfo=UTC),
        ),
        (
            {
                "pattern": r"(?P<started_at>.+)\.wav",
                "started_at_formats": ["%Y-%m-%dT%H.%M.%S%z"],
                "timezone": "Asia/Tokyo",
            },
            "2026-09-14T10.15.02+0200.wav",
            "started_at",
            datetime(2026, 9, 14, 8, 15, 2, tzinfo=UTC),
        ),
    ],
)
def test_patterns_read_each_field(pattern: dict[str, object], name: str, field: str, value: object) -> None:
    said = read(name.rpartition("/")[2], name, patterns=[pattern])
    assert getattr(said, field) == value


def test_patterns_are_tried_in_order() -> None:
    patterns = [{"pattern": r"^(?P<agent_id>\d{4})_"}, {"pattern": r"^(?P<queue>[a-z]+)_(?P<agent_id>\d+)"}]
    assert read("4711_a.wav", patterns=patterns).agent_id == "4711"
    said = read("sales_12.wav", patterns=patterns)
    assert (said.queue, said.agent_id) == ("sales", "12")


@pytest.mark.parametrize(
    ("pattern", "name", "field", "key"),
    [
        (r"(?P<started_at>\d{8}-\d{6})", "20261399-101502.wav", "started_at", "started_at_unreadable"),
        (r"(?P<direction>\w+)\.", "sideways.wav", "direction", "direction_unreadable"),
        (r"(?P<segment>\w+)\.", "b2x.wav", "customer_segment", "segment_unreadable"),
        (r"(?P<language>\w+)\.", "english.wav", "language", "language_unreadable"),
        (r"(?P<channel_roles>[\w-]+)\.", "agent-somebody.wav", "channel_roles", "channel_roles_unreadable"),
    ],
)
def test_what_cannot_be_read_is_kept_and_not_guessed(pattern: str, name: str, field: str, key: str) -> None:
    said = read(name, patterns=[{"pattern": pattern}])
    assert getattr(said, field) is None
    assert said.extra == {key: name.removesuffix(".wav")}


def test_merging_prefers_the_stronger_and_keeps_the_rest() -> None:
    stronger = CallMetadata(agent_id="1", extra={"a": "strong"})
    weaker = CallMetadata(agent_id="2", queue="sales", extra={"a": "weak", "b": "kept"})
    assert merged(stronger, weaker) == CallMetadata(agent_id="1", queue="sales", extra={"a": "strong", "b": "kept"})


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)


@given(names, names)
def test_addresses_survive_the_round_trip(first: str, second: str) -> None:
    assert file_path(file_uri(f"/{first}")) == Path(f"/{first}")
    archive, member = zip_parts(zip_uri(f"/{first}.zip", second))
    assert (archive, member) == (Path(f"/{first}.zip"), second)
    assert object_parts(object_uri("s3://bucket", second)) == ("s3://bucket", second, None)
    assert object_parts(object_uri("s3://bucket", second, second)) == ("s3://bucket", second, second)


@pytest.mark.parametrize(
    ("parts", "uri", "kind"),
    [
        (file_path, "s3://bucket/a.wav", "a local file"),
        (file_path, "/a.wav", "a local file"),
        (zip_parts, "zip:///a.zip", "an archive member"),
        (zip_parts, "file:///a.zip!/a.wav", "an archive member"),
        (object_parts, "s3://bucket", "an object in a bucket"),
        (object_parts, "s3://bucket/", "an object in a bucket"),
        (object_parts, "file:///a.wav", "an object in a bucket"),
    ],
)
def test_an_address_of_another_kind_is_refused(parts: Callable[[str], object], uri: str, kind: str) -> None:
    with pytest.raises(ValueError, match=f"{uri} is not the address of {kind}"):
        parts(uri)


@given(names)
def test_no_name_breaks_the_reading(name: str) -> None:
    read(name)


def test_what_a_name_leaves_open_and_a_sidecar_settles_is_no_remark() -> None:
    name = CallMetadata(
        started_at=datetime(2026, 11, 1, tzinfo=UTC), extra={"started_at_ambiguous": "x", "direction_unreadable": "y"}
    )
    said = merged(CallMetadata(started_at=datetime(2026, 11, 2, tzinfo=UTC), extra={}), name)
    assert said.remarks == ("direction_unreadable",)
    assert merged(CallMetadata(extra={}), name).remarks == ("direction_unreadable", "started_at_ambiguous")
