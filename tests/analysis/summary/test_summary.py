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
        self, *data: dict[str, Any] | None, extractive: bool = False, passed_over: tuple[str, ...] = ()
    ) -> None:
        self.requests: list[LLMRequest] = []
        self.extractive = extractive
        self._data = list(data)
        self._passed_over = passed_over

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        answers = []
        for request in requests:
            self.requests.append(request)
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
                    passed_over=self._passed_over,
                )
            )
        return answers


FIELDS = {
    "reason": "The client has had no internet since Monday.",
    "done": "The agent checked the line.",
    "outcome": "A technician comes on Thursday between 8 and 12.",
    "key_points": ["The client cannot work from home."],
    "action_items": [{"what": "Send a technician", "who": "agent", "by_when": "Thursday"}],
    "next_step": "",
}


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


def test_fields_become_a_text_by_the_template() -> None:
    result = SummaryStep(SummarySettings(), Answers(FIELDS)).run([CALL], [{}])[0]
    summary = result.payload
    assert isinstance(summary, Summary)
    assert summary.text.splitlines() == [
        "Reason: The client has had no internet since Monday.",
        "Done: The agent checked the line.",
        "Outcome: A technician comes on Thursday between 8 and 12.",
        "- The client cannot work from home.",
        "To do: Send a technician (agent), Thursday",
    ]
    assert summary.next_step is None
    assert summary.flags == ()
    assert (result.provider, result.tokens_in, result.cost_usd) == ("test", 10, 0.25)


def test_a_long_call_is_summed_up_piece_by_piece() -> None:
    said = [("client", f"item number {place} is broken and needs a look") for place in range(60)]
    answers = Answers(*([{"notes": ["Many items are broken."]}] * 20), FIELDS)
    router = Answers({"notes": ["Many items are broken."], **FIELDS})
    step = SummaryStep(SummarySettings(max_transcript_chars=700), router)
    result = step.run([call(*said)], [{}])[0]
    notes = [request for request in router.requests if "notes" in request.schema["properties"]]
    assert len(notes) >= 4
    assert all(len(request.user) <= 700 for request in router.requests)
    seen = " ".join(request.user for request in notes)
    assert all(f"item number {place} " in seen for place in range(60))
    assert router.requests[-1].user.startswith("<notes>")
    assert result.tokens_in == 10 * len(router.requests)
    assert answers.requests == []


@pytest.mark.parametrize("extractive", [False, True])
def test_a_long_call_of_which_the_model_took_no_notes_says_so(extractive: bool) -> None:
    said = [("client", f"item number {place} is broken and needs a look") for place in range(60)]
    router = Answers({"notes": []}, extractive=extractive)
    result = SummaryStep(SummarySettings(max_transcript_chars=700), router).run([call(*said)], [{}])[0]
    assert "the model took no notes" in (result.reason or "")
    assert (result.state is StepState.DONE) == extractive
    assert all("notes" in request.schema["properties"] for request in router.requests)


def test_calls_are_answered_in_their_order_whatever_became_of_their_neighbours() -> None:
    long = call(*[("client", f"item number {place} is broken and needs a look") for place in range(60)], name="long")
    router = Answers({"notes": ["Many items are broken."], **FIELDS})
    calls = [call(name="silent"), long, CALL]
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


def test_unsupported_sentences_are_flagged_only_when_configured_so() -> None:
    wrong = {**FIELDS, "outcome": "The client gets 900 dollars."}
    flagged = SummaryStep(SummarySettings(unsupported="flag"), Answers(wrong)).run([CALL], [{}])[0].payload
    dropped = SummaryStep(SummarySettings(), Answers(wrong)).run([CALL], [{}])[0].payload
    assert isinstance(flagged, Summary)
    assert isinstance(dropped, Summary)
    assert (flagged.outcome, dropped.outcome) == ("The client gets 900 dollars.", None)
    assert flagged.flags == dropped.flags == ("unsupported_number",)


@pytest.mark.parametrize("template", ["call_summary", "diary_note"])
@pytest.mark.parametrize("language", [None, "fr", "de"])
def test_the_preview_renders_every_template(template: str, language: str | None) -> None:
    text = render_preview(SummarySettings(template=template, language=language))
    assert "parcel" in text
    assert ("Suite :" in text) == (language == "fr")


def test_own_templates_and_their_faults(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("* {{ summary.reason }} ({{ call.minutes }})", encoding="utf-8")
    settings = SummarySettings(template="mine", templates_dir=tmp_path)
    assert render_preview(settings) == "* The client asks where a parcel is. (3)"
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
    named = {**FIELDS, "done": "The line was checked by Jennifer."}
    known = replace(CALL, metadata=replace(CALL.metadata, agent_id="Jennifer"))
    step = SummaryStep(SummarySettings(), Answers(named))
    summaries = [result.payload for result in step.run([known, CALL], [{}, {}])]
    assert [summary.done for summary in summaries if isinstance(summary, Summary)] == [named["done"], None]
