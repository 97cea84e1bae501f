"""Personal data: what is found on our marked set, and that nothing is lost on the way there and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.redaction import Redactor, build_redactor
from analysis.redaction.redactor import restore
from analysis.redaction.spans import PersonalSpan, without_overlaps
from analysis.redaction.stored import redact_transcript
from pipeline.config.areas.redaction import CustomPattern, RedactionSettings
from pipeline.errors import ConfigurationError
from tests.analysis.calls import call

ITEMS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data" / "redaction.jsonl").read_text(encoding="utf-8").splitlines()
]
REDACTOR = build_redactor(RedactionSettings())


def places(item: dict[str, object]) -> list[tuple[int, int, str]]:
    text, at, wanted = str(item["text"]), 0, []
    for name, value in item["spans"]:  # type: ignore[attr-defined]
        start = text.index(value, at)
        at = start + len(value)
        wanted.append((start, at, name))
    return wanted


def test_recall_and_precision_on_the_marked_set() -> None:
    found_items = wanted_items = false_alarms = right_kind = 0
    for item in ITEMS:
        wanted = places(item)
        found = REDACTOR.find(item["text"])
        for start, end, name in wanted:
            covered = sum(max(0, min(end, one.end) - max(start, one.start)) for one in found)
            wanted_items += 1
            found_items += covered == end - start
            right_kind += any(one.name == name and one.start < end and start < one.end for one in found)
        false_alarms += sum(all(one.end <= a or one.start >= b for a, b, _ in wanted) for one in found)
    assert len(ITEMS) >= 200
    assert wanted_items >= 150
    assert found_items / wanted_items >= 0.98
    assert right_kind / wanted_items >= 0.95
    assert found_items / (found_items + false_alarms) >= 0.98


def test_equal_words_get_equal_placeholders_and_all_are_put_back() -> None:
    text = "Card 4111 1111 1111 1111, yes 4111 1111 1111 1111, or 5500 0000 0000 0004."
    redacted = REDACTOR.redact(text)
    assert redacted.text == "Card [CARD_1], yes [CARD_1], or [CARD_2]."
    assert dict(redacted.mapping) == {"[CARD_1]": "4111 1111 1111 1111", "[CARD_2]": "5500 0000 0000 0004"}
    assert restore(redacted.text, redacted.mapping) == text
    assert REDACTOR.redact(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("call me back on 12/05/2026", "call me back on 12/05/2026"),
        ("call me back on 2026-05-12", "call me back on 2026-05-12"),
        ("call me back in 2021 2022 2023", "call me back in 2021 2022 2023"),
        ("call me back on 12 34 56 78", "call me back on [PHONE_1]"),
        ("the parcel 12 34 56 78", "the parcel 12 34 56 78"),
        ("my phone is 555 123", "my phone is [PHONE_1]"),
        ("order number 4111 1111 1111 1111", "order number 4111 1111 1111 1111"),
        ("the parcel is 555 123", "the parcel is 555 123"),
        ("my account is 44 55 66", "my account is [ACCOUNT_1]"),
        ("the security code is 123", "the security code is [CARD_1]"),
        ("gate 123", "gate 123"),
        ("call me about the 1234567 dollars", "call me about the 1234567 dollars"),
        ("4111 1111 1111 1111 euros", "[CARD_1] euros"),
        ("call me on one two three four five six seven", "call me on [PHONE_1]"),
        ("call me on double four five five five six six", "call me on [PHONE_1]"),
    ],
)
def test_a_number_is_what_its_form_and_the_words_before_it_make_it(text: str, redacted: str) -> None:
    assert REDACTOR.redact(text).text == redacted


def test_of_stretches_that_overlap_the_better_known_then_the_longer_wins() -> None:
    short, long, better = PersonalSpan(0, 5, "A", 2), PersonalSpan(0, 9, "B", 2), PersonalSpan(8, 12, "C", 1)
    assert without_overlaps([short, long]) == [long]
    assert without_overlaps([short, long, better]) == [PersonalSpan(0, 8, "B", 2), better], "the rest stays hidden"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to anna maria luisa carla at gmail dot com", "write to [NAME_1] [EMAIL_1]"),
        ("my mail is j dot doe at example dot com thanks", "my mail is [EMAIL_1] thanks"),
        ("I bought it at amazon dot com", "I bought it at amazon dot com"),
        ("we look at example dot com", "we look at example dot com"),
    ],
)
def test_spoken_addresses_begin_where_the_name_does(text: str, redacted: str) -> None:
    assert REDACTOR.redact(text).text == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("This is Zorvath speaking, I have a question.", "This is [NAME_1] speaking, I have a question."),
        ("This is Quillon from sales", "This is [NAME_1] from sales"),
        ("You are talking with Zorvath Krumlin again.", "You are talking with [NAME_1] again."),
        ("This is Kessandra today.", "This is Kessandra today."),
        ("This is the Parcel again", "This is the Parcel again"),
        ("I spoke with Zorvath about the parcel.", "I spoke with Zorvath about the parcel."),
        ("This is Brumholt Vexley Trandor Quist calling", "This is Brumholt Vexley Trandor Quist calling"),
        ("this is zorvath calling about the parcel", "this is zorvath calling about the parcel"),
        ("The policy is under Johnson", "The policy is under [NAME_1]"),
        ("The policy is under water", "The policy is under water"),
        ("karim speaking how can I help", "[NAME_1] speaking how can I help"),
        ("david johnson is my name", "[NAME_1] is my name"),
    ],
)
def test_an_unknown_name_is_one_where_what_follows_says_so(text: str, redacted: str) -> None:
    assert REDACTOR.redact(text).text == redacted


def test_a_placeholder_somebody_dictated_stands_for_nothing() -> None:
    redacted = REDACTOR.redact("[CARD_1] is what he said, card 4111 1111 1111 1111")
    assert redacted.text == "[CARD_1] is what he said, card [CARD_2]"
    assert restore("[CARD_1]", redacted.mapping) == "[CARD_1]"


def test_a_number_dictated_over_several_lines_is_found() -> None:
    lines = ["my card is four one one one", "okay", "one one one one", "go on", "1111 one one one one", "thanks"]
    redacted, mapping = REDACTOR.redact_lines(lines)
    assert redacted == ["my card is [CARD_1]", "okay", "[CARD_2]", "go on", "[CARD_3]", "thanks"]
    assert mapping["[CARD_3]"] == "1111 one one one one"


def test_a_line_that_looks_like_a_marker_stays_one_line() -> None:
    redacted, _ = REDACTOR.redact_lines(["hello\n#3 agent: hi", "b"])
    assert len(redacted) == 2


@given(st.lists(st.sampled_from([
    "4111 1111 1111 1111", "four one one one", "\n#2 agent: okay\n#3 client: ", "[CARD_1]", "call me on 415 555 2671",
    "jane dot doe at gmail dot com", "x@y.org", "DE89 3704 0044 0532 0130 00", " and ", "twelve", ", ", "é", "\n",
])).map("".join))  # fmt: skip
def test_restoring_gives_the_text_back(text: str) -> None:
    redacted = REDACTOR.redact(text)
    assert restore(redacted.text, redacted.mapping) == text


@given(st.text(max_size=200))
def test_any_text_survives(text: str) -> None:
    redacted = REDACTOR.redact(text)
    assert restore(redacted.text, redacted.mapping) == text


def test_custom_patterns_and_exceptions() -> None:
    settings = RedactionSettings(
        patterns=(CustomPattern(name="CONTRACT", pattern=r"contract (?P<value>[A-Z]{2}-\d{4})"),),
        keep=("+1 650 253 0000",),
    )
    redactor = Redactor(settings)
    text = redactor.redact("contract AB-1234, our line is 650 253 0000... no: +1 650 253 0000").text
    assert "contract [CONTRACT_1]" in text
    assert "+1 650 253 0000" in text


def test_what_is_not_looked_for_stays() -> None:
    only_mail = Redactor(RedactionSettings(kinds=("email",)))
    assert only_mail.redact("4111 1111 1111 1111 a@b.org").text == "4111 1111 1111 1111 [EMAIL_1]"
    off = Redactor(RedactionSettings(enabled=False))
    assert off.redact("4111 1111 1111 1111").text == "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"patterns": [{"name": "A", "pattern": "("}]}, "not a regular expression"),
        ({"patterns": [{"name": "A", "pattern": "a*"}]}, "empty text"),
        ({"patterns": [{"name": "a b", "pattern": "x"}]}, "pattern"),
        ({"phone_regions": ["usa"]}, "ISO 3166"),
        ({"national_ids": ["ssn"]}, "python-stdnum"),
        ({"patterns": [{"name": "A", "pattern": "x"}, {"name": "A", "pattern": "y"}]}, "twice"),
    ],
)
def test_wrong_settings_are_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        RedactionSettings.model_validate(values)


def test_an_unknown_national_id_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"xx\.nothing"):
        build_redactor(RedactionSettings(national_ids=("xx.nothing",)))


def test_a_stored_transcript_loses_the_data_and_its_words() -> None:
    one = call(
        ("client", "my card is four one one one one one one one"),
        ("agent", "okay"),
        ("client", "one one one one one one one one"),
        ("client", "that is all [noise]"),
    )
    stored = redact_transcript(one.transcript, REDACTOR)
    assert [chunk.text for chunk in stored.chunks] == [
        "my card is [CARD_1]",
        "okay",
        "[CARD_2]",
        "that is all [noise]",
    ]
    assert [chunk.flags for chunk in stored.chunks] == [("redacted",), (), ("redacted",), ()]
    assert all(chunk.words is None for chunk in stored.chunks)
