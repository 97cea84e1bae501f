"""The step `summary`: extractive, by a model piece by piece, templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.llm.provider import LLMAnswer, LLMRequest
from analysis.prompting import prompts_hash
from analysis.records import Summary
from analysis.summary.composing import as_far_as_written, statements_of
from analysis.summary.drafts import Draft, draft_of, in_order_of_need
from analysis.summary.step import SummaryStep
from analysis.summary.templates import render_preview
from pipeline.config.areas.language import SummarySettings
from pipeline.errors import ConfigurationError
from pipeline.records import FALLBACK_MARK, StepState
from tests.analysis.calls import call

CALL = call(
    ("agent", "Good morning, North Star Telecom, how can I help you?"),
    ("client", "My internet has been down since Monday. I cannot work from home."),
    ("agent", "I am sorry about that. Let me check the line."),
    ("client", "Thank you."),
    ("agent", "I will send a technician on Thursday between eight and twelve."),
    ("agent", "You will receive a text message by tomorrow evening. Anything else?"),
    ("client", "No thanks, bye."),
)


class Answers:
    """A router whose answers a test gives, in order; keeps the requests."""

    models = ("test/model",)

    def __init__(
        self,
        *data: dict[str, Any] | None,
        extractive: bool = False,
        passed_over: tuple[str, ...] = (),
        by_part: bool = False,
        in_time: int | None = None,
    ) -> None:
        """`by_part`: one answer for each part of one long call. `in_time`: of so many questions."""
        self.requests: list[LLMRequest] = []
        self.extractive = extractive
        self._data = list(data)
        self._passed_over = passed_over
        self._by_part, self._in_time = by_part, in_time

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        answers = []
        for request in requests:
            self.requests.append(request)
            if self._in_time is not None and len(self.requests) > self._in_time:
                late = "test: no time is left"
                answers.append(LLMAnswer(key=request.key, data=None, reason=late, error_type="StageTimeout"))
                continue
            if self._by_part:
                data = self._data[_part_of(request, len(requests))]
            else:
                data = self._data.pop(0) if len(self._data) > 1 else self._data[0]
            answers.append(
                LLMAnswer(
                    key=request.key,
                    data=data,
                    reason=None if data else "test: 503",
                    provider="test" if data else None,
                    model="model",
                    tokens_in=10,
                    tokens_out=5,
                    cost_usd=0.25,
                    latency_s=1.0,
                    share_s=1.0,
                    attempts=1,
                    passed_over=self._passed_over,
                )
            )
        return answers


def _part_of(request: LLMRequest, parts: int) -> int:
    draft = Draft(call=CALL, language="en", parts=tuple([""] for _ in range(parts)), source="")
    return in_order_of_need(draft)[request.need].number


def told(reason: str, done: str = "", outcome: str = "") -> dict[str, Any]:
    return {"reason": reason, "done": done, "outcome": outcome}


FIELDS = told(
    "The client has had no internet since Monday. The client cannot work from home.",
    "The agent checked the line.",
    "A technician will come on Thursday between 8 and 12.",
)


def test_extractive_lines_are_verbatim_in_order_and_promises_are_found() -> None:
    result = SummaryStep(SummarySettings()).run([CALL], [{}])[0]
    assert result.provider == "extractive"
    summary = result.payload
    assert isinstance(summary, Summary)
    texts = {(one.channel, one.ordinal): one.text for one in CALL.transcript.chunks}
    assert summary.evidence
    assert all(one.text in texts[one.channel, one.chunk] for one in summary.evidence)
    assert [one.start_s for one in summary.evidence] == sorted(one.start_s for one in summary.evidence)
    assert "internet has been down" in summary.text
    assert [(item.who, item.by_when) for item in summary.action_items] == [
        ("agent", "on Thursday"),
        ("agent", "by tomorrow evening"),
    ]
    assert summary.action_items[0].what == "I will send a technician on Thursday between eight and twelve."


@pytest.mark.parametrize("said", [(), (("client", ""), ("agent", "[noise]"))])
def test_a_silent_call_has_no_summary(said: tuple[tuple[str, str], ...]) -> None:
    for step in (SummaryStep(SummarySettings()), SummaryStep(SummarySettings(), Answers(FIELDS))):
        result = step.run([call(*said)], [{}])[0]
        assert (result.state, result.payload) == (StepState.MISSING, None)
        assert result.reason == "nobody speaks in this call"


def test_statements_become_fields_and_a_text_by_the_template() -> None:
    result = SummaryStep(SummarySettings(), Answers(FIELDS)).run([CALL], [{}])[0]
    summary = result.payload
    assert isinstance(summary, Summary)
    assert summary.text.splitlines() == [
        "Reason: The client has had no internet since Monday. The client cannot work from home.",
        "Done: The agent checked the line.",
        "To do: I will send a technician on Thursday between eight and twelve. (agent), on Thursday",
        "To do: You will receive a text message by tomorrow evening. (agent), by tomorrow evening",
        "Next: A technician will come on Thursday between 8 and 12.",
    ]
    assert summary.check == "verified"
    assert summary.flags == ()
    assert {one.text for one in summary.evidence} <= {
        "My internet has been down since Monday.",
        "I cannot work from home.",
        "Let me check the line.",
        "I will send a technician on Thursday between eight and twelve.",
    }
    assert (result.provider, result.tokens_in, result.cost_usd) == ("test", 10, 0.25)


LONG = [("client", f"item number {place} is broken and needs a look") for place in range(60)]


def test_a_long_call_is_summed_up_piece_by_piece_and_no_statement_is_repeated() -> None:
    router = Answers(told("The client says that many items are broken."))
    step = SummaryStep(SummarySettings(max_transcript_chars=700), router)
    result = step.run([call(*LONG)], [{}])[0]
    assert len(router.requests) >= 4
    assert all(len(request.user) <= 700 for request in router.requests)
    seen = " ".join(request.user for request in router.requests)
    assert all(f"item number {place} " in seen for place in range(60))
    assert len({request.system for request in router.requests}) == 1, "read once for all parts"
    assert result.tokens_in == 10 * len(router.requests)
    assert isinstance(result.payload, Summary)
    assert result.payload.text.count("many items are broken") == 1


def test_what_a_later_part_of_a_long_call_says_is_kept() -> None:
    later = [("client", "I also want to order two chairs."), ("agent", "I have ordered the chairs for Friday.")]
    said = [*LONG[:20], *later, *LONG[20:40]]
    parts = len(parts_of(said))
    answers = [told("The client says that items are broken.")] * parts
    middle = next(place for place, lines in enumerate(parts_of(said)) if "chairs for Friday" in " ".join(lines))
    answers[middle] = told("", "The agent ordered two chairs for Friday.")
    router = Answers(*answers, by_part=True)
    summary = SummaryStep(SummarySettings(max_transcript_chars=700), router).run([call(*said)], [{}])[0].payload
    assert isinstance(summary, Summary)
    assert "The agent ordered two chairs for Friday." in summary.text


def test_what_is_said_in_another_part_of_a_long_call_vouches_for_nothing() -> None:
    """ "The client received the forty" stood unmarked: elsewhere in forty minutes something had been received."""
    sent = [("agent", "I have sent you the voucher."), ("client", "I have received the voucher.")]
    said = [*LONG[:20], ("client", "When will I get the voucher?"), *LONG[20:45], *sent, *LONG[45:]]
    parts = parts_of(said)
    asked = next(place for place, lines in enumerate(parts) if "When will I get" in " ".join(lines))
    received = next(place for place, lines in enumerate(parts) if "received the voucher" in " ".join(lines))
    assert asked != received
    for place, verified in ((asked, False), (received, True)):
        answers = [told("The client says that items are broken.")] * len(parts)
        answers[place] = told("The client received the voucher.")
        router = Answers(*answers, by_part=True)
        summary = SummaryStep(SummarySettings(max_transcript_chars=700), router).run([call(*said)], [{}])[0].payload
        assert isinstance(summary, Summary)
        assert ("The client received the voucher." in summary.text) is verified


def test_the_parts_of_a_long_call_are_of_about_one_length() -> None:
    """A short last part was padded to the length of the others, and read for nothing."""
    for turns in (20, 25, 31, 60):
        sizes = [sum(map(len, lines)) for lines in parts_of(LONG[:turns])]
        assert min(sizes) > 0.7 * max(sizes), sizes


@pytest.mark.parametrize("most", [0, 1, 5])
def test_points_are_kept_from_all_parts_of_a_long_call(most: int) -> None:
    """The first parts filled the list, or there were more parts than points: what was said later was left out."""
    names = [part[0].split()[3] for part in parts_of(LONG)]
    parts = len(names)
    assert parts > 4
    answers = [
        told(f"The client says that item {name} is broken.", f"The agent had a look at item {name}.") for name in names
    ]
    step = SummaryStep(SummarySettings(max_transcript_chars=700, max_key_points=most), Answers(*answers, by_part=True))
    summary = step.run([call(*LONG)], [{}])[0].payload
    assert isinstance(summary, Summary)
    assert len(summary.key_points) == (max(most, parts) if most else 0)
    for name in names[1:]:
        assert any(f"item {name} " in point or f"item {name}." in point for point in summary.key_points) == bool(most)


def test_answers_about_the_parts_of_a_long_call_are_short() -> None:
    """They are written together, and one that goes on without end holds up all."""
    router = Answers(told("The client says that items are broken."))
    step = SummaryStep(SummarySettings(max_transcript_chars=700), router)
    step.run([call(*LONG), call(*LONG[:3])], [{}, {}])
    *parts, short = (request.max_tokens for request in router.requests)
    assert max(parts) < short


@pytest.mark.parametrize("answered", [1, 2, 3])
def test_what_of_a_long_call_is_not_read_in_time_is_said_in_the_row(answered: int) -> None:
    """A limit that was over cost all that had been read."""
    said = LONG[:45]
    parts = len(parts_of(said))
    assert parts > answered
    router = Answers(told("The client says that items are broken."), in_time=answered)
    step = SummaryStep(SummarySettings(max_transcript_chars=700), router)
    result = step.run([call(*said)], [{}])[0]
    assert isinstance(result.payload, Summary)
    assert "items are broken" in result.payload.text
    assert result.fingerprint == step.fingerprint(call(*said))
    assert (result.tokens_in, result.provider) == (10 * answered, "test")
    assert "parts_not_read" in result.payload.flags
    unread = [number for number in range(1, parts + 1) if number not in [1, parts, (parts + 1) // 2][:answered]]
    was = "was" if len(unread) == 1 else "were"
    assert f"{', '.join(map(str, unread))} of {parts} {was} left out" in (result.reason or "")


def test_all_parts_of_a_long_call_are_asked_about_in_one_go_and_have_its_time_together() -> None:
    """Written one after the other, their answers took longer than the reading of the whole call."""
    router = Answers(told("The client says that items are broken."))
    said, other = call(*LONG, language="ar"), call(("client", "Where is my parcel?"), language="ar")
    SummaryStep(SummarySettings(max_transcript_chars=700), router).run([said, other], [{}, {}])
    parts = len(parts_of(LONG))
    texts, promises = router.requests[: parts + 1], router.requests[parts + 1 :]
    assert [request.about for request in texts] == ["0"] * parts + ["1"]
    assert [request.need for request in texts] == [*range(parts), 0]
    assert [request.spent_s for request in texts] == [0.0] * (parts + 1)
    assert [request.spent_s for request in promises] == [float(parts)] * parts + [1.0]


@pytest.mark.parametrize(
    ("parts", "order"),
    [(1, [0]), (2, [0, 1]), (3, [0, 2, 1]), (5, [0, 4, 2, 1, 3]), (9, [0, 8, 4, 2, 6, 1, 3, 5, 7])],
)
def test_the_parts_that_are_read_first_lie_scattered_over_the_call(parts: int, order: list[int]) -> None:
    draft = Draft(call=CALL, language="en", parts=tuple([f"line {number}"] for number in range(parts)), source="")
    assert [piece.number for piece in in_order_of_need(draft)] == order


@pytest.mark.parametrize(
    ("cut", "written", "kept"),
    [
        (True, told("The client lost a card.", "The agent blocked it. A new one wi"), "The agent blocked it."),
        (True, told("The client lost a card.", "The agent blocked it."), "The agent blocked it."),
        (True, told("The client lost a card.", "The agent blo"), ""),
        (False, told("The client lost a card.", "The agent blocked it"), "The agent blocked it"),
    ],
)
def test_of_a_reply_that_was_brought_to_its_end_the_sentence_under_way_is_left_out(
    cut: bool, written: dict[str, Any], kept: str
) -> None:
    assert as_far_as_written(LLMAnswer(key="1", data=written, cut=cut)) == {**written, "done": kept}


def parts_of(said: Sequence[tuple[str, str]]) -> Sequence[list[str]]:
    return draft_of(call(*said), SummarySettings(max_transcript_chars=700)).parts


@pytest.mark.parametrize("extractive", [False, True])
def test_a_long_call_of_which_one_part_has_no_answer_says_so(extractive: bool) -> None:
    router = Answers(told("The client says that items are broken."), None, extractive=extractive)
    result = SummaryStep(SummarySettings(max_transcript_chars=700), router).run([call(*LONG)], [{}])[0]
    assert "503" in (result.reason or "")
    assert (result.state is StepState.DONE) == extractive


def test_calls_are_answered_in_their_order_whatever_became_of_their_neighbours() -> None:
    router = Answers(told("The client says that items are broken.", "", "The agent will send a technician."))
    calls = [call(name="silent"), call(*LONG, name="long"), CALL]
    step = SummaryStep(SummarySettings(max_transcript_chars=700), router)
    results = step.run(calls, [{}] * 3)
    assert [result.state for result in results] == [StepState.MISSING, StepState.DONE, StepState.DONE]
    assert [result.fingerprint for result in results] == [step.fingerprint(one) for one in calls]
    assert (results[1].tokens_in or 0) > (results[2].tokens_in or 0)


def test_an_outage_costs_the_summary_and_a_later_run_fills_it_in() -> None:
    result = SummaryStep(SummarySettings(), Answers(None)).run([CALL], [{}])[0]
    assert (result.state, result.payload) == (StepState.FAILED, None)
    assert "503" in (result.reason or "")


def test_a_fallback_is_marked_to_be_made_anew() -> None:
    step = SummaryStep(SummarySettings(), Answers(None, extractive=True))
    result = step.run([CALL], [{}])[0]
    assert result.state is StepState.DONE
    assert result.provider == "extractive"
    assert result.fingerprint == step.fingerprint(CALL) + FALLBACK_MARK
    assert "503" in (result.reason or "")
    other = SummaryStep(SummarySettings(), Answers(FIELDS, passed_over=("first: down",))).run([CALL], [{}])[0]
    assert other.fingerprint.endswith(FALLBACK_MARK)


INVENTED = told("The client has had no internet since Monday.", "", "The client gets 900 dollars.")


def test_what_the_call_contradicts_is_dropped_or_kept_and_marked() -> None:
    flagged = SummaryStep(SummarySettings(unsupported="flag"), Answers(INVENTED)).run([CALL], [{}])[0].payload
    result = SummaryStep(SummarySettings(), Answers(INVENTED)).run([CALL], [{}])[0]
    dropped = result.payload
    assert isinstance(flagged, Summary)
    assert isinstance(dropped, Summary)
    assert "The client gets 900 dollars (not verified)." in flagged.text
    assert flagged.check == "not verified: 1 of 2 statements"
    assert "900" not in dropped.text
    assert dropped.check == "verified"
    assert flagged.flags == dropped.flags == ("unsupported_number",)
    assert result.reason == "1 statement of the model dropped: a number that is not in the transcript"


def test_a_statement_that_is_neither_found_nor_contradicted_says_not_verified() -> None:
    doubtful = "The client has had no internet since Monday. The client is worried about the work."
    summary = SummaryStep(SummarySettings(), Answers(told(doubtful))).run([CALL], [{}])[0].payload
    assert isinstance(summary, Summary)
    assert "The client is worried about the work (not verified)." in summary.text
    assert summary.check == "not verified: 1 of 2 statements"
    assert "unsupported_statement" in summary.flags


def test_a_reply_in_another_language_than_asked_is_no_summary() -> None:
    english = Answers(FIELDS, extractive=True)
    result = SummaryStep(SummarySettings(language="fr"), english).run([CALL], [{}])[0]
    assert "the model wrote in en, not in fr" in (result.reason or "")
    assert result.provider == "extractive"
    assert "Écrivez en français" in english.requests[0].system


def test_a_summary_in_a_language_that_is_not_read_says_that_it_is_not_verified() -> None:
    french = told("Le client n'a plus d'internet depuis lundi.", "", "L'agent va envoyer un technicien jeudi.")
    summary = (
        SummaryStep(SummarySettings(language="fr"), Answers(french, {"promises": []})).run([CALL], [{}])[0].payload
    )
    assert isinstance(summary, Summary)
    assert (summary.check or "").startswith("not verified: statements in fr")
    assert "statements_not_checked" in summary.flags
    assert summary.text.startswith("Motif : Le client n'a plus d'internet depuis lundi.")


def test_promises_are_asked_of_the_model_where_the_calls_own_lines_are_not_read() -> None:
    french = call(
        ("client", "Bonjour, ma carte est perdue."),
        ("agent", "Je vous envoie une nouvelle carte vendredi."),
        language="fr",
    )
    item = {"what": "Envoyer une nouvelle carte", "who": "agent", "by_when": "vendredi"}
    invented = {"what": "Payer 900 euros", "who": "client", "by_when": ""}
    text = told("Le client a perdu sa carte.", "", "L'agent va envoyer une nouvelle carte vendredi.")
    router = Answers(text, {"promises": [item, item, invented]})
    summary = SummaryStep(SummarySettings(), router).run([french], [{}])[0].payload
    assert isinstance(summary, Summary)
    assert [(one.what, one.who, one.by_when) for one in summary.action_items] == [
        ("Envoyer une nouvelle carte", "agent", "vendredi")
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The client lost a card. The agent blo", ["The client lost a card."]),
        ("The client lost a card", ["The client lost a card."]),
        ("The client lost a card. The call ended with a thank you. Goodbye.", ["The client lost a card."]),
        ("The client lost a card. Thank you for your order. I will call you.", ["The client lost a card."]),
        ("The card is blocked. So nobody has used the card? No, nobody has used it.", ["The card is blocked."]),
        ("No refund was given. Okay, the client will wait.", ["No refund was given."]),
        ("", []),
    ],
)
def test_only_whole_sentences_about_the_call_count(text: str, kept: list[str]) -> None:
    assert list(statements_of(text)) == kept


def test_figures_no_statement_tells_are_quoted_from_the_call() -> None:
    said = told("The client has had no internet since Monday.")
    summary = SummaryStep(SummarySettings(), Answers(said)).run([CALL], [{}])[0].payload
    assert isinstance(summary, Summary)
    spoken = {one.text for one in CALL.transcript.chunks}
    for point in summary.key_points:
        quote = point.split("“", 1)[1].removesuffix("”")
        assert any(quote in text for text in spoken)


@pytest.mark.parametrize("template", ["call_summary", "diary_note"])
@pytest.mark.parametrize("language", [None, "fr", "de"])
def test_the_preview_renders_every_template(template: str, language: str | None) -> None:
    text = render_preview(SummarySettings(template=template, language=language))
    assert "parcel" in text
    assert ("Suite :" in text) == (language == "fr")


def test_own_templates_and_their_faults(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("* {{ summary.reason }} ({{ call.minutes }})", encoding="utf-8")
    settings = SummarySettings(template="mine", templates_dir=tmp_path)
    assert render_preview(settings) == "* The customer asks where a parcel is. (3)"
    (tmp_path / "mine.j2").write_text("{{ summary.raeson }}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="raeson"):
        render_preview(settings)
    (tmp_path / "mine.j2").write_text("{% if %}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="mine"):
        render_preview(settings)
    (tmp_path / "mine.j2").write_text("fine", encoding="utf-8")
    (tmp_path / "mine.de.j2").write_text("{% if %}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"mine\.de"):
        render_preview(settings)
    (tmp_path / "mine.de.j2").unlink()
    with pytest.raises(ConfigurationError, match="call_summary, diary_note"):
        render_preview(SummarySettings(template="nothing"))


def test_the_fingerprint_follows_what_the_summary_depends_on(tmp_path: Path) -> None:
    own = tmp_path / "call_summary.j2"
    own.write_text("{{ summary.reason }}", encoding="utf-8")
    in_own = SummarySettings(templates_dir=tmp_path)
    before = SummaryStep(in_own, Answers(FIELDS)).fingerprint(CALL)
    own.write_text("{{ summary.outcome }}", encoding="utf-8")
    another = Answers(FIELDS)
    another.models = ("test/other",)
    steps = (
        SummaryStep(SummarySettings()),
        SummaryStep(SummarySettings(), Answers(FIELDS)),
        SummaryStep(SummarySettings(), another),
        SummaryStep(SummarySettings(max_key_points=3)),
        SummaryStep(in_own, Answers(FIELDS)),
    )
    assert len({before, *(step.fingerprint(CALL) for step in steps)}) == len(steps) + 1
    assert steps[0].fingerprint(CALL) == SummaryStep(SummarySettings()).fingerprint(CALL)


def test_a_changed_prompt_changes_its_hash(tmp_path: Path) -> None:
    for name in ("summary.j2", "summary.fr.j2", "topic.j2"):
        (tmp_path / name).write_text("as it ships", encoding="utf-8")
    before = prompts_hash(("summary",), tmp_path)
    (tmp_path / "topic.j2").write_text("other", encoding="utf-8")
    assert prompts_hash(("summary",), tmp_path) == before
    (tmp_path / "summary.fr.j2").write_text("autre", encoding="utf-8")
    assert prompts_hash(("summary",), tmp_path) != before


@pytest.mark.parametrize(("template", "depends"), [("call_summary", False), ("diary_note", True)])
def test_metadata_counts_where_the_template_tells_of_it(template: str, depends: bool) -> None:
    step = SummaryStep(SummarySettings(template=template), Answers(FIELDS))
    other = replace(CALL, metadata=replace(CALL.metadata, agent_id="A99"))
    assert (step.fingerprint(other) != step.fingerprint(CALL)) == depends


def test_the_agents_name_from_the_metadata_counts_as_said() -> None:
    named = told("The client has had no internet since Monday.", "The line was checked by Jennifer.")
    known = replace(CALL, metadata=replace(CALL.metadata, agent_id="Jennifer"))
    step = SummaryStep(SummarySettings(), Answers(named))
    summaries = [result.payload for result in step.run([known, CALL], [{}, {}])]
    named_in = ["Jennifer" in summary.text for summary in summaries if isinstance(summary, Summary)]
    assert named_in == [True, False]
