"""`method: auto`: no model unseen; the best of what was measured; a small model warns."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from analysis.llm.choice import build_router
from analysis.measured import Measured, MeasuredMethod, best_method, read_measured, write_measured
from analysis.model_size import billions_in_folder, billions_of_parameters, too_small
from analysis.steps import build_language_steps, summaries_by_model, topic_method
from pipeline.config.root import Settings
from pipeline.errors import ConfigurationError
from tests.analysis.calls import call

MODEL = "fake/large-70b"


def method(name: str, score: float, model: str | None = None) -> MeasuredMethod:
    return MeasuredMethod(method=name, model=model, score=score, low=None, high=None, figures={})


def saved(folder: Path, step: str, *methods: MeasuredMethod) -> Path:
    path = folder / f"{step}.json"
    write_measured(path, Measured(step=step, calls=20, methods=methods))
    return path


def settings(**areas: object) -> Settings:
    return Settings.model_validate(areas)


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = saved(tmp_path, "summary", method("extractive", 0.5), method("llm", 0.75, MODEL))
    assert read_measured(path, "summary").methods[1] == method("llm", 0.75, MODEL)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"step": "summary"}', '{"step": "summary", "calls": 1, "methods": [{}]}']
)
def test_a_file_that_is_no_measurement_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"figures\.json"):
        read_measured(path, "summary")


def test_figures_of_another_step_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="measured for topic"):
        read_measured(saved(tmp_path, "topic", method("keywords", 1.0)), "summary")


@pytest.mark.parametrize(
    ("methods", "best"),
    [
        ((method("extractive", 0.5), method("llm", 0.75, MODEL)), "llm"),
        ((method("extractive", 0.8), method("llm", 0.75, MODEL)), "extractive"),
        ((method("extractive", 0.75), method("llm", 0.75, MODEL)), "extractive"),
        ((method("extractive", 0.5), method("llm", 0.75, "fake/another")), "extractive"),
        ((method("llm", 0.75, "fake/another"),), None),
        ((), None),
    ],
)
def test_the_best_of_the_methods_there_are(methods: tuple[MeasuredMethod, ...], best: str | None) -> None:
    measured = Measured(step="summary", calls=20, methods=methods)
    assert best_method(measured, ("extractive", "llm"), [MODEL]) == best


def test_without_figures_auto_asks_no_model() -> None:
    assert not summaries_by_model(settings(), [MODEL])
    assert topic_method(settings(), [MODEL]) == "keywords"
    assert topic_method(settings(topics={"trained": {"model_dir": "models/topics"}}), [MODEL]) == "trained"


def test_a_step_that_names_the_model_gets_it() -> None:
    assert summaries_by_model(settings(summary={"method": "llm"}), [MODEL])
    assert not summaries_by_model(settings(summary={"method": "extractive"}), [MODEL])
    assert topic_method(settings(topics={"method": "llm"}), [MODEL]) == "llm"


def test_with_figures_auto_takes_the_best(tmp_path: Path) -> None:
    good = saved(tmp_path, "summary", method("extractive", 0.5), method("llm", 0.75, MODEL))
    topics = saved(tmp_path, "topic", method("keywords", 0.9), method("llm", 0.6, MODEL), method("trained", 0.95))
    chosen = settings(summary={"measured": str(good)}, topics={"measured": str(topics)})
    assert summaries_by_model(chosen, [MODEL])
    assert not summaries_by_model(chosen, [])
    assert topic_method(chosen, [MODEL]) == "keywords", "no trained model is configured"


def test_a_configured_model_that_is_not_asked_is_told(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {"providers": ["openai_chat"], "openai_chat": {"model": "m", "base_url": "http://127.0.0.1:1/v1"}}
    chosen = settings(llm=nowhere)
    router = build_router(chosen.llm)
    assert router is not None
    with caplog.at_level(logging.WARNING):
        steps = {step.name: step for step in build_language_steps(chosen, router)}
        result = steps["summary"].run([call(("client", "I lost my card. Please send a new one."))], [{}])[0]
    assert result.provider == "extractive"
    assert sum("is not asked" in record.getMessage() for record in caplog.records) == 2


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("mlx_lm/Qwen/Qwen2.5-Coder-0.5B-Instruct", 0.5),
        ("openai_chat/llama3.2:1b", 1.0),
        ("mlx_lm/SmolLM2-135M", 0.135),
        ("bedrock/meta.llama3-70b-instruct", 70.0),
        ("bedrock/eu.amazon.nova-lite-v1:0", None),
        ("mlx_lm/Qwen3-4B-Instruct-4bit", 4.0),
        ("anthropic/claude-sonnet-4-5", None),
    ],
)
def test_the_size_a_name_tells(name: str, billions: float | None) -> None:
    assert billions_of_parameters(name) == billions
    assert (too_small(name) is not None) == (billions is not None and billions < 3)


def test_the_size_of_a_folder_is_that_of_its_weights(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {}, "a": {"shape": [1000, 1000]}, "b": {"shape": [500]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert billions_in_folder(tmp_path) == pytest.approx(0.0010005)
    assert "0.001 billion" in (too_small("mlx_lm/local@sha256-1", tmp_path) or "")
    assert billions_in_folder(tmp_path / "nothing") is None


def test_a_small_model_that_is_asked_and_a_trained_one_without_a_say_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "model").mkdir()
    chosen = settings(
        llm={
            "providers": ["openai_chat"],
            "openai_chat": {"model": "llama3.2:1b", "base_url": "http://127.0.0.1:1/v1"},
        },
        topics={"method": "llm", "trained": {"model_dir": str(tmp_path / "model")}},
        summary={"method": "extractive"},
    )
    router = build_router(chosen.llm)
    assert router is not None
    with caplog.at_level(logging.WARNING):
        names = [step.name for step in build_language_steps(chosen, router)]
    assert names == ["conversation", "topic", "summary"]
    small, broken = sorted((record.getMessage() for record in caplog.records), key=len, reverse=True)[:2]
    told = {"1 billion parameters" in small or "1 billion parameters" in broken, "has no say" in small + broken}
    assert told == {True}
    assert len(caplog.records) == 2


@pytest.mark.parametrize("area", ["topics", "summary"])
def test_a_method_that_needs_a_model_where_there_is_none_is_refused(area: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{area}\.method is llm, but llm\.providers \(extractive\) names no"):
        build_language_steps(settings(**{area: {"method": "llm"}}), None)
