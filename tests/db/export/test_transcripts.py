"""Transcripts as files, read back by parsers that are not ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pysrt
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from db.connection import Database
from db.export.document import Document, Segment
from db.export.documents_json import pca_json
from db.export.lines import cues_of, lines_of, shown, tokens_of
from db.export.subtitles import srt, txt, vtt
from db.export.transcripts import WRITERS, export_transcripts, file_stem
from db.ledger.store import PostgresStore
from pipeline.config.areas.output import OutputSettings, TranscriptFileSettings
from pipeline.records import Role, Word
from tests.db.samples import found, outcome

SETTINGS = TranscriptFileSettings(max_line_chars=24, max_lines=2, max_cue_s=3.0)


def segment(text: str, *, start_s: float = 0.0, end_s: float = 4.0, channel: int = 0, **changes: Any) -> Segment:
    values: dict[str, Any] = {
        "channel": channel,
        "ordinal": 0,
        "role": Role.CLIENT if channel == 0 else Role.AGENT,
        "start_s": start_s,
        "end_s": end_s,
        "text": text,
        "words": None,
        "confidence": None,
        "flags": (),
        "sentiments": {"text": None, "acoustic": None, "fusion": None},
    }
    return Segment(**{**values, **changes})


def document(*segments: Segment) -> Document:
    call = {"call_id": "0123456789", "file_name": "a.wav"}
    return Document(call=call, segments=segments)


HARD = (
    segment("Hello <b>world</b> & friends --> over there, and a longwordthatdoesnotfitanywhereatall."),
    segment("مرحبا، كيف يمكنني مساعدتك اليوم؟", start_s=1.0, end_s=3.0, channel=1),
    segment("", start_s=3.0),
    segment("ok", start_s=3600.5, end_s=3600.5),
)


def test_srt_by_pysrt() -> None:
    cues = pysrt.from_string(srt(document(*HARD), SETTINGS), error_handling=pysrt.ERROR_RAISE)
    assert [cue.index for cue in cues] == list(range(1, len(cues) + 1))
    assert all(cue.start.ordinal < cue.end.ordinal for cue in cues)
    assert [cue.start.ordinal for cue in cues] == sorted(cue.start.ordinal for cue in cues)
    assert cues[-1].text == "Customer: ok"
    assert str(cues[-1].start) == "01:00:00,500"
    assert any(cue.text.startswith("Agent: مرحبا") for cue in cues)


def test_vtt_by_webvtt(tmp_path: Path) -> None:
    path = tmp_path / "x.vtt"
    path.write_text(vtt(document(*HARD), SETTINGS), encoding="utf-8")
    cues = list(webvtt.read(str(path)).captions)
    assert {cue.voice for cue in cues} == {"Customer", "Agent"}
    said = " ".join(cue.text.replace("\n", " ") for cue in cues if cue.voice == "Customer")
    assert "&lt;b&gt;world&lt;/b&gt; &amp; friends --&gt; over" in said or "<b>world</b> & friends --> over" in said
    assert all(cue.start_in_seconds <= cue.end_in_seconds for cue in cues)


def test_quotes_stay_in_subtitles_and_what_would_be_markup_does_not() -> None:
    spoken = document(segment("""say "no" & 'yes' <now>"""))
    wide = TranscriptFileSettings(max_line_chars=80)
    assert """<v Customer>say "no" &amp; 'yes' &lt;now&gt;</v>""" in vtt(spoken, wide)
    assert """Customer: say "no" & 'yes' <now>""" in srt(spoken, wide)


def test_txt_has_a_line_a_segment() -> None:
    assert txt(document(segment("one\ntwo", channel=1), HARD[3]), SETTINGS) == (
        "[00:00:00.000] Agent: one two\n[01:00:00.500] Customer: ok\n"
    )


WORDS = st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40), min_size=1, max_size=40)


@given(WORDS, st.integers(10, 60), st.integers(1, 4), st.floats(0.5, 20), st.booleans())
def test_limits_hold_and_no_word_is_lost(
    texts: list[str], width: int, max_lines: int, longest_s: float, timed: bool
) -> None:
    text = " ".join(texts)
    words = tuple(Word(text=one, start_s=i * 0.4, end_s=i * 0.4 + 0.4) for i, one in enumerate(text.split()))
    one = segment(text, end_s=0.4 * len(words), words=words if timed else None)
    cues = list(cues_of(one, width=width, max_lines=max_lines, longest_s=longest_s))
    assert all(len(lines) <= max_lines for lines in cues)
    assert all(len(line.text) <= width for lines in cues for line in lines)
    for lines in cues:
        shown = [token for line in lines for token in line.tokens]
        assert shown[-1].end_s - shown[0].start_s <= longest_s + 1e-9 or len(shown) == 1
    assert "".join(token.text for lines in cues for line in lines for token in line.tokens) == "".join(text.split())
    starts = [token.start_s for lines in cues for line in lines for token in line.tokens]
    assert starts == sorted(starts)


def test_word_times_are_the_recognisers_where_they_match() -> None:
    words = (Word(text="good", start_s=1.0, end_s=1.5, confidence=0.9), Word(text="day", start_s=2.0, end_s=2.5))
    exact = tokens_of(segment("Good day.", words=words), 40)
    assert [(one.text, one.start_s, one.estimated) for one in exact] == [("Good", 1.0, False), ("day.", 2.0, False)]
    estimated = tokens_of(segment("A good day.", words=words), 40)
    assert [one.estimated for one in estimated] == [True, True, True]
    assert (estimated[0].start_s, estimated[-1].end_s) == (0.0, 4.0)


def test_the_label_takes_room_in_the_first_line() -> None:
    lines = lines_of(tokens_of(segment("aaaa bbbb cccc"), 12), 12, "Agent: ")
    assert [line.text for line in lines] == ["aaaa", "bbbb cccc"]
    assert shown(lines, 12, "Agent: ") == ("Agent: aaaa", "bbbb cccc")


CHINESE = (
    "您好这里是银行客服中心请问有什么可以帮您我的银行卡昨天在火车上丢了想挂失好的请您提供一下身份证号码和姓名好吗谢谢您"
)


def _subtitle_lines(text: str, width: int, max_lines: int = 2, longest_s: float = 60.0) -> list[list[str]]:
    settings = TranscriptFileSettings(max_line_chars=width, max_lines=max_lines, max_cue_s=longest_s)
    blocks = srt(document(segment(text)), settings).removesuffix("\n").split("\n\n")
    return [block.split("\n")[2:] for block in blocks]


@pytest.mark.parametrize(
    ("text", "width", "cues"),
    [
        pytest.param(
            "malheureusement c'est impossible", 20,
            [["Customer:", "malheureusement"], ["Customer: c'est", "impossible"]],
            id="a word that fits a line is not cut",
        ),
        pytest.param("so it is", 20, [["Customer: so it is"]], id="beside the label"),
        pytest.param(
            "anticonstitutionnellement dit", 20,
            [["Customer:", "anticonstitutionnell"], ["Customer: ement dit"]], id="longer than a line",
        ),
        pytest.param(
            CHINESE, 42, [["Customer:", CHINESE[:42]], [f"Customer: {CHINESE[42:]}"]], id="no spaces in Chinese"
        ),
    ],
)  # fmt: skip
def test_a_label_stands_alone_rather_than_cut_a_word(text: str, width: int, cues: list[list[str]]) -> None:
    assert _subtitle_lines(text, width) == cues


def test_a_word_that_is_too_long_fills_its_lines() -> None:
    pieces = tokens_of(segment("anticonstitutionnellement dit"), 10)
    assert [piece.text for piece in pieces] == ["anticonsti", "tutionnell", "ement", "dit"]
    assert [line.text for line in lines_of(pieces, 10)] == ["anticonsti", "tutionnell", "ement dit"]


@given(WORDS, st.integers(10, 60), st.integers(1, 4), st.floats(0.5, 20))
def test_without_labels_and_line_breaks_subtitles_are_the_text(
    texts: list[str], width: int, max_lines: int, longest_s: float
) -> None:
    cues = _subtitle_lines(" ".join(texts), width, max_lines, longest_s)
    lines = []
    for cue in cues:
        assert len(cue) <= max(2, max_lines)
        assert all(0 < len(line) <= width for line in cue)
        label, _, first = cue[0].partition(":")
        assert label == "Customer"
        lines += [first.removeprefix(" "), *cue[1:]] if first else cue[1:]
    assert "".join(lines).replace(" ", "") == "".join(texts)
    if all(len(word) <= width for word in texts):
        assert " ".join(lines) == " ".join(texts)


@pytest.mark.parametrize("hours", [0, 1, -8])
def test_the_time_of_a_conversation_does_not_depend_on_the_sessions_zone(hours: int) -> None:
    moment = datetime(2026, 11, 20, 8, 30, 0, 250_000, tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    written = json.loads(pca_json(_described(moment), SETTINGS))["ConversationAnalytics"]["ConversationTime"]
    assert written == "2026-11-20 08:30:00.250000Z"
    assert datetime.fromisoformat(written) == moment


def test_a_conversation_without_a_time() -> None:
    assert json.loads(pca_json(_described(None), SETTINGS))["ConversationAnalytics"]["ConversationTime"] is None


def _described(started_at: datetime | None) -> Document:
    call = dict.fromkeys(
        (
            "agent_id", "language", "duration_s", "summary", "topic", "action_items", "source_uri", "sample_rate_hz",
            "channels", "file_name", "asr_model", "silence_s",
        )
    )  # fmt: skip
    return Document(
        call={**call, "call_id": "0123456789", "sentiment_trends": {}, "started_at": started_at}, segments=()
    )


# ----------------------------------------------------------------------------------------- from the tables


@pytest.fixture
def call_id(store: PostgresStore, run_id: str) -> str:
    one = store.claim_call(found("../../evil name?.wav"), "aa", None)
    store.save_call(outcome(one, run_id, found("../../evil name?.wav")))
    return one


def test_every_format_from_the_tables(database: Database, call_id: str, tmp_path: Path) -> None:
    formats = tuple(WRITERS)
    output = OutputSettings(transcripts=TranscriptFileSettings(formats=formats))
    paths = export_transcripts(database, [call_id], tmp_path, output)
    assert [path.parent for path in paths] == [tmp_path] * len(formats)
    assert {path.name.split(".", 1)[0] for path in paths} == {f"evil name-{call_id[:8]}"}
    contents = dict(zip(formats, [path.read_text(encoding="utf-8") for path in paths], strict=True))

    own = json.loads(contents["json"])
    first = own["segments"][0]
    assert (first["role"], first["lines"][0]["words"][0]["text"], own["topic"]) == ("client", "hello", "Billing")
    assert first["lines"][0]["words"][1]["start_s"] == pytest.approx(2 / 6)
    assert first["sentiment"]["fusion"]["negative"] == 0.8

    pca = json.loads(contents["pca_json"])
    assert pca["ConversationAnalytics"]["SpeakerLabels"][1] == {"Speaker": "spk_1", "DisplayText": "Agent"}
    assert pca["ConversationAnalytics"]["SentimentTrends"]["spk_1"]["SentimentPerQuarter"][1]["Score"] is None
    assert [one["SentimentIsNegative"] for one in pca["SpeechSegments"]] == [1, 0, 0]

    lens = json.loads(contents["contact_lens_json"])
    assert [one["ParticipantRole"] for one in lens["Transcript"]] == ["CUSTOMER", "AGENT", "CUSTOMER"]
    assert lens["Transcript"][1]["BeginOffsetMillis"] == 2500
    assert lens["Transcript"][1]["Sentiment"] == "POSITIVE"
    assert lens["ConversationCharacteristics"]["TalkTime"]["DetailsByParticipant"]["AGENT"] == {"TotalTimeMillis": 2000}

    assert len(pysrt.from_string(contents["srt"])) == 3
    assert contents["txt"].splitlines()[1] == "[00:00:02.500] Agent: I am sorry I will refund it"


def test_names_of_files_are_ours() -> None:
    for name in ("..", "", "a/b", "\u202egnp.exe", "x" * 400, "é" * 400, ".hidden"):
        stem = file_stem(Document(call={"call_id": "0123456789", "file_name": name}, segments=()))
        assert "/" not in stem
        assert not stem.startswith(".")
        assert len(stem.encode()) < 140
        assert stem.endswith("-01234567")
