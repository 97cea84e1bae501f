"""`evaluate topics | summaries`: labels, the methods side by side, and what a kept value is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.measured import Measured, MeasuredMethod, best_method, read_measured
from analysis.records import Summary
from commands.evaluate.language import WORDS_ALONE, evaluate_language, labelled_calls, measure, methods_of
from commands.evaluate.language_scores import _verified, expected_calibration_error, holds, tells
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from tests.house import PROJECT
from tests.pinned import assert_pinned

CONFIG = PROJECT / "config.yaml"
WITHOUT_ENCODER = Settings.model_validate({"encoder": {"engine": "off"}})


def labelled(folder: Path, name: str, labels: dict[str, object]) -> Path:
    turns = [
        {"channel": 0, "role": "client", "start": 0.0, "end": 2.0, "text": "I lost my card and I need a new card."},
        {
            "channel": 1,
            "role": "agent",
            "start": 2.0,
            "end": 4.0,
            "text": "The card is blocked, a new one costs nine dollars.",
        },
    ]
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"turns": turns, "language": "en", "labels": labels}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "value", "kept"),
    [
        ("It costs 135 dollars.", "one hundred and thirty five dollars", True),
        ("It costs 135 dollars.", "153 dollars", False),
        ("A technician comes on Thursday.", "Thursday", True),
        ("A technician comes on Tuesday.", "Thursday", False),
        ("Money went to the savings account.", "savings", True),
        ("Money went to the account.", "savings", False),
    ],
)
def test_a_value_is_kept_however_it_is_written(text: str, value: str, kept: bool) -> None:
    assert holds(text, value, "en") is kept


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The card was blocked and a new card is sent.", True),
        ("Agent: “The card is blocked.”", True),
        ("The client said goodbye.", False),
        ("", False),
    ],
)
def test_an_outcome_is_told_by_its_words(text: str, told: bool) -> None:
    assert tells(text, "The card is blocked, a new card arrives.", "en") is told


def test_only_files_with_labels_for_the_step_count(tmp_path: Path) -> None:
    labelled(tmp_path, "one", {"outcome": "The card is blocked.", "values": ["nine dollars"]})
    labelled(tmp_path, "two", {"topic": "Cards"})
    assert [one.call.call_id for one in labelled_calls(tmp_path, "summary")] == ["one"]
    assert [one.call.call_id for one in labelled_calls(tmp_path, "topic")] == ["two"]


def test_no_labels_is_a_fault_that_says_the_form(tmp_path: Path) -> None:
    labelled(tmp_path, "two", {"topic": "Cards"})
    with pytest.raises(ConfigurationError, match=r"labels\.outcome"):
        labelled_calls(tmp_path, "summary")


def test_each_provider_is_a_method_of_its_own() -> None:
    settings = Settings.model_validate(
        {
            "llm": {
                "providers": ["bedrock", "openai_chat", "extractive"],
                "bedrock": {"model": "nova"},
                "openai_chat": {"model": "m"},
            }
        }
    )
    methods = list(methods_of("summary", settings))
    assert [(one.name, one.settings.llm.providers) for one in methods] == [
        ("extractive", ("extractive",)),
        ("llm", ("bedrock",)),
        ("llm", ("openai_chat",)),
    ]
    assert all(one.settings.summary.method == one.name for one in methods)


def test_topics_by_words_stand_beside_those_with_the_encoder_and_are_never_taken() -> None:
    with_encoder, without = methods_of("topic", Settings())
    assert (with_encoder.name, with_encoder.settings.encoder.engine) == ("keywords", Settings().encoder.engine)
    assert (without.name, without.settings.encoder.engine) == (WORDS_ALONE, "off")
    assert without.settings.topics.method == "keywords"
    better = MeasuredMethod(method=WORDS_ALONE, model=None, score=1.0, low=None, high=None, figures={})
    measured = Measured(step="topic", calls=1, methods=(better, replace(better, method="keywords", score=0.5)))
    assert best_method(measured, ("keywords", "trained", "llm"), []) == "keywords"
    assert [method.name for method in methods_of("topic", WITHOUT_ENCODER)] == ["keywords"]


def test_a_summary_is_scored_by_what_it_keeps(tmp_path: Path) -> None:
    labelled(tmp_path, "kept", {"outcome": "The card is lost; a new card is needed.", "values": ["card"]})
    labelled(tmp_path, "lost", {"outcome": "The client gets a loan of 900 euros.", "values": ["900 euros"]})
    (method,) = measure("summary", WITHOUT_ENCODER, labelled_calls(tmp_path, "summary")).methods
    assert (method.method, method.score) == ("extractive", 0.5)
    assert method.figures["verified"] == 1.0


def test_the_figures_are_saved_for_auto(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labelled(tmp_path, "one", {"topic": "Cards", "subtopic": "Lost or stolen"})
    save = tmp_path / "figures.out"
    overrides = ("encoder.engine=off", "encoder.allow_download=false")
    assert evaluate_language("topic", CONFIG, overrides, tmp_path, save=save, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    (method,) = read_measured(save, "topic").methods
    assert (told["step"], told["calls"]) == ("topic", 1)
    assert (method.method, method.score) == ("keywords", told["methods"][0]["score"])


@pytest.mark.parametrize(
    ("sure", "error"),
    [
        ((), None),
        (((1.0, True), (0.0, False)), 0.0),
        (((0.9, True), (0.9, False)), 0.4),
        (((0.75, True), (0.75, True), (0.75, True), (0.75, False)), 0.0),
        (((0.3, True), (0.9, False)), 0.8),
    ],
)
def test_calibration_is_judged_by_bands(sure: tuple[tuple[float, bool], ...], error: float | None) -> None:
    """A confidence of one provider says as much as another's only where each is right as often as it says."""
    found = expected_calibration_error(sure)
    assert found == (None if error is None else pytest.approx(error))


