"""The call's own sentences beside a model's statements: where they stand, and where they need not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.records import SummaryEvidence, SummaryPart
from analysis.summary.composing import Composed, compose
from analysis.summary.drafts import draft_of
from analysis.summary.own_words import quoted
from pipeline.config.areas.language import SummarySettings
from pipeline.records import CallForAnalysis, Role
from tests.analysis.calls import call

CALL = call(
    ("agent", "Good morning, North Star Telecom, how can I help you?"),
    ("client", "My internet has been down since Monday. I cannot work from home."),
    ("agent", "Which router do you have?"),
    ("client", "The white one."),
    ("agent", "I have checked the line. A technician will come on Thursday."),
)
VERIFIED, DOUBTFUL = "The client has had no internet since Monday.", "The client is worried about the work."


def own(part: SummaryPart, text: str, about: CallForAnalysis = CALL) -> SummaryEvidence:
    (chunk,) = (one for one in about.transcript.chunks if text in one.text)
    return SummaryEvidence(
        part=part, text=text, role=chunk.role, start_s=chunk.start_s, end_s=chunk.end_s, channel=chunk.channel,
        chunk=chunk.ordinal,
    )  # fmt: skip


REASON = own(SummaryPart.REASON, "My internet has been down since Monday.")
OUTCOME = own(SummaryPart.OUTCOME, "A technician will come on Thursday.")
CHECKED = own(SummaryPart.OUTCOME, "I have checked the line.")
DETAIL = [own(SummaryPart.DETAIL, "Which router do you have?"), own(SummaryPart.DETAIL, "The white one.")]


def composed(*sentences: SummaryEvidence, unsupported: str = "drop", **fields: str) -> Composed:
    said = {"reason": "", "done": "", "outcome": ""} | fields
    settings = SummarySettings.model_validate({"unsupported": unsupported})
    return compose(draft_of(CALL, settings), [said], settings, None, own=[list(sentences)])


@pytest.mark.parametrize(
    ("sentences", "fields", "told"),
    [
        pytest.param(
            [REASON], {"reason": DOUBTFUL, "done": "The agent checked the line."},
            {"reason": "Customer: “My internet has been down since Monday.”", "done": "The agent checked the line."},
            id="in place of what is not verified",
        ),
        pytest.param([REASON], {"reason": VERIFIED}, {"reason": VERIFIED}, id="not beside what tells the same"),
        pytest.param(
            [CHECKED], {"reason": VERIFIED, "outcome": "The client cannot work from home."},
            {"outcome": "The client cannot work from home. Agent: “I have checked the line.”"},
            id="beside what tells something else",
        ),
        pytest.param([OUTCOME], {"reason": VERIFIED}, {"outcome": "Agent: “A technician will come on Thursday.”"},
                     id="in an empty field"),
        pytest.param([OUTCOME], {"reason": f"{VERIFIED} {DOUBTFUL}"},
                     {"reason": f"{VERIFIED} {DOUBTFUL.rstrip('.')} (not verified)."}, id="not for another part"),
    ],
)  # fmt: skip
def test_own_sentences_stand_where_no_verified_statement_tells_what_they_say(
    sentences: list[SummaryEvidence], fields: dict[str, str], told: dict[str, str]
) -> None:
    summary = composed(*sentences, **fields).summary
    assert summary is not None
    assert {name: getattr(summary, name) for name in told} == told
    assert DOUBTFUL not in str(summary)
    assert {one for one in sentences if one.text in str(told)} <= set(summary.evidence)


def test_what_is_left_out_is_told_in_the_row_and_stays_where_everything_is_to_be_kept() -> None:
    fields: dict[str, Any] = {"reason": DOUBTFUL, "done": "The agent checked the line."}
    found, flagged = composed(REASON, **fields), composed(REASON, unsupported="flag", **fields)
    assert found.note == "1 statement not verified: the call's own sentences stand instead"
    assert found.summary is not None
    assert (found.summary.check, found.summary.flags) == ("verified", ("unsupported_statement",))
    assert flagged.summary is not None
    assert (flagged.summary.reason or "").startswith("The client is worried about the work (not verified). Customer: “")
    assert flagged.summary.check == "not verified: 1 of 2 statements"


def test_where_nothing_is_verified_there_is_no_summary_of_the_model() -> None:
    found = composed(REASON, reason=DOUBTFUL)
    assert found.summary is None
    assert found.note == "1 statement not verified: the call's own sentences stand instead"


def test_a_detail_is_one_point_with_question_and_answer() -> None:
    summary = composed(*DETAIL, reason=VERIFIED).summary
    assert summary is not None
    assert summary.key_points == ("Agent: “Which router do you have?” Customer: “The white one.”",)


def test_what_one_side_says_in_a_row_stands_together_in_the_marks_of_the_language() -> None:
    first, second = REASON, replace(REASON, text="I cannot work from home")
    assert quoted([first, second, OUTCOME], "de") == (
        "Kunde: „My internet has been down since Monday. I cannot work from home.“ "
        "Mitarbeiter: „A technician will come on Thursday.“"
    )
    assert quoted([], "en") == ""
    assert quoted([replace(first, role=Role.UNKNOWN)], "en").startswith("Speaker: “")


# ------------------------------------------------------------------------------------------ long calls

ITEMS = ("lamp", "chair", "table", "sofa", "shelf", "bed", "desk", "stool")
LONG = call(
    *(
        turn
        for item in ITEMS
        for turn in (
            ("client", f"My {item} is broken and has been since I got it, which was a long time ago now."),
            ("agent", f"I have ordered another {item} for you, and that one will cost nothing at all."),
        )
    )
)
SMALL = SummarySettings.model_validate({"max_transcript_chars": 500, "part_chars": 500, "max_key_points": 2})


def test_each_part_of_a_long_call_is_a_point_with_its_time() -> None:
    """A part without a verified statement has the call's own sentences: why and what came of it."""
    draft = draft_of(LONG, SMALL)
    assert len(draft.parts) > 2
    sentences = [
        [
            own(SummaryPart.REASON if one.role is Role.CLIENT else SummaryPart.OUTCOME, one.text, LONG)
            for one in chunks[:2]
        ]
        for chunks in draft.chunks
    ]
    silent = {"reason": "", "done": "", "outcome": ""}
    told = silent | {"reason": "The client's lamp is broken.", "done": "The agent ordered another lamp."}
    summary = compose(draft, [told, *[silent] * (len(draft.parts) - 1)], SMALL, None, own=sentences).summary
    assert summary is not None
    assert summary.reason == "The client's lamp is broken."
    starts = [int(chunks[0].start_s) for chunks in draft.chunks]
    for point, chunks, start in zip(
        summary.key_points[-len(draft.parts) + 1 :], draft.chunks[1:], starts[1:], strict=True
    ):
        assert point.startswith(f"{start // 60}:{start % 60:02} Customer: “")
        assert chunks[0].text.split(".")[0] in point or chunks[1].text.split(".")[0] in point


def test_every_chunk_of_a_long_call_is_in_its_part_and_a_cut_one_in_both() -> None:
    long = "word " * 150
    said = call(
        ("client", "Hello there."), ("agent", ""), ("client", long), ("agent", "[noise]"), ("agent", "Goodbye.")
    )
    draft = draft_of(said, SMALL)
    assert len(draft.chunks) == len(draft.parts) > 1
    for lines, chunks in zip(draft.parts, draft.chunks, strict=True):
        assert len(chunks) == len(lines)
        for line, chunk in zip(lines, chunks, strict=True):
            assert line.split(": ", 1)[-1][:20].strip() in chunk.text or "noise" in chunk.text
    held = [chunk.ordinal for chunks in draft.chunks for chunk in chunks if chunk.text == long]
    assert len(held) > 1
