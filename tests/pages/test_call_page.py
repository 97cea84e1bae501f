"""The page of a call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser
from typing import Any, Literal

import pytest

from db.queries.reading import ShownAnswer, ShownRule
from pages.call_page import CallContent, Sound, call_page, moments_of, parts_of, sentences_of
from pages.numbers import UNKNOWN
from pages.site import Site
from pages.talk import Pause, Said, talk_of
from pipeline.records import CallStatus, Role
from tests.pages.samples import HOSTILE, NEGATIVE, POSITIVE, shown_call, shown_chunk

SILENT = Sound(address=None, why_not="gone")


def html_of(
    call: Any = None, chunks: Any = (), sound: Sound = SILENT, rules: Any = (), answers: Sequence[ShownAnswer] = ()
) -> str:
    content = CallContent(call=call or shown_call(), chunks=chunks, rules=rules, answers=answers)
    return call_page(content, sound, Site())


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html)
    return parser.seen


def test_markup_in_names_and_words_stays_text() -> None:
    names = (
        "file_name agent_id queue topic subtopic second_topic second_subtopic "
        "summary error_message error_type asr_engine asr_model language"
    )
    texts = dict.fromkeys(names.split(), HOSTILE)
    call = shown_call(
        **texts,
        metadata={HOSTILE: HOSTILE},
        flags=(HOSTILE,),
        missing_reasons={HOSTILE: HOSTILE},
        summary_details={"outcome": HOSTILE, "reason": HOSTILE, "next_step": HOSTILE, "key_points": [HOSTILE]},
        summary_evidence=[],
        action_items=[{"what": HOSTILE, "who": HOSTILE, "by_when": HOSTILE}],
        topic_evidence=[{"quote": HOSTILE, "start_s": 1.0}],
        asr_passed_over=(HOSTILE,),
    )
    html = html_of(
        call, [shown_chunk(0, 2, HOSTILE, flags=(HOSTILE, "loop"))], Sound(address=HOSTILE, waveform=HOSTILE)
    )
    assert html.count("&lt;script&gt;") >= 20
    found = tags(html)
    assert [attributes["src"] for tag, attributes in found if tag == "script"] == ["/assets/reading-room.js"]
    assert not [tag for tag, attributes in found if any(name.startswith("on") for name in attributes)]
    assert not [attributes for _, attributes in found if "style" in attributes]


def test_a_second_reason_stands_below_the_first() -> None:
    html = html_of(shown_call(topic="Billing", second_topic="Cards", second_subtopic="Lost or stolen"))
    assert 'Also about <b dir="auto">Cards › Lost or stolen</b>' in html
    assert "Also about" not in html_of(shown_call(topic="Billing"))


def test_silences_and_overtalk_stand_in_their_place() -> None:
    chunks = [
        shown_chunk(0, 4),
        shown_chunk(3, 6, channel=1, role=Role.AGENT),
        shown_chunk(15, 18, ordinal=1),
    ]
    talk, pauses = talk_of(chunks, 30.0, "en")
    assert [one.kind if isinstance(one, Pause) else one.start_s for one in talk] == [
        0, 3, "overtalk", "silence", 15, "silence",
    ]  # fmt: skip
    assert [(pause.kind, pause.start_s, pause.end_s) for pause in pauses] == [
        ("overtalk", 3, 4), ("silence", 6, 15), ("silence", 18, 30),
    ]  # fmt: skip


def test_doubtful_words_say_why_and_empty_ones_are_left_out() -> None:
    chunks = [
        shown_chunk(0, 2, "no no no", flags=("loop",), text_probabilities=NEGATIVE),
        shown_chunk(3, 4, ""),
        shown_chunk(5, 6, "", flags=("recogniser_crash",)),
        shown_chunk(7, 8, fusion_probabilities=POSITIVE, text_probabilities=NEGATIVE, acoustic_probabilities=NEGATIVE),
    ]
    said = [one for one in talk_of(chunks, 10.0, "en")[0] if isinstance(one, Said)]
    assert [one.doubts for one in said] == [("the text repeats itself",), (), ()]
    assert said[1].remarks == ("the recogniser crashed on it",)
    assert [(one.mood, one.voice) for one in said] == [("negative", None), (None, None), ("positive", "negative")]
    assert "Doubtful: the text repeats itself" in html_of(chunks=chunks)


def evidence(part: str, text: str, start_s: float) -> dict[str, Any]:
    return {
        "part": part,
        "text": text,
        "role": "client",
        "start_s": start_s,
        "end_s": start_s + 2,
        "channel": 0,
        "chunk": 0,
    }


def test_each_sentence_of_the_summary_leads_to_its_moments() -> None:
    call = shown_call(
        summary="client: My card was charged twice.\nagent: I refund it all.\nNobody said this.\nagent: it.\n"
        "Reason: double charge",
        summary_details={"template": None},
        summary_evidence=[
            evidence("line", "My card was charged twice.", 3.5),
            evidence("line", "Yes, I refund it all", 8.0),
        ],
        action_items=[{"what": "Yes, I refund it all", "who": "agent", "by_when": None}],
    )
    assert [(one.role, one.at_s) for one in sentences_of(call)] == [
        (Role.CLIENT, (3.5,)), (Role.AGENT, (8.0,)), (None, ()), (Role.AGENT, ()), (None, ()),
    ]  # fmt: skip
    html = html_of(call)
    assert html.count('href="#at=8.0"') == 2
    assert 'href="#at=3.5"' in html


@pytest.mark.parametrize(("said", "found"), [("twelve chars", (4.0,)), ("eleven char", ())])
def test_a_text_too_short_to_be_told_apart_has_no_moment(said: str, found: tuple[float, ...]) -> None:
    chunks = [shown_chunk(4.0, 6.0, f"there are {said} in it"), shown_chunk(8.0, 9.0, "nothing of the kind")]
    assert moments_of(said, shown_call(), chunks) == found
    quoted = shown_call(summary_evidence=[evidence("line", f"there are {said} in it", 4.0)])
    assert moments_of(said, quoted) == found


def test_a_summary_in_parts_links_each_sentence() -> None:
    call = shown_call(
        summary="Reason for the call: …",
        summary_details={"reason": "I moved. I need a router.", "done": "The agent sent one.", "outcome": "x" * 70},
        summary_evidence=[
            evidence("reason", "I moved.", 3.0),
            evidence("reason", "i need a router.", 5.0),
            evidence("done", "it is on its way", 9.0),
            evidence("open", "when will it come", 20.0),
            evidence("promise", "it is on its way", 9.0),
        ],
        summary_check="not verified: 1 of 3 statements",
    )
    assert [(part.title, [(one.role, one.text, one.at_s) for one in part.sentences]) for part in parts_of(call)] == [
        ("Reason", [(Role.CLIENT, "I moved.", (3.0,)), (Role.CLIENT, "I need a router.", (5.0,))]),
        ("What was done", [(None, "The agent sent one.", (9.0,))]),
        ("Outcome", [(None, "x" * 70, ())]),
        ("Left open", [(Role.CLIENT, "When will it come", (20.0,))]),
    ]
    html = html_of(call)
    assert "Not verified: 1 of 3 statements." in html
    assert html.count("x" * 70) == 1


@pytest.mark.parametrize(
    ("next_step", "titles"),
    [("When will it come? Who pays?", ["Left open"]), ("The agent calls on Friday.", ["Left open", "Next step"])],
)
def test_what_is_left_open_is_told_once(next_step: str, titles: list[str]) -> None:
    """The page of a sample said "I am still not happy" as its next step, with the moment of a promise."""
    call = shown_call(
        summary_details={"next_step": next_step},
        summary_evidence=[
            evidence("open", "when will it come", 20.0),
            evidence("open", "who pays", 24.0),
            evidence("promise", "it is on its way", 9.0),
        ],
    )
    assert [part.title for part in parts_of(call)] == titles


def test_rules_that_hold_say_why_and_where() -> None:
    rule = ShownRule(
        rule="cancellation_threat", title="The customer wants to leave", reason="said <b> at 0:12, 2 times",
        quote="I cancel <i>", role=Role.CLIENT, start_s=12.5, weight=5.0, critical=True, occurrences=1,
    )  # fmt: skip
    html = html_of(rules=[rule])
    for text in (
        "The customer wants to leave",
        "Said &lt;b&gt;, 2 times.",
        "I cancel &lt;i&gt;",
        "#at=12.5",
        "critical",
    ):
        assert text in html
    assert 'href="/calls?attention=cancellation_threat"' in html


def answer(item: str, said: Literal["yes", "no", "n/a"], **changes: Any) -> ShownAnswer:
    values: dict[str, Any] = {
        "scorecard": "service", "title": "Service <call>", "score": 0.75, "passed": False, "item": item,
        "question": f"Did {item} happen?", "answer": said, "weight": 1.0, "critical": False, "reason": "said so",
        "quote": None, "role": None, "start_s": None,
    }  # fmt: skip
    return ShownAnswer(**(values | changes))


def test_a_scorecard_tells_what_was_missed_first_and_where() -> None:
    answers = [
        answer("greeting", "yes", start_s=1.5, quote="Good <b>morning"),
        answer("promise", "no"),
        answer("disclosure", "no", critical=True),
        answer("hold", "n/a", reason="the call does not tell"),
    ]
    html = html_of(answers=answers)
    for text in ("Service &lt;call&gt;", "75 %", "Not passed", "Good &lt;b&gt;morning", "#at=1.5", "1 item met",
                 "1 item not counted", "The call does not tell."):  # fmt: skip
        assert text in html
    assert html.index("Did disclosure happen?") < html.index("Did promise happen?") < html.index("Did greeting happen?")


@pytest.mark.parametrize(("score", "says"), [(None, "No item applies"), (1.0, "Passed")])
def test_a_scorecard_of_which_nothing_applies_has_no_score(score: float | None, says: str) -> None:
    html = html_of(answers=[answer("greeting", "n/a" if score is None else "yes", score=score, passed=score and True)])
    assert says in html
    assert ("100 %" in html) == (score is not None)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (shown_call(status=CallStatus.FAILED, error_type="SourceUnreadable", error_message="vanished",
                    error_transient=True), ("Failed", "vanished", "next run tries it again")),
        (shown_call(status=CallStatus.FAILED, error_type="AudioUndecodable", error_message="broken",
                    error_transient=False), ("--reprocess failed",)),
        (shown_call(transcript_fingerprint="f"), ("Nobody says a word",)),
        (shown_call(missing_reasons={"summary": "too short to sum up"}), ("No summary. Too short to sum up.",)),
        (shown_call(missing_reasons={"unknown_text": "nobody in the role unknown speaks"}), ()),
        (shown_call(duration_s=None), ("No summary",)),
        (shown_call(), ("Not known: there is no summary.",)),
        (shown_call(summary="client: Hello."), ("Nobody promised anything.",)),
    ],
)  # fmt: skip
def test_what_is_missing_says_why(call: Any, says: tuple[str, ...]) -> None:
    html = html_of(call)
    for text in says:
        assert text in html
    assert "nobody in the role unknown" not in html


def test_a_recording_that_cannot_be_heard_leaves_the_text_and_says_why() -> None:
    html = html_of(chunks=[shown_chunk(0, 2)])
    assert "gone" in html
    assert "<audio" not in html
    assert 'role="slider"' in html


def test_an_empty_call_draws_nothing_out_of_its_frame() -> None:
    html = html_of(shown_call(duration_s=0.0), [shown_chunk(0, 2), shown_chunk(50, 90, ordinal=1)])
    assert all(float(x) <= 1000 for x in re.findall(r'<rect class="said[^"]*" x="([\d.]+)"', html))


@pytest.mark.parametrize(
    ("turned", "said"),
    [
        ({"mood_turned_by": "agent", "mood_turned_to": "better"}, "turned for the better after the agent's words at"),
        (
            {"mood_turned_by": "client", "mood_turned_to": "worse"},
            "turned for the worse by the customer's own words at",
        ),
        ({}, "Customer's mood turned at"),
    ],
)
def test_who_turned_the_mood_and_which_way_is_told(turned: dict[str, str], said: str) -> None:
    html = html_of(shown_call(mood_turned_at_s=12.0, **turned))
    assert said in unescape(html)
    assert "mood turned" not in html_of()


@pytest.mark.parametrize(("score", "is_told"), [(-0.7, True), (-0.3, True), (-0.29, False), (None, False)])
def test_the_lowest_moment_is_told_where_the_customer_was_negative(score: float | None, is_told: bool) -> None:
    trends: dict[str, Any] = {"text": {"client": {"quarters": [], "lowest_score": score, "lowest_at_s": 75.0}}}
    html = html_of(shown_call(sentiment_trends=trends))
    assert ("Lowest at" in html, 'data-at="75.00"' in html) == (is_told, is_told)


def test_what_is_said_from_right_to_left_is_shown_so_behind_an_english_role() -> None:
    html = html_of(shown_call(summary="client: أريد أن ألغي عقدي"))
    assert '<li dir="auto"><b class="client" dir="ltr">' in html


@pytest.mark.parametrize(("stretches", "many"), [(300, False), (301, True)])
def test_of_many_stretches_what_is_out_of_sight_is_not_laid_out(stretches: int, many: bool) -> None:
    html = html_of(chunks=[shown_chunk(second, second + 0.5) for second in range(stretches)])
    assert ('class="turns many"' in html) is many


def test_the_length_of_a_call_of_which_nothing_is_known_is_told_as_unknown() -> None:
    assert f"<span>{UNKNOWN}</span>" in html_of(shown_call(duration_s=None))
    assert "<span>7 s</span>" in html_of(shown_call(duration_s=None), [shown_chunk(3.0, 7.0)])