def test_what_is_told_and_kept_of_measured_methods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment by label and by file name, and a side that is not known."""
    monkeypatch.setenv("COLUMNS", "160")
    for number, topic in enumerate(("Cards", "Billing", "Cards")):
        labelled(tmp_path, f"{number}_b2c_call", {"topic": topic, "outcome": "The card is blocked.", "segment": "b2c"})
    turns = [
        {"channel": 0, "role": "client", "start": 1, "end": 2, "text": "my card is lost"},
        {"channel": 1, "role": "unknown", "start": 2.5, "end": 3, "text": "which card?"},
    ]
    untimed = {"turns": turns}
    (tmp_path / "3_b2b_call.json").write_text(json.dumps(untimed | {"labels": {"topic": "Cards"}}), encoding="utf-8")
    lines = []
    for found in labelled_calls(tmp_path, "topic"):
        chunks = [
            (chunk.channel, str(chunk.role), chunk.start_s, chunk.end_s) for chunk in found.call.transcript.chunks
        ]
        segment = found.call.metadata.customer_segment
        lines.append(f"{found.call.call_id} {segment} {found.call.duration_s} {chunks} {dict(found.labels)}")
    off = ["encoder.engine=off", "llm.providers=[extractive]", f"glossary.b2c={PROJECT / 'glossaries' / 'b2c.yaml'}"]
    for step in ("topic", "summary"):
        for as_json in (False, True):
            save = tmp_path / f"{step}.out"
            assert evaluate_language(step, CONFIG, off, tmp_path, save=save, as_json=as_json) == 0
            lines += [capsys.readouterr().out.replace(" ", ""), save.read_text(encoding="utf-8")]
    told = re.sub(r'(seconds_per_call": ?)[0-9.e-]+|[0-9.e-]+(?=│-│)', r"\1S", "\n".join(lines))
    assert_pinned("language.txt", re.sub(r"─+|━+", "─", re.sub(r"(\d\.\d{4})\d+", r"\1", told)))
    (tmp_path / "4.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"4\.json"):
        labelled_calls(tmp_path, "topic")


@pytest.mark.parametrize(
    ("check", "share"), [(None, 1.0), ("verified", 1.0), ("1 of 4 not supported", 0.75), ("not checked", 0.0)]
)
def test_the_share_of_statements_that_a_call_supports(check: str | None, share: float) -> None:
    made = Summary(text="x", action_items=(), evidence=(), check=check)
    assert _verified(made) == share
    assert _verified(None) == 0.0
