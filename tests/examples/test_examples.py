"""The three configurations in `examples/`, run whole: tiny models and loopback servers stand for what cannot be had."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bench.materials.recordings import sample_speech, write_wav
from pipeline.config.loader import load_settings
from pipeline.records import Role
from tests.analysis.llm.servers import Body, answers, body_is, serving
from tests.analysis.sentiment.test_joblib import write_models
from tests.house import PROJECT
from tests.loopback import Answer
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import save_checkpoint

EXAMPLES = PROJECT / "examples"
NAMES = ("insurer_mac", "telecom_gpu", "case_notes")
SCRIPTED = ("transcription.engines=scripted", f"transcription.scripted.transcripts={PROJECT}/samples/truth")
AWS = {"AWS_ACCESS_KEY_ID": "test-key-id", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an example runs."""

    calls: Path
    output: Path
    url: str

    def add(self, sample: str, name: str = "") -> Path:
        """A sample call, by the end of its name, under another name."""
        source = next((PROJECT / "samples" / "calls").glob(f"*{sample}*"))
        path = Path(shutil.copy(source, self.calls / (name or source.name)))
        os.utime(path, (time.time() - 3600, time.time() - 3600))
        return path

    def run(self, example: str, *settings: str, environment: Mapping[str, str] | None = None) -> int:
        """The exit code: 0, or 5 where a language model did not answer. Otherwise the test fails."""
        changed = (
            f"database.url={self.url}",
            f"output.directory={self.output}",
            f"run.spool_dir={self.output}/spool",
            "run.decode_workers=2",
            *settings,
        )
        command = [sys.executable, "run.py", str(self.calls), "--config", str(EXAMPLES / example / "config.yaml")]
        command += [part for setting in changed for part in ("--set", setting)]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=os.environ | dict(environment or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 5}, done.stdout + done.stderr
        return done.returncode

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def place(url: str, tmp_path: Path) -> Place:
    (tmp_path / "calls").mkdir()
    return Place(tmp_path / "calls", tmp_path / "output", url)


def test_every_example_is_tested_and_told() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/config.yaml")} == set(NAMES)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"({name}/config.yaml)" not in readme] == []


def test_an_insurers_mac(place: Place) -> None:
    path = write_wav(place.calls / "20260914-091502-1789376102.42.wav", sample_speech(12.0))
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    model = save_checkpoint(place.output.with_name("qwen3"), end_bias=2.4)
    chosen = (f"transcription.mlx_qwen3.model={model}", "transcription.trust_gates.enabled=false")
    assert place.run("insurer_mac", *chosen, "reporting.notify.on=never") == 0
    (call,) = place.rows("SELECT * FROM calls")
    assert call["started_at"].astimezone(UTC) == datetime(2026, 9, 14, 8, 15, 2, tzinfo=UTC), "Dublin's summer time"
    assert (call["asr_engine"], call["asr_model"]) == ("mlx_qwen3", str(model))
    assert call["topic_catalogue"] in {None, "b2c"}
    files = {path.suffix for path in (place.output / "transcripts").rglob("*.*")}
    assert files == {".txt", ".srt"}
    assert not list(place.output.glob("results_*.csv")), "to the database only"
    settings = load_settings(EXAMPLES / "insurer_mac" / "config.yaml").settings
    assert (settings.run.stop_time, settings.transcription.strict) == ("06:30", True)


def _number_of(label: str, body: Body) -> str:
    """The number that the prompt gives a label; 0 where it offers none."""
    found = re.search(rf"(\d+)\. {label}", json.dumps(body))
    return "0" if found is None else found[1]


