"""`openai_audio` against mlx-qwen3-asr's own HTTP server on loopback, with a tiny checkpoint."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.config.areas.speech.recognisers import OpenAiAudioOptions
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engines.mlx_qwen3.engine import build
from pipeline.transcription.engines.openai_audio import OpenAiAudioTranscriber
from tests.pipeline.transcription.engines.mlx_qwen3.harness import request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import speech_like

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("multipart")
KEY = "loopback-only"


@pytest.fixture(scope="module")
def own_server(checkpoint: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlx_qwen3_asr", "serve", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--model", str(checkpoint), "--dtype", "float32", "--api-key", KEY]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


@pytest.fixture
def key() -> Iterator[str]:
    name = "EARSHOT_TEST_SERVER_KEY"
    os.environ[name] = KEY
    yield name
    del os.environ[name]


def test_the_package_s_own_server_says_what_the_batched_engine_says(
    own_server: str, checkpoint: Path, key: str
) -> None:
    requests = [request(str(i), speech_like(i, 1.0 + i), language="en" if i else None) for i in range(3)]
    ours = build(MlxQwen3Options(model=str(checkpoint)))
    ours.load()
    expected = {result.key: result.text.strip() for result in ours.transcribe(requests)}
    engine = OpenAiAudioTranscriber(OpenAiAudioOptions(base_url=own_server, api_key_env=key), 60.0)
    engine.load()
    found = {result.key: result for result in engine.transcribe(requests)}
    engine.close()
    assert {name: result.error for name, result in found.items()} == dict.fromkeys(expected)
    assert {name: result.text for name, result in found.items()} == expected
    assert any(expected.values())


def test_a_wrong_key_is_refused_at_once(own_server: str, key: str) -> None:
    os.environ[key] = "another"
    engine = OpenAiAudioTranscriber(OpenAiAudioOptions(base_url=own_server, api_key_env=key), 60.0)
    with pytest.raises(ModelUnavailable, match="key was refused"):
        engine.load()
