# ruff: noqa: E501 - a model's settings and what is said of it stand on one line
"""What the doctor finds of each language model and each recogniser, and how it says it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.doctor.engines import _finding as finding_of
from commands.doctor.engines import build_probe, by_loading, first_on_disk, mlx_qwen3, verdict
from commands.doctor.finding import Finding, State
from commands.doctor.providers import providers
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from tests.loopback import Reply, Request, listening
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import save_checkpoint

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture
def server() -> Iterator[str]:
    """Wants the right key where one is sent, redirects from /moved and knows no other page."""

    def answer(request: Request) -> Reply:
        if "/moved" in request.target:
            return Reply(301, headers={"Location": "http://192.0.2.1/"})
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        return Reply(404 if key in ("", "good") or key.startswith("AWS") else 403)

    with listening(answer) as running:
        yield running.url


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("settings", "keys", "state", "said"),
    [
        ({"anthropic": {"model": "m", "base_url": "{url}"}}, {"ANTHROPIC_API_KEY": ""}, "warning", "no key: set the environment variable ANTHROPIC_API_KEY"),
        ({"anthropic": {"model": "m", "base_url": "{url}/"}}, {"ANTHROPIC_API_KEY": "good"}, "ok", "m at {url}/: answers"),
        ({"anthropic": {"model": "m", "base_url": "{url}"}}, {"ANTHROPIC_API_KEY": "bad"}, "warning", "the key was refused (HTTP 403); check llm.anthropic.base_url"),
        ({"openai_chat": {"model": "m", "base_url": "{url}"}}, {}, "ok", "m at {url}: answers"),
        ({"openai_chat": {"model": "m", "base_url": "{url}/moved"}}, {}, "warning", "it redirects (HTTP 301), which is not followed"),
        ({"servers": {"office": {"model": "m", "base_url": "{url}"}}}, {}, "ok", "m at {url}: answers"),
        ({"bedrock": {"model": "m", "region": "eu-central-1"}}, {}, "warning", "no AWS credentials"),
        ({"bedrock": {"model": "m"}}, KEYS, "warning", "set llm.bedrock.region or AWS_REGION"),
        ({"bedrock": {"model": "m", "region": "eu-central-1", "endpoint_url": "{url}"}}, KEYS, "ok", "m at {url}: answers; credentials found, not tried"),
        ({"bedrock": {"model": "m", "region": "eu-central-1", "endpoint_url": "http://127.0.0.1:1"}}, KEYS, "warning", "http://127.0.0.1:1: no answer"),
    ],
)  # fmt: skip
def test_a_language_model_is_probed_without_being_asked(
    settings: dict[str, dict[str, Any]],
    keys: dict[str, str],
    state: str,
    said: str,
    *,
    server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name, value)

    def placed(value: Any) -> Any:
        return {k: placed(v) for k, v in value.items()} if isinstance(value, dict) else value.replace("{url}", server)

    ((kind, content),) = settings.items()
    name = next(iter(content)) if kind == "servers" else kind
    listed = LanguageModelSettings.model_validate({"providers": [name, "extractive"], **placed(settings)})
    found = {finding.name: finding for finding in providers(listed, 2.0)}
    assert found[name].state is State(state), found[name]
    assert said.replace("{url}", server) in found[name].detail
    assert "sums up" in found["extractive"].detail
    others = [finding for finding in found.values() if finding.name not in (name, "extractive")]
    assert all(finding.state is State.NOTE and "not set up" in finding.detail for finding in others)


def test_a_provider_that_does_not_answer_is_waited_for_twice_as_long_as_said() -> None:
    ended = threading.Event()

    def deaf(_: LanguageModelSettings, limit_s: float) -> Finding:
        ended.wait()
        return Finding(area="language model", name="anthropic", state=State.OK, detail=f"answers within {limit_s} s")

    settings = LanguageModelSettings.model_validate({"anthropic": {"model": "m"}})
    (found,) = (one for one in providers(settings, 0.02, {"anthropic": deaf}) if one.name == "anthropic")
    ended.set()
    assert "no answer in 0.04 s" in found.detail


def engines(*names: str, **more: Any) -> TranscriptionSettings:
    return TranscriptionSettings.model_validate({"engines": list(names), **more})


def test_a_folder_of_weights_is_ready_and_none_is_told_with_the_reason(tmp_path: Path) -> None:
    model = save_checkpoint(tmp_path / "qwen3")
    settings = engines("mlx_qwen3", mlx_qwen3={"model": str(model), "min_gflops": 1e-9})
    ready = mlx_qwen3(settings, 1.0)
    assert (ready.state, ready.name) == (State.OK, "mlx_qwen3")
    assert f"choice 1: ready; weights in {model}" in ready.detail
    assert ready.figures is not None
    assert (ready.figures["weights"], ready.figures["on_disk"], ready.figures["usable"]) == (str(model), True, True)
    slow = mlx_qwen3(engines("mlx_qwen3", mlx_qwen3={"model": str(model), "min_gflops": 1e9}), 1.0)
    assert slow.state is State.WARNING
    absent = build_probe(engines("mlx_qwen3", mlx_qwen3={"model": str(tmp_path / "nowhere")}), 1.0)("mlx_qwen3")
    assert absent.state is State.WARNING
    assert str(tmp_path / "nowhere") in absent.detail
    assert absent.figures is not None
    assert (absent.figures["usable"], absent.figures["device"]) == (False, ready.figures["device"])


def test_an_engine_is_looked_at_by_its_own_loading() -> None:
    settings = engines("scripted", scripted={"missing": "hash"})
    ready = by_loading(settings, "scripted", 1.0)
    assert ready.state is State.OK
    assert ready.detail.startswith("choice 1: ready")
    broken = by_loading(engines("scripted", scripted={"unavailable": "planted"}), "scripted", 1.0)
    assert (broken.state, "planted" in broken.detail) == (State.WARNING, True)
    demonstration = by_loading(engines("sphinx"), "sphinx", 1.0)
    assert demonstration.detail.startswith("choice 1: ready; a demonstration engine, ")
    assert by_loading(settings, "sphinx", 1.0).detail.startswith("not listed: ready")


@pytest.mark.parametrize(
    ("name", "state", "figures", "shown", "usable", "on_disk"),
    [
        ("a", State.WARNING, {}, State.WARNING, False, False),
        ("a", State.WARNING, {"hub": "reachable"}, State.WARNING, True, False),
        ("a", State.WARNING, {"hub": "unreachable"}, State.WARNING, False, False),
        ("a", State.WARNING, {"weights": "/w"}, State.WARNING, True, True),
        ("a", State.OK, {}, State.OK, True, True),
        ("x", State.WARNING, {}, State.NOTE, False, False),
        ("x", State.OK, {}, State.OK, True, True),
    ],
)
def test_only_an_engine_that_is_listed_warns(
    name: str, state: State, figures: dict[str, str], shown: State, *, usable: bool, on_disk: bool
) -> None:
    settings = _named("b", "a")
    found = finding_of(settings, name, state, "why  so", **figures)
    assert found.detail == ("choice 2: why so" if name == "a" else "not listed: why so")
    assert found.figures is not None
    assert (found.state, found.figures["usable"], found.figures["on_disk"]) == (shown, usable, on_disk)


def _named(*names: str) -> TranscriptionSettings:
    return TranscriptionSettings().model_copy(update={"engines": names})


def found(**usable: bool) -> list[Finding]:
    return [
        Finding(area="engine", name=name, state=State.OK, detail="", figures={"usable": use, "on_disk": use})
        for name, use in usable.items()
    ]


@pytest.mark.parametrize(
    ("usable", "strict", "said"),
    [
        ({"scripted": True, "sphinx": False}, False, None),
        ({"scripted": False, "sphinx": True}, False, None),
        ({"scripted": False, "sphinx": True}, True, "scripted (transcription.strict)"),
        ({"scripted": True, "sphinx": False}, True, None),
        ({"scripted": False, "sphinx": False}, False, "none of transcription.engines is usable: scripted, sphinx"),
    ],
)
def test_the_verdict_is_about_the_engines_a_run_would_take(
    usable: dict[str, bool], strict: bool, said: str | None
) -> None:
    settings = _named("scripted", "sphinx").model_copy(update={"strict": strict})
    told = list(verdict(settings, found(**usable)))
    assert [said in finding.detail and finding.state is State.BROKEN for finding in told if said] == [True] * bool(said)
    assert len(told) == (said is not None)
    assert first_on_disk(settings, found(**usable)) == next((name for name, use in usable.items() if use), None)


def test_a_test_call_is_never_sent_off_this_machine() -> None:
    settings = _named("deepgram", "sphinx")
    assert first_on_disk(settings, found(deepgram=True, sphinx=True)) == "sphinx"
