# ruff: noqa: E501 - an export stands on one line
"""Sidecars as recorders and spreadsheets write them."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records import CallMetadata, Direction, SkippedFile
from pipeline.sources.metadata.exports import BadSidecar, read_export
from pipeline.sources.metadata.times import read_time
from tests.pipeline.sources.helpers import calls, discover, put, reasons

START = datetime(2026, 11, 26, 9, 15, 2, tzinfo=UTC)
COLUMNS = {"file_name": "file_name"}
UUID = "0f0b6f4e-1c2d-4e5f-8a9b-0c1d2e3f4a5b"
TABLE = "file_name,agent_id,started_at\na.wav,4711,2026-11-26T09:15:02Z\n"


def said_of(folder: Path, name: str = "a.wav", **settings: object) -> CallMetadata:
    return calls(discover(folder, **settings))[name].metadata


def messages(folder: Path, **settings: object) -> list[str]:
    return [item.message for item in discover(folder, **settings) if isinstance(item, SkippedFile)]


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.replace(",", ";").encode("utf-8-sig"),
        TABLE.replace(",", "\t").encode("utf-16"),
        TABLE.replace(",", ";").encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"),
        ("sep=;\r\n" + TABLE.replace(",", ";").replace("\n", "\r\n")).encode(),
        ('"sep=|"\n' + TABLE.replace(",", "|")).encode("utf-16"),
        ("sep=\t\n" + TABLE.replace(",", "\t")).encode(),
        b'"file_name";"note, long, with commas, many, of, them";agent_id;started_at\na.wav;x;4711;2026-11-26T09:15:02Z\n',
        b"File Name;Agent ID;Start Time;Duration\na.wav;4711;2026-11-26 09:15:02;15\n",
        b"Recording,Agent Name,Segment Start Time\na.wav,4711,2026-11-26 09:15:02\n",
        b"Recording File,Agent,Call Date,Start Time\na.wav,4711,2026-11-26,09:15:02\n",
        b"file_name;agent_id;date;time\na.wav;4711;2026-11-26;09:15:02\n",
    ],
)  # fmt: skip
def test_tables_are_read_as_programmes_write_them(tmp_path: Path, content: bytes) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", content)
    assert messages(tmp_path) == []
    said = said_of(tmp_path)
    assert (said.agent_id, said.started_at) == ("4711", START)


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["05/06/2026 09:15", "13/06/2026 09:15"], [(6, 5), (6, 13)]),
        (["05/06/2026 9:15 AM", "06/13/2026 9:15 AM"], [(5, 6), (6, 13)]),
        (["5-6-26 09:15:00", "6-13-26 09:15:00"], [(5, 6), (6, 13)]),
        (["05.06.2026 09:15", "06.05.2026 09:15"], [(6, 5), (5, 6)]),
        (["05/06/2026", "07/08/2026"], [None, None]),
        (["05/06/2026", "13/06/2026", "06/13/2026"], [None, (6, 13), (6, 13)]),
        (["05/05/2026", "07/08/2026"], [(5, 5), None]),
    ],
)
def test_a_whole_column_decides_whether_the_day_comes_first(
    tmp_path: Path, texts: list[str], days: list[tuple[int, int] | None]
) -> None:
    rows = "".join(f"{number}.wav,{text}\n" for number, text in enumerate(texts))
    for number in range(len(texts)):
        put(tmp_path / f"{number}.wav")
    put(tmp_path / "calls.csv", f"file_name,started_at\n{rows}".encode())
    found = calls(discover(tmp_path))
    read = [found[f"{number}.wav"].metadata for number in range(len(texts))]
    assert [said.started_at and (said.started_at.month, said.started_at.day) for said in read] == days
    open_ones = [said.extra for said in read if said.started_at is None]
    assert all("started_at_ambiguous" in extra for extra in open_ones)
    assert any("input.sidecar.started_at_formats" in message for message in messages(tmp_path)) == (None in days)


def test_an_afternoon_and_a_setting_for_american_dates(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", b"file_name,started_at\na.wav,05/06/2026 09:15 PM\n")
    said = said_of(tmp_path, sidecar={"started_at_formats": ["%m/%d/%Y %I:%M %p"]})
    assert said.started_at == datetime(2026, 5, 6, 21, 15, tzinfo=UTC)
    put(tmp_path / "calls.csv", b"file_name,started_at\na.wav,05/13/2026 12:15:30 am\n")
    assert said_of(tmp_path).started_at == datetime(2026, 5, 13, 0, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026/11/26 9:15 PM", "2026-11-26T21:15:00-05:00"),
        ("Nov 26, 2026 9:15 PM", "2026-11-26T21:15:00-05:00"),
        ("Thursday, November 26, 2026 9:15:02 a.m.", "2026-11-26T09:15:02-05:00"),
        ("26-NOV-26 09.15.02.000000 PM", "2026-11-26T21:15:02-05:00"),
        ("26 Nov 2026", "2026-11-26T00:00:00-05:00"),
        ("Thu, 26 Nov 2026 09:15:02 GMT", "2026-11-26T09:15:02+00:00"),
        ("Thu Nov 26 09:15:02 PDT 2026", "2026-11-26T09:15:02-07:00"),
        ("2026-11-26 09:15:02 UTC", "2026-11-26T09:15:02+00:00"),
        ("2026-11-26T09:15:02Z[UTC]", "2026-11-26T09:15:02+00:00"),
        ("11/26/2026 9:15:02 AM +01:00", "2026-11-26T09:15:02+01:00"),
        ("26/11/2026 09:15 GMT-0530", "2026-11-26T09:15:00-05:30"),
        ("26.11.2026 09:15 CET", None),
        ("26.11.2026 09:15 Uhr", None),
        ("11/26/2026 13:15 PM", None),
        ("26 Nov 2026 0:15 AM", None),
        ("26 Nob 2026", None),
        ("2026/13/11", None),
    ],
)
def test_a_time_in_words_is_read_whole_or_not_at_all(text: str, wanted: str | None) -> None:
    """`Nov 26, 2026 9:15 PM` was the morning, and `09:15:02 CET` an hour of input.timezone."""
    read = read_time(text, ["auto"], ZoneInfo("America/New_York"))
    assert (read.moment and read.moment.isoformat(), read.remark) == (wanted, None if wanted else "unreadable")


AMAZON_RECORD = {
    "AWSAccountId": "1", "Agent": {"ARN": "arn:x", "Username": "ann"}, "Attributes": {"tier": "gold"}, "Channel": "VOICE",
    "ContactId": UUID, "CustomerEndpoint": {"Address": "+15550100199", "Type": "TELEPHONE_NUMBER"},
    "InitiationMethod": "INBOUND", "InitiationTimestamp": "2026-11-26T09:15:02Z", "LanguageCode": "en-US",
    "Queue": {"ARN": "arn:y", "Name": "billing"},
    "Recording": {"Location": "bucket/connect/x/2026/11/26/a.wav", "Type": "AUDIO"},
}  # fmt: skip
CONTACT_LENS = {
    "Channel": "VOICE", "LanguageCode": "en-US",
    "CustomerMetadata": {"ContactId": UUID, "InputS3Uri": "s3://bucket/connect/a.wav"},
    "Participants": [{"ParticipantId": "1", "ParticipantRole": "AGENT"}],
    "Transcript": [{"Content": "My secret word", "ParticipantId": "1", "Id": "7"}],
}  # fmt: skip
GENESYS_CLOUD = {
    "mediaType": "Call", "conversationId": UUID, "recordingId": "a", "initialDirection": "inbound",
    "ani": "tel:+15550100199", "dnis": "tel:+15550100100", "startTime": "2026-11-26T09:15:02.000Z",
    "userIds": ["ann"], "queueIds": ["billing"],
}  # fmt: skip
GENESYS_DETAIL = {
    "conversationId": UUID, "conversationStart": "2026-11-26T09:15:02Z", "originatingDirection": "inbound",
    "participants": [
        {"purpose": "customer", "sessions": [{"direction": "inbound", "ani": "tel:+15550100199"}]},
        {"purpose": "agent", "userId": "ann", "sessions": [{"segments": [{"queueId": "billing"}]}]},
    ],
}  # fmt: skip
GENESYS_RECORDING = {
    "id": "011AP643CSAPR4FKQGQE31TAES00029V", "callerPhoneNumber": "+15550100199", "dialedPhoneNumber": "100",
    "mediaFiles": [{"mediaId": "a.wav", "startTime": "2026-11-26T09:15:02.000+0000", "callUUID": UUID,
                    "parameters": {"agentId": "ann", "ani": "+15550100199"}}],
}  # fmt: skip
NICE_XML = f"""<?xml version="1.0"?><Recordings><Recording><ContactID>{UUID}</ContactID><FileName>a.wav</FileName>
<AgentID>ann</AgentID><StartTime>2026-11-26T09:15:02Z</StartTime><Direction>Inbound</Direction><ANI>+15550100199</ANI>
<DNIS>100</DNIS><SkillName>billing</SkillName></Recording>
<Recording><ContactID>2</ContactID><FileName>b.wav</FileName><AgentID>bob</AgentID></Recording></Recordings>"""
NICE_FIELDS = f"""<Call><Field name="ContactID" value="{UUID}"/><Field name="AgentID" value="ann"/>
<Field name="FileName" value="a.wav"/><Field name="StartTimeUTC" value="2026-11-26 09:15:02"/>
<Field name="Direction" value="Inbound"/><Field name="ANI" value="+15550100199"/></Call>"""
VERINT_XML = """<?xml version="1.0" encoding="UTF-8"?>
<x:recording x:version="11.2" x:ref="240004044498673" xmlns:x="http://www.verint.com/xmlns/recording20080320">
<x:segment><x:starttime>2026-11-26T12:15:02.000+03:00</x:starttime><x:duration>375</x:duration></x:segment>
<x:contacts><x:contact><x:sessions><x:session><x:agent_id>ann</x:agent_id><x:ani>+15550100199</x:ani>
<x:direction>Inbound</x:direction><x:dnis>7668</x:dnis><x:extension>7668</x:extension>
<x:tags><x:tag><x:attribute x:key="skill">billing</x:attribute></x:tag>
<x:tag><x:attribute x:key="agentname">Ann Roe</x:attribute></x:tag></x:tags>
</x:session></x:sessions></x:contact></x:contacts></x:recording>"""


@pytest.mark.parametrize(
    ("recording", "name", "content", "known"),
    [
        ("a.wav", "calls.json", json.dumps(AMAZON_RECORD), "agent queue other direction language start"),
        ("a.wav", "calls.json", json.dumps([AMAZON_RECORD]), "agent queue other direction language start"),
        ("a.wav", "calls.json", json.dumps(AMAZON_RECORD) + "\n" + json.dumps({"ContactId": "2"}), "agent queue other start"),
        (f"{UUID}_20261126T09:15_UTC.wav", "calls.json", json.dumps({**AMAZON_RECORD, "Recording": None}), "agent queue other"),
        ("a.wav", "calls.json", json.dumps(CONTACT_LENS), "language"),
        ("a.wav", "a.json", json.dumps(CONTACT_LENS), "language"),
        ("a.wav", "a_metadata.json", json.dumps(GENESYS_CLOUD), "agent queue other direction start"),
        ("a.opus", "a.json", json.dumps(GENESYS_CLOUD), "agent queue other direction start"),
        (f"{UUID}_x.wav", "calls.json", json.dumps({"conversations": [GENESYS_DETAIL]}), "agent queue other direction start"),
        ("a.wav", "calls.json", json.dumps(GENESYS_RECORDING), "agent start"),
        ("a.wav", "calls.xml", NICE_XML, "agent queue other direction start"),
        ("a.wav", "calls.xml", NICE_FIELDS, "agent other direction start"),
        ("a.wav", "a.wav.xml", NICE_FIELDS, "agent other direction start"),
        ("240004044498673---7f1c.wav", "240004044498673---0a2b.xml", VERINT_XML, "agent queue other direction start"),
        ("240004044498673.wav", "calls.xml", VERINT_XML, "agent queue other direction start"),
    ],
)  # fmt: skip
def test_exports_of_recorders_are_read(tmp_path: Path, recording: str, name: str, content: str, known: str) -> None:
    put(tmp_path / recording)
    put(tmp_path / name, content.encode())
    said = said_of(tmp_path, recording)
    found = {
        "agent": said.agent_id == "ann",
        "queue": said.queue == "billing",
        "other": said.extra.get("other") == "+15550100199",
        "direction": said.direction is Direction.INBOUND,
        "language": said.language == "en",
        "start": said.started_at == START,
    }
    assert {key for key, right in found.items() if right} >= set(known.split()), said
    assert not any("secret" in value for value in said.extra.values()), "no words of a call"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "JSON"),
        (b'{"file_name": ', "not JSON"),
        (b'{"nothing": [1, 2]}', "no record in it"),
        (b"<calls><call>", "not XML"),
        (b"<a>" * 20_000, "XML"),
        (b"<a>" * 20_000 + b"</a>" * 20_000, "nested too deeply"),
        (b"[".ljust(64 * 2**20 + 1), "JSON over 64 MB is not read"),
        (b"<a>".ljust(64 * 2**20 + 1), "XML over 64 MB is not read"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><calls><file_name>&a;</file_name></calls>', "document type"),
        (b'<?xml version="1.0" encoding="klingon"?><calls/>', "not XML"),
        (b"\x00\x01\x02\x03", "no column"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_sidecar_of_garbage_costs_only_itself(tmp_path: Path, content: bytes, words: str) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.json", content)
    items = discover(tmp_path)
    assert "a.wav" in calls(items)
    assert reasons(items) == {"calls.json": "bad_sidecar"}
    assert any(words in item.message for item in items if isinstance(item, SkippedFile)), items


def test_a_sidecar_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", TABLE.encode())
    put(tmp_path / "below/b.wav")
    put(tmp_path / "below/calls.csv")
    os.truncate(tmp_path / "below/calls.csv", 256 * 2**20 + 1)
    (tmp_path / "calls.json").mkdir()
    put(tmp_path / "below/b.json", b'{"agent_id": ')
    assert said_of(tmp_path).agent_id == "4711"
    assert messages(tmp_path) == [
        "cannot be read: Is a directory",
        "over 256 MB; it is not read",
        "not JSON: Expecting value: line 1 column 14 (char 13)",
        "its suffix is not in input.extensions",
    ]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("file_name;agent_id\na.wav;4711\n", []),
        ("file_name;agent_id\n\na.wav;4711\n", []),
        ("file_name;agent_id\nb.wav\na.wav;4711\n", ["row 2: 1 cells under 2 titles; the row is not used"]),
        ("file_name;agent_id\na.wav;4711\nb.wav;1;2\n", ["row 3: 3 cells under 2 titles; the row is not used"]),
        ("sep=;\nfile_name;agent_id\nb.wav;1;2\na.wav;4711\n", ["row 3: 3 cells under 2 titles; the row is not used"]),
    ],
    ids=["whole", "an empty line", "too few", "too many", "behind a line for spreadsheets"],
)
def test_a_row_that_does_not_fit_its_titles_is_told_by_its_line(tmp_path: Path, table: str, told: list[str]) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", table.encode())
    assert said_of(tmp_path).agent_id == "4711"
    assert [message for message in messages(tmp_path) if "extensions" not in message] == told


def test_a_leafs_attributes_say_less_than_its_text(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    text = '<call><file_name>a.wav</file_name><agent_id type="text">4711</agent_id><queue kind="x"/></call>'
    put(tmp_path / "calls.xml", text.encode())
    said = said_of(tmp_path)
    assert (said.agent_id, said.queue) == ("4711", None)


def test_values_no_table_can_hold_are_made_fit(tmp_path: Path) -> None:
    for name in "abcde":
        put(tmp_path / f"{name}.wav")
    records = [
        {"file_name": "a.wav", "extension": "9" * 9000, "started_at": "9" * 5000},
        {"file_name": "b.wav", "agent_id": "a\ud800\x00b", "started_at": "1e400", "\x00": "x"},
        {"file_name": "c.wav", "started_at": "9999-12-31T23:59:59-12:00"},
        {"file_name": "d.wav", "started_at": "0001-01-01T00:00:00+12:00"},
        {"file_name": "e.wav", "started_at": "-62135596801"},
    ]
    put(tmp_path / "calls.json", json.dumps(records).encode())
    found = {name: call.metadata for name, call in calls(discover(tmp_path)).items()}
    assert all(said.started_at is None for said in found.values())
    assert found["b.wav"].agent_id == "a\ufffd\ufffdb"
    for said in found.values():
        text = json.dumps([said.agent_id, said.extension, *said.extra.items()], ensure_ascii=False)
        assert "\\u0000" not in text
        assert len(text.encode()) < 5000


def test_a_number_without_end_and_a_cell_without_end_cost_their_row(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.json", b'[{"file_name": "a.wav", "agent_id": 0042, "x": 1}]'.replace(b"0042", b"4" * 6000))
    assert said_of(tmp_path).agent_id is None, "longer than any name"
    (tmp_path / "calls.json").unlink()
    put(tmp_path / "calls.csv", b"file_name,note,agent_id\na.wav," + b"x" * 200_000 + b",7\nb.wav,,8\n")
    put(tmp_path / "b.wav")
    found = calls(discover(tmp_path))
    assert [found[name].metadata.agent_id for name in ("a.wav", "b.wav")] == ["7", "8"]


def test_rows_that_match_nothing_are_counted_and_named(tmp_path: Path) -> None:
    for name in ("a.wav", "b.mp3", "small.wav", "notes.txt"):
        put(tmp_path / name, b"x" if name == "small.wav" else None)
    rows = ["A.WAV", "b.wav", "small.wav", *(f"gone{number}.wav" for number in range(20))]
    put(tmp_path / "calls.csv", ("file_name,agent_id\n" + "".join(f"{name},1\n" for name in rows)).encode())
    near, far = messages(tmp_path)[-2:]
    assert near.startswith("2 of 23 rows differ from a recording's name only in case or suffix"), near
    assert "not used: A.WAV (a.wav), b.wav (b.mp3);" in near
    assert far.startswith("20 of 23 rows match no recording: gone0.wav,")
    assert far.endswith("and 15 more")
    assert said_of(tmp_path).agent_id is None
    loose = {"match": "loose"}
    assert said_of(tmp_path, sidecar=loose).agent_id == "1"
    assert said_of(tmp_path, "b.mp3", sidecar=loose).agent_id == "1"
    assert messages(tmp_path, sidecar=loose)[-1].startswith("20 of 23")


def test_one_recording_named_by_hand_reports_no_rows_of_its_neighbours(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "b.json", b'{"agent_id": "8"}')
    put(tmp_path / "calls.csv", b"file_name,agent_id\na.wav,7\nb.wav,8\n")
    assert messages(tmp_path / "a.wav") == []
    assert said_of(tmp_path / "a.wav").agent_id == "7"


def test_json_beside_a_recording_that_says_nothing_of_a_call_is_no_sidecar(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "a.json", b'{"text": "good morning", "segments": [{"start": 0}]}')
    put(tmp_path / "b.json", b'{"agent_id": "7"}')
    items = discover(tmp_path)
    assert reasons(items) == {"a.json": "other_type", "b.json": "other_type"}
    assert calls(items)["a.wav"].metadata == CallMetadata(extra={})


def test_absolute_paths_and_addresses_name_their_last_part(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav", "other/d.wav"):
        put(tmp_path / name)
    rows = (
        b"file_name,agent_id\n/var/spool/a.wav,1\nC:\\rec\\b.wav,2\nhttps://x.example/c.wav?token=1,3\ndeep/d.wav,4\n"
    )
    put(tmp_path / "calls.csv", rows)
    found = calls(discover(tmp_path))
    assert [found[name].metadata.agent_id for name in ("a.wav", "b.wav", "c.wav", "d.wav")] == ["1", "2", "3", None]


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=100) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_break_the_reading(content: bytes) -> None:
    for head in (b"", b"{", b"[{", b"<a>", b"file_name;x\n", b"\xff\xfe"):
        with contextlib.suppress(BadSidecar):
            list(read_export(head + content, COLUMNS, None, None))


@pytest.mark.parametrize(
    ("title", "wanted"),
    [("StartTimeUTC", START), ("GMT start time", START), ("Start Time", START + timedelta(hours=5))],
)
def test_a_title_may_say_that_times_are_in_utc(tmp_path: Path, title: str, wanted: datetime) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", f"file_name,{title}\na.wav,2026-11-26 09:15:02\n".encode())
    assert said_of(tmp_path, timezone="America/New_York").started_at == wanted


@pytest.mark.parametrize(
    ("direction", "other"), [("Inbound", "+15550100199"), ("OUTBOUND", "100"), ("internal", None), ("", None)]
)
def test_the_other_end_is_the_caller_or_the_called_by_direction(
    tmp_path: Path, direction: str, other: str | None
) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", f"file_name,Direction,ANI,DNIS\na.wav,{direction},sip:+15550100199,tel:100\n".encode())
    assert said_of(tmp_path).extra.get("other") == other


@pytest.mark.parametrize("title", ["Customer ID", "accountNumber", "customer", "Contact.CustomerId"])
def test_the_customers_key_has_many_titles(tmp_path: Path, title: str) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", f"file_name,Direction,{title}\na.wav,inbound,C-19\n".encode())
    assert said_of(tmp_path).extra.get("customer") == "C-19"


def test_a_column_named_by_hand_is_taken_for_nothing_else(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    put(tmp_path / "calls.csv", b"file_name,Agent,Skill\na.wav,billing,ann\n")
    said = said_of(tmp_path, sidecar={"columns": {"file_name": "file_name", "queue": "Agent", "agent_id": "Skill"}})
    assert (said.queue, said.agent_id) == ("billing", "ann")
    said = said_of(tmp_path, sidecar={"columns": {"file_name": "file_name", "queue": "Agent"}})
    assert (said.queue, said.agent_id) == ("billing", None)


@pytest.mark.parametrize(("key", "agent"), [("77", None), ("1793500200", "7")])
def test_a_short_key_stands_in_a_name_by_chance(tmp_path: Path, key: str, agent: str | None) -> None:
    put(tmp_path / f"x_{key}.wav")
    put(tmp_path / "calls.csv", f"call_id,agent_id\n{key},7\n".encode())
    assert said_of(tmp_path, f"x_{key}.wav").agent_id == agent
