# ruff: noqa: E501 - a name and what it says stand on one line
"""The names of the recorders people have, as they ship; and variants of each kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.config.areas.file_names import SHIPPED
from pipeline.config.areas.sources import InputSettings
from pipeline.records import CallMetadata, Direction
from pipeline.sources.metadata.reader import MetadataReader

NEW_YORK = "America/New_York"
READER = MetadataReader(InputSettings(timezone=NEW_YORK))
HERE = datetime(2026, 11, 26, 9, 15, 2, tzinfo=ZoneInfo(NEW_YORK))
KEY = "1793500200.42"
UUID = "0f0b6f4e-1c2d-4e5f-8a9b-0c1d2e3f4a5b"
SID = "0123456789abcdef" * 2


def read(name: str) -> CallMetadata:
    return READER.from_name(name, name)


def said(call: CallMetadata) -> dict[str, Any]:
    """What is known, in one dictionary."""
    plain = {
        "started_at": call.started_at,
        "direction": call.direction,
        "extension": call.extension,
        "queue": call.queue,
        "agent_id": call.agent_id,
    }
    return {name: value for name, value in {**plain, **call.extra}.items() if value is not None}


@pytest.mark.data
def test_the_cases_at_hand_are_read(request: pytest.FixtureRequest) -> None:
    path = Path(request.config.getoption("--data")) / "cases" / "file_names.json"
    if not path.exists():
        pytest.skip(f"no {path}")
    for case in json.loads(path.read_text(encoding="utf-8")):
        found = said(read(case["name"]))
        wanted = {field: value for field, value in case.items() if field not in ("name", "kind", "started_at")}
        assert {field: found.get(field) for field in wanted} == wanted, case
        moment, remark = _start(case["started_at"])
        assert found["started_at"] == moment or found["started_at"].astimezone(UTC) == moment, case
        assert remark is None or f"started_at_{remark}" in found, case


def _start(text: str) -> tuple[datetime, str | None]:
    if "ambiguous" in text:
        return datetime(2026, 11, 1, 5, 30, tzinfo=UTC), "ambiguous"
    if "does not exist" in text:
        return datetime(2026, 3, 8, 7, 30, tzinfo=UTC), "shifted"
    moment = datetime.fromisoformat(text.split(maxsplit=1)[0])
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(NEW_YORK)), None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        # FreePBX and Asterisk
        (f"in-201-5550100199-20261126-091502-{KEY}.wav", {"direction": "inbound", "extension": "201", "other": "5550100199", "call_key": KEY}),
        (f"external-201-+15550100199-20261126-091502-{KEY}.WAV", {"direction": "inbound", "extension": "201", "other": "+15550100199", "call_key": KEY}),
        (f"out-5550100199-201-20261126-091502-{KEY}.wav49", {"direction": "outbound", "extension": "201", "other": "5550100199", "call_key": KEY}),
        (f"internal-202-201-20261126-091502-pbx1-{KEY}.wav", {"direction": "internal", "extension": "202", "other": "201", "call_key": f"pbx1-{KEY}"}),
        (f"rg-600-5550100199-20261126-091502-{KEY}.wav", {"direction": "inbound", "ring_group": "600", "other": "5550100199", "call_key": KEY}),
        (f"exten-201-5550100199-20261126-091502-{KEY}.wav", {"extension": "201", "other": "5550100199", "call_key": KEY}),
        (f"force-5550100199-3201-20261126-091502-{KEY}.wav", {"extension": "3201", "other": "5550100199", "call_key": KEY}),
        (f"conf-800-201-20261126-091502-{KEY}.wav", {"conference": "800", "other": "201", "call_key": KEY}),
        (f"OUT201-20261126-091502-{KEY}.wav", {"direction": "outbound", "extension": "201", "call_key": KEY}),
        (f"q400-20261126-091502-{KEY}.wav", {"direction": "inbound", "queue": "400", "call_key": KEY}),
        (f"g600-20261126-091502-{KEY}.wav", {"direction": "inbound", "ring_group": "600", "call_key": KEY}),
        (f"20261126-091502-{KEY}.wav", {"call_key": KEY}),
        (f"in-201-5550100199-20261126-091502-{KEY}-out.wav", {"direction": "inbound", "extension": "201", "other": "5550100199", "call_key": KEY, "leg": "out"}),
        # 3CX
        ("[Doe, John]_201-0015550100199_20261126091502(135).wav", {"direction": "outbound", "extension": "201", "other": "0015550100199", "call_key": "135", "label": "Doe, John"}),
        ("[Doe]_+15550100199-201_20261126091502(135).wav", {"direction": "inbound", "extension": "201", "other": "+15550100199", "call_key": "135", "label": "Doe"}),
        ("[x]_201-202_20261126091502(1).wav", {"direction": "internal", "extension": "202", "other": "201", "call_key": "1", "label": "x"}),
        ("[x]_anonymous-201_20261126091502(1).wav", {"from": "anonymous", "to": "201", "call_key": "1", "label": "x"}),
        # Android
        ("20261126_091502_out_+15550100199_Jane Roe.oga", {"direction": "outbound", "other": "+15550100199", "label": "Jane Roe"}),
        ("Call recording +15550100199_261126_091502.m4a", {"other": "+15550100199"}),
        ("Call recording Jane Roe_261126_091502.m4a", {"label": "Jane Roe"}),
        ("Jane Roe(5550100199)_20261126091502.mp3", {"label": "Jane Roe", "other": "5550100199"}),
        ("Jane@5550100199_20261126091502.amr", {"label": "Jane", "other": "5550100199"}),
        ("+15550100199_20261126-091502.3gp", {"other": "+15550100199"}),
        ("phone_20261126-091502_+15550100199.amr", {"other": "+15550100199"}),
        # anywhere in a name
        ("call_2026-11-26_09-15-02_inbound.mp3", {"direction": "inbound"}),
        ("REC 2026.11.26 09.15.02.mp3", {}),
        ("20261126-091502-1000.wav", {}),
    ],
)  # fmt: skip
def test_names_of_recorders_are_read(name: str, wanted: dict[str, object]) -> None:
    assert said(read(name)) == {"started_at": HERE, **wanted}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (f"{KEY}-in.wav", {"started_at": datetime.fromtimestamp(1793500200, UTC), "call_key": KEY, "leg": "in"}),
        ("auto-1793500200-201-5550100199.wav", {"started_at": datetime.fromtimestamp(1793500200, UTC), "from": "201", "to": "5550100199"}),
        ("011AP643CSAPR4FKQGQE31TAES00029V_2026-11-26_09-15-02-006B015F-00000001.mp3", {"started_at": HERE.replace(tzinfo=UTC), "call_key": "011AP643CSAPR4FKQGQE31TAES00029V"}),
        (f"{UUID}_{UUID}.opus", {"call_key": UUID, "recording_key": UUID}),
        (f"{UUID}.ogg", {"call_key": UUID}),
        (f"{UUID}_20261126T09:15_UTC.wav", {"started_at": datetime(2026, 11, 26, 9, 15, tzinfo=UTC), "call_key": UUID}),
        (f"{UUID}_20261126T09_15_UTC.wav", {"started_at": datetime(2026, 11, 26, 9, 15, tzinfo=UTC), "call_key": UUID}),
        (f"RE{SID}.mp3", {"call_key": f"RE{SID}"}),
        (f"CA{SID}_RE{SID}.wav", {"call_key": f"CA{SID}", "recording_key": f"RE{SID}"}),
        ("20261126T091502+0100.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=1)))}),
        ("20261126T091502-1000.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=-10)))}),
        ("20261126_091502.881926-0400_in.oga", {"started_at": HERE.replace(microsecond=881926, tzinfo=timezone(timedelta(hours=-4))), "direction": "inbound"}),
        ("20261126T091502+01.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=1)))}),
        ("20261101-013000_EST_in.wav", {"started_at": datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "direction": "inbound"}),
        ("20261126-091502 UTC.wav", {"started_at": HERE.replace(tzinfo=UTC)}),
        ("20261126_091502UTC_in.wav", {"started_at": HERE.replace(tzinfo=UTC), "direction": "inbound"}),
        ("20261126-091502_GMT+0100.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=1)))}),
        ("2026-11-26 09-15-02 GMT-5.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=-5)))}),
        ("2026-11-26T09_15_02-05_00.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=-5)))}),
        ("2026-11-26T09-15-02+05-30.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=5.5)))}),
        ("2026-11-26T09:15:02 -04:00.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=-4)))}),
        ("20261126_091502_+0100_in.wav", {"started_at": HERE.replace(tzinfo=timezone(timedelta(hours=1))), "direction": "inbound"}),
        ("2026-11-26 09-15-02 PM.wav", {"started_at": HERE.replace(hour=21)}),
        ("2026-11-26 12.15.02am.wav", {"started_at": HERE.replace(hour=0)}),
        ("20261126_091502_+15550100199.wav", {"started_at": HERE, "label": "+15550100199"}),
        ("20261126T091502-01.wav", {"started_at": HERE}),
        ("20261101-013000+0100_inbound.wav", {"started_at": datetime(2026, 11, 1, 0, 30, tzinfo=UTC), "direction": "inbound"}),
    ],
)  # fmt: skip
def test_names_with_a_zone_or_a_key_of_their_own_are_read(name: str, wanted: dict[str, object]) -> None:
    assert said(read(name)) == wanted


moments = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1)).map(lambda moment: moment.replace(microsecond=0))
offsets = st.sampled_from(["", "Z", "+0000", "+0100", "+05:30", "-0400", "-03:30", "+1400"])
forms = st.sampled_from(["%Y%m%d-%H%M%S", "%Y%m%d_%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d%H%M%S", "%Y-%m-%d_%H-%M-%S", "%Y-%m-%dT%H:%M:%S", "%Y.%m.%d %H.%M.%S"])  # fmt: skip
around = st.sampled_from(
    ["{}.wav", "{}_inbound.wav", "call_{}.wav", "rec {} .mp3", "{}_in_+15550100199.oga", "x-{}(7).wav"]
)


@given(moments, offsets, forms, around)
def test_a_stamp_is_read_with_its_offset_wherever_it_stands(
    moment: datetime, offset: str, form: str, name: str
) -> None:
    found = MetadataReader(InputSettings(timezone="Asia/Tokyo")).from_name(
        name.format(moment.strftime(form) + offset), ""
    )
    zone = ZoneInfo("Asia/Tokyo") if not offset else datetime.strptime(f"2000{offset}", "%Y%z").tzinfo
    assert found.started_at == moment.replace(tzinfo=zone), found


@given(
    st.sampled_from(["in", "external", "out", "internal"]),
    st.from_regex(r"\A[1-9]\d{2,5}\Z"),
    st.from_regex(r"\A\+?[1-9]\d{6,12}\Z"),
    moments,
    st.from_regex(r"\A(pbx\d?-)?1\d{9}\.\d{1,6}\Z"),
)
def test_every_freepbx_name_gives_number_extension_and_key(
    kind: str, extension: str, number: str, moment: datetime, key: str
) -> None:
    parties = f"{number}-{extension}" if kind == "out" else f"{extension}-{number}"
    found = said(read(f"{kind}-{parties}-{moment:%Y%m%d-%H%M%S}-{key}.wav"))
    assert (found["extension"], found["other"], found["call_key"]) == (extension, number, key)
    direction = {"out": Direction.OUTBOUND, "internal": Direction.INTERNAL}.get(kind, Direction.INBOUND)
    assert found["direction"] is direction


def test_a_leg_of_mixmonitor_is_no_direction() -> None:
    assert read(f"{KEY}-in.wav").direction is None


@pytest.mark.parametrize(
    "name", ["20260914-101502.3gp", "20260914-101502_x.3gp", "20260914101502.w64", "2026-09-14T10:15:02.m4a"]
)
def test_a_suffix_that_begins_with_a_digit_is_no_fraction(name: str) -> None:
    assert read(name).started_at == datetime(2026, 9, 14, 10, 15, 2, tzinfo=ZoneInfo(NEW_YORK))


def test_patterns_are_chosen_by_name_or_written() -> None:
    only = MetadataReader(InputSettings.model_validate({"patterns": ["twilio", r"^(?P<agent_id>\d+)_"]}))
    assert only.from_name("4711_x.wav", "").agent_id == "4711"
    assert only.from_name(f"RE{SID}.wav", "").extra["call_key"] == f"RE{SID}"
    assert only.from_name("20261126-091502.wav", "").started_at is None
    with pytest.raises(ValidationError, match="choices: auto, android"):
        InputSettings.model_validate({"patterns": ["cisco"]})


def test_the_settings_written_out_read_the_same() -> None:
    settings = InputSettings.model_validate({"patterns": ["asterisk", r"(?P<queue>a)", "auto"]})
    assert InputSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert set(SHIPPED) >= {"android", "freepbx", "asterisk", "3cx", "genesys", "twilio"}


@given(st.text(max_size=60))
def test_no_name_breaks_the_reading_of_the_shipped_patterns(name: str) -> None:
    read(name)
