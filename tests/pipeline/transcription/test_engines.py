from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from pipeline.config.transcription import TranscriptionSettings, default_engines
from pipeline.errors import ModelUnavailable
from pipeline.hub import Hub
from pipeline.transcription.engine import EngineDescription
from pipeline.transcription.engines import ENGINES, choose_engine
from tests.conftest import PROJECT
from tests.pipeline.transcription.fakes import FakeTranscriber

HEAVY = ("mlx", "torch", "transformers", "faster_whisper", "ctranslate2", "pocketsphinx", "openai", "huggingface_hub")


@pytest.fixture
def dead_hub() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_importing_the_table_loads_no_engine() -> None:
    code = (
        "import sys; import pipeline.transcription.engines, pipeline.transcription.recogniser; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("platform", ["darwin", "linux"])
def test_default_order_ends_with_what_needs_no_download(platform: str) -> None:
    order = default_engines(platform)
    assert order[0] == "mlx_qwen3"
    assert order[-1] == "sphinx"
    assert set(order) <= set(ENGINES)


def test_the_first_that_loads_is_used_and_the_others_are_explained() -> None:
    settings = TranscriptionSettings(engines=("mlx_qwen3", "faster_whisper", "sphinx"))
    engine, description, identity = choose_engine(
        settings,
        builders={
            "mlx_qwen3": lambda *_: FakeTranscriber(unavailable="mlx_qwen3: weights not on disk, hub unreachable"),
            "faster_whisper": lambda *_: FakeTranscriber(engine="faster_whisper"),
            "sphinx": lambda *_: pytest.fail("never built"),
        },
    )
    assert isinstance(engine, FakeTranscriber)
    assert description.engine == identity.engine == "faster_whisper"
    assert identity.rank == 1
    assert identity.passed_over == ("mlx_qwen3: weights not on disk, hub unreachable",)


def test_skip_passes_over_without_building() -> None:
    settings = TranscriptionSettings(engines=("mlx_qwen3", "sphinx"))
    _, _, identity = choose_engine(
        settings,
        skip={"mlx_qwen3": "out of memory"},
        builders={"mlx_qwen3": lambda *_: pytest.fail("built"), "sphinx": lambda *_: FakeTranscriber(engine="sphinx")},
    )
    assert identity.passed_over == ("mlx_qwen3: out of memory",)


def test_a_missing_package_is_a_reason() -> None:
    def build(*_: object) -> FakeTranscriber:
        raise ModuleNotFoundError("No module named 'torch'")

    settings = TranscriptionSettings(engines=("mlx_qwen3", "sphinx"))
    _, _, identity = choose_engine(settings, builders={"mlx_qwen3": build, "sphinx": lambda *_: FakeTranscriber()})
    assert "torch" in identity.passed_over[0]


def test_strict_refuses_to_fall_back() -> None:
    settings = TranscriptionSettings(engines=("mlx_qwen3", "sphinx"), strict=True)
    with pytest.raises(ModelUnavailable, match=r"mlx_qwen3: no weights.*strict"):
        choose_engine(
            settings,
            builders={
                "mlx_qwen3": lambda *_: FakeTranscriber(unavailable="no weights"),
                "sphinx": lambda *_: pytest.fail("built"),
            },
        )


def test_none_loads_names_every_reason() -> None:
    settings = TranscriptionSettings(engines=("mlx_qwen3", "sphinx"))
    with pytest.raises(ModelUnavailable, match=r"(?s)mlx_qwen3: one.*sphinx: two"):
        choose_engine(
            settings,
            builders={
                "mlx_qwen3": lambda *_: FakeTranscriber(unavailable="one"),
                "sphinx": lambda *_: FakeTranscriber(unavailable="two"),
            },
        )


def test_a_hub_that_never_answers_is_asked_once_and_sphinx_serves(dead_hub: str, tmp_path: object) -> None:
    settings = TranscriptionSettings.model_validate(
        {
            "engines": ["faster_whisper", "transformers_ctc", "sphinx"],
            "transformers_ctc": {"model": "owner/ctc", "revision": "0" * 40},
        }
    )
    hub = Hub(allow_download=True, timeout_s=0.3, endpoint=dead_hub, cache_dir=tmp_path)  # type: ignore[arg-type]
    _, description, identity = choose_engine(settings, hub=hub)
    assert description.engine == "sphinx"
    assert identity.demonstration
    assert identity.rank == 2
    assert "hub unreachable" in identity.passed_over[0]
    assert len(identity.passed_over) == 2


def test_silence_met_by_an_engine_with_its_own_client_is_not_waited_for_again(dead_hub: str) -> None:
    class Impatient(FakeTranscriber):
        def load(self) -> EngineDescription:
            raise ModelUnavailable("hub unreachable") from TimeoutError()

    hub = Hub(allow_download=True, timeout_s=9.0, endpoint=dead_hub)
    settings = TranscriptionSettings.model_validate(
        {"engines": ["mlx_qwen3", "faster_whisper", "sphinx"], "faster_whisper": {"model": "owner/absent"}}
    )
    builders = {**ENGINES, "mlx_qwen3": lambda *_: Impatient(), "sphinx": lambda *_: FakeTranscriber()}
    _, _, identity = choose_engine(settings, hub=hub, builders=builders)
    assert "asked by another engine" in identity.passed_over[1]


def test_vocabulary_is_part_of_the_identity_only_where_it_is_heard() -> None:
    settings = TranscriptionSettings(engines=("sphinx",))

    def hash_with(vocabulary: tuple[str, ...], engine: str) -> str:
        builders = {"sphinx": lambda *_: FakeTranscriber()} if engine == "fake" else ENGINES
        return choose_engine(settings, vocabulary, builders=builders)[2].options_hash

    assert hash_with(("Visa",), "fake") != hash_with((), "fake")
    assert hash_with(("Visa",), "sphinx") == hash_with((), "sphinx")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"engines": ["sphinx", "sphinx"]}, "sphinx more than once"),
        ({"engines": []}, "at least 1"),
        ({"engines": ["whisperx"]}, "mlx_qwen3"),
        ({"engines": ["openai_audio"]}, "base_url"),
        ({"engines": ["transformers_ctc"]}, "transformers_ctc.model"),
        ({"openai_audio": {"word_times": True}}, "verbose_json"),
        ({"engins": ["sphinx"]}, "engins"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TranscriptionSettings.model_validate(values)