def _bedrock(number: int, body: Body) -> Answer:
    """Answers in French by a forced tool, as Bedrock's Converse does."""
    form = body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["properties"]
    replies: tuple[tuple[str, dict[str, Any]], ...] = (
        ("number", {"why": "Le client conteste sa facture.", "number": _number_of("Billing", body)}),
        ("terms", {"terms": []}),
        ("reason", {"reason": "Le client conteste sa facture.", "done": "", "outcome": ""}),
        ("promises", {"promises": []}),
    )
    reply = next(given for name, given in replies if name in form)
    tool = {"toolUse": {"toolUseId": "tooluse_1", "name": "answer", "input": {k: reply.get(k) for k in form}}}
    answer = {
        "output": {"message": {"role": "assistant", "content": [tool]}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 90, "outputTokens": 12, "totalTokens": 102},
        "metrics": {"latencyMs": 5},
    }
    return body_is(json.dumps(answer).encode())


def test_a_telecoms_gpu(place: Place) -> None:
    place.add("wrong-charge")
    models = place.output.with_name("models")
    models.mkdir()
    paths = write_models(models)
    voice = [f"sentiment.acoustic.{key}={path}" for key, path in paths.items()]
    with serving(_bedrock) as bedrock:
        ended = place.run(
            "telecom_gpu",
            *SCRIPTED,
            "transcription.language=en",
            "sentiment.text.engine=lexicon",
            *voice,
            f"sentiment.trusted_models=[{', '.join(paths.values())}]",
            f"llm.bedrock.endpoint_url={bedrock.url}",
            environment=AWS,
        )
        asked = [seen.text for seen in bedrock.seen]
    assert ended == 0
    (call,) = place.rows("SELECT * FROM calls")
    assert (call["topic"], call["topic_catalogue"]) == ("Billing", "b2c"), call["missing_reasons"]
    assert call["summary"] is not None, call["missing_reasons"]
    assert call["summary"].startswith("Motif : Le client conteste sa facture.")
    assert (call["llm_provider"], call["customer_segment"]) == ("bedrock", "b2c")
    assert any("français" in text.lower() or "fran\\u00e7ais" in text.lower() for text in asked)
    heard = place.rows("SELECT role, acoustic_sentiment FROM chunks WHERE acoustic_sentiment IS NOT NULL")
    assert {row["role"] for row in heard} == {"agent", "client"}
    settings = load_settings(EXAMPLES / "telecom_gpu" / "config.yaml").settings
    ctc = settings.transcription.transformers_ctc
    assert (ctc.mixed_precision, ctc.batch_size, ctc.device) == ("bfloat16", 64, "cuda")
    assert settings.audio.channel_roles == (Role.AGENT, Role.CLIENT)
    assert {settings.glossary.b2b, settings.glossary.b2c} == {
        Path("glossaries/examples/b2b.xlsx"),
        Path("glossaries/examples/b2c.xlsx"),
    }


def _office(number: int, body: Body) -> Answer:
    reply = {"reason": "The client was charged twice for the same month.", "done": "", "outcome": ""}
    return answers(json.dumps(reply))


def test_a_case_workers_notes(place: Place) -> None:
    place.add("wrong-charge", "Call recording Mr Hale_260914_091502.flac")
    truth = place.output.with_name("truth")
    truth.mkdir()
    source = next((PROJECT / "samples" / "truth").glob("*wrong-charge*"))
    shutil.copy(source, truth / "Call recording Mr Hale_260914_091502.json")
    no_weights = place.output.with_name("no_weights")
    no_weights.mkdir()
    with serving(_office) as office:
        ended = place.run(
            "case_notes",
            "transcription.engines=scripted",
            f"transcription.scripted.transcripts={truth}",
            "llm.retry.attempts=1",
            environment={"LOCAL_MODEL": str(no_weights), "OFFICE_SERVER": f"{office.url}/v1"},
        )
    (call,) = place.rows("SELECT * FROM calls")
    assert call["started_at"].astimezone(UTC) == datetime(2026, 9, 14, 8, 15, 2, tzinfo=UTC)
    (step,) = place.rows("SELECT provider, reason FROM call_steps WHERE step = 'summary'")
    assert (step["provider"], ended) == ("openai_chat", 5), step["reason"]
    assert "mlx_lm" in step["reason"]
    assert call["summary"].startswith("2026-09-14")
    assert "Follow-up:\n- within three working days: You will have the forty dollars" in call["summary"]
    assert call["summary_check"] == "verified"
