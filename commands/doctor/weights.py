"""Which weights a run would use, where they come from, and what better ones cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.encoder.onnx_encoder import weights_of as encoder_weights
from analysis.llm.local.weights import weights_of as language_model_weights
from commands.doctor.finding import Finding, State
from pipeline.config.root import Settings
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engines.expected import weights_of
from pipeline.weights.hub import Hub, WeightsFound, WeightsWanted
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import Published, published

_SOURCES = {
    "folder": "a folder",
    "cache": "the hub's cache on this machine",
    "package": "an installed data package, assembled in the models folder",
    "hub": "the model hub",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WhisperSize:
    """A Whisper converted by Systran: parameters by Radford et al. 2022, table 1; size of its files."""

    name: str
    parameters_million: int
    download_gb: float


SIZES = (
    WhisperSize(name="tiny", parameters_million=39, download_gb=0.08),
    WhisperSize(name="base", parameters_million=74, download_gb=0.15),
    WhisperSize(name="small", parameters_million=244, download_gb=0.48),
    WhisperSize(name="medium", parameters_million=769, download_gb=1.53),
    WhisperSize(name="large-v3", parameters_million=1550, download_gb=3.09),
)


def weights(
    settings: Settings, hub: Hub | None = None, missing: Callable[[Published], list[str]] = missing_packages
) -> list[Finding]:
    """One finding for each model that comes in files. Looks on this machine only."""
    hub = hub or Hub(allow_download=False, timeout_s=settings.transcription.hub_timeout_s)
    return [finding for name, wanted in _wanted(settings) for finding in _findings(name, wanted, hub, missing)]


def _wanted(settings: Settings) -> Iterator[tuple[str, WeightsWanted]]:
    for engine in settings.transcription.engines:
        wanted = weights_of(settings.transcription, engine)
        if wanted is not None:
            yield engine, wanted
    if settings.encoder.engine == "onnx":
        yield "encoder", encoder_weights(settings.encoder)
    if "mlx_lm" in settings.llm.providers:
        yield "mlx_lm", language_model_weights(settings.llm.mlx_lm)


def _findings(
    name: str, wanted: WeightsWanted, hub: Hub, missing: Callable[[Published], list[str]]
) -> Iterator[Finding]:
    row = published(wanted.model, wanted.revision)
    try:
        found = hub.find(wanted)
    except ModelUnavailable as error:
        detail = str(error)
        if row is not None and (packages := missing(row)):
            detail += f"; {', '.join(packages)} carries them ({row.size_bytes / 1e9:.2f} GB): make setup"
        yield Finding(area="weights", name=name, state=State.NOTE, detail=detail)
        return
    yield _used(name, found)
    if name == "faster_whisper" and (better := _better(found.model)):
        yield Finding(area="weights", name=name, state=State.NOTE, detail=better)


def _used(name: str, found: WeightsFound) -> Finding:
    size_gb = sum(path.stat().st_size for path in found.folder.rglob("*") if path.is_file()) / 1e9
    detail = (
        f"{found.model}@{(found.revision or '')[:20]}, {size_gb:.2f} GB, from {_SOURCES[found.source]} ({found.folder})"
    )
    figures = {
        "model": found.model,
        "revision": found.revision,
        "source": found.source,
        "folder": str(Path(found.folder)),
        "size_gb": round(size_gb, 3),
    }
    return Finding(area="weights", name=name, state=State.OK, detail=detail, figures=figures)


def _better(model: str) -> str | None:
    """What the larger models of the same kind cost; None for a model whose size its name does not say."""
    sizes = [size.name for size in SIZES]
    name = model.rpartition("faster-whisper-")[2].removesuffix(".en")
    if "faster-whisper-" not in model or name not in sizes:
        return None
    used = SIZES[sizes.index(name)]
    larger = [
        f"--model {size.name} ({size.download_gb:g} GB to fetch, about "
        f"{size.parameters_million / used.parameters_million:.0f} times the arithmetic)"
        for size in SIZES[sizes.index(name) + 1 :]
    ]
    return f"larger models are more accurate: {', '.join(larger)}" if larger else None
