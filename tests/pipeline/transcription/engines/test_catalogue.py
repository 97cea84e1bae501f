from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import ModelTooSlow, ModelUnavailable
from pipeline.transcription.engine import EngineDescription
from pipeline.transcription.engines.catalogue import ENGINES, Builder, choose_engine
from pipeline.transcription.engines.mlx_qwen3.engine import build as build_mlx
from pipeline.weights.hub import Hub
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
        "import sys; import pipeline.transcription.engines.catalogue, pipeline.transcription.recogniser; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_default_order_ends_with_what_needs_no_download() -> None:
    order = TranscriptionSettings().engines
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


class Slow(FakeTranscriber):
    """An engine that could serve, but slowly."""

    def load(self) -> EngineDescription:
        raise ModelTooSlow("MLX multiplies at 4 GFLOP/s here")


def builders_with(slow: str, lacking: tuple[str, ...] = ()) -> dict[str, Builder]:
    """Engines by name: `slow` says so unless told to serve all the same; those `lacking` have no weights."""

    def build(name: str) -> Builder:
        def builder(settings: TranscriptionSettings, _: Hub) -> FakeTranscriber:
            if name == slow and settings.slow_engine == "pass_over":
                return Slow()
            why = "no weights" if name in lacking else ""
            return FakeTranscriber(engine=name, unavailable=why, demonstration=name == "sphinx")

        return builder

    return {name: build(name) for name in ENGINES}


@pytest.mark.parametrize(
    ("settings", "lacking", "served", "told"),
    [
        ({}, (), "faster_whisper", ["mlx_qwen3: MLX multiplies at 4"]),
        ({}, ("faster_whisper",), "mlx_qwen3", []),
        ({}, ("faster_whisper", "mlx_qwen3"), "sphinx", ["mlx_qwen3: no weights", "faster_whisper: no weights"]),
        ({}, ("faster_whisper", "sphinx"), "mlx_qwen3", []),
        ({"slow_engine": "use"}, (), "mlx_qwen3", []),
        ({"strict": True}, (), "mlx_qwen3", []),
        ({"engines": ["faster_whisper", "mlx_qwen3"]}, (), "faster_whisper", []),
        ({"engines": ["mlx_qwen3"]}, (), "mlx_qwen3", []),
    ],
)
def test_a_slow_engine_serves_only_where_nothing_better_than_a_demonstration_does(
    settings: dict[str, object], lacking: tuple[str, ...], served: str, told: list[str]
) -> None:
    chosen = TranscriptionSettings.model_validate({"engines": ["mlx_qwen3", "faster_whisper", "sphinx"], **settings})
    _, description, identity = choose_engine(chosen, builders=builders_with("mlx_qwen3", lacking))
    assert description.engine == chosen.engines[identity.rank] == served
    assert [reason[: len(begin)] for reason, begin in zip(identity.passed_over, told, strict=True)] == told


def test_a_slow_engine_makes_the_same_transcripts_however_it_was_come_by() -> None:
    identities = [
        choose_engine(
            TranscriptionSettings.model_validate({"engines": ["mlx_qwen3", "sphinx"], "slow_engine": slow_engine}),
            builders=builders_with("mlx_qwen3"),
        )[2]
        for slow_engine in ("pass_over", "use")
    ]
    assert identities[0] == identities[1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's MLX can sit on a slow BLAS")
def test_mlx_on_a_slow_blas_is_passed_over_before_its_weights_are_fetched(tmp_path: Path) -> None:
    options = MlxQwen3Options(min_gflops=1e9)  # any machine is slow by this measure
    hub = Hub(allow_download=True, timeout_s=0.3, endpoint="http://127.0.0.1:1", cache_dir=tmp_path)
    with pytest.raises(ModelTooSlow, match="libopenblas0-pthread"):
        build_mlx(options, hub, pass_over_slow=True).load()
    with pytest.raises(ModelUnavailable, match="not on disk"):
        build_mlx(options, hub, pass_over_slow=False).load()


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
            "faster_whisper": {"model": "owner/in-no-package", "revision": "0" * 40},
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
