"""Which recognisers could serve, and why the others could not. Each is tried in its own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from commands.doctor.at_hub import told_by_hub
from commands.doctor.finding import Finding, State
from pipeline.children.worker import Worker
from pipeline.config.areas.speech.cloud import CLOUD_ENGINES
from pipeline.config.areas.speech.mlx_qwen3 import is_local
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import EarshotError, ModelUnavailable
from pipeline.transcription.engines.catalogue import ENGINES
from pipeline.weights.hub import Hub
from pipeline.weights.looking import LookingHub, WeightsAbsent, WeightsSeen


def engines(settings: TranscriptionSettings, timeout_s: float) -> list[Finding]:
    """One finding for each engine there is, those of `transcription.engines` first and in their order."""
    names = [*settings.engines, *(name for name in ENGINES if name not in settings.engines)]

    def examine(name: str) -> Finding:
        if name not in settings.engines and not _set_up(settings, name):
            return _finding(settings, name, State.NOTE, "not set up")
        worker = Worker(f"doctor: {name}", build_probe, (settings, timeout_s), 30.0, limit_key="the doctor's own limit")
        try:
            found: Finding = worker.call(name, 20.0)
        except EarshotError as error:
            return _finding(settings, name, State.WARNING, f"could not be tried: {error}")
        finally:
            worker.close()
        return found

    with ThreadPoolExecutor(2, thread_name_prefix="doctor") as pool:
        return list(pool.map(examine, names))


def build_probe(settings: TranscriptionSettings, timeout_s: float) -> Callable[[str], Finding]:
    """Runs in the spawned process."""

    def probe(name: str) -> Finding:
        return mlx_qwen3(settings, timeout_s) if name == "mlx_qwen3" else by_loading(settings, name, timeout_s)

    return probe


def _set_up(settings: TranscriptionSettings, name: str) -> bool:
    needed = {
        "openai_audio": settings.openai_audio.base_url,
        "transformers_ctc": settings.transformers_ctc.model,
        "scripted": settings.scripted.transcripts,
        **dict.fromkeys(CLOUD_ENGINES, ""),
    }
    return bool(needed.get(name, True))


def by_loading(settings: TranscriptionSettings, name: str, timeout_s: float) -> Finding:
    """Import what the engine needs and look for its weights, through its own `load`."""
    try:
        description = ENGINES[name](settings, LookingHub(allow_download=False, timeout_s=timeout_s)).load()
    except WeightsSeen as seen:
        detail = f"ready; weights in {seen.found.folder}"
        return _finding(settings, name, State.OK, detail, weights=str(seen.found.folder))
    except ModelUnavailable as error:
        absent = error.__cause__
        fetched = settings.allow_download and isinstance(absent, WeightsAbsent) and not is_local(absent.model)
        if fetched and isinstance(absent, WeightsAbsent) and absent.revision:
            return _at_hub(settings, name, absent.model, absent.revision, timeout_s)
        return _finding(settings, name, State.WARNING, str(error).removeprefix(f"{name}: "))
    except (ImportError, MemoryError) as error:
        return _finding(settings, name, State.WARNING, f"a package it needs is not installed ({error})")
    kind = "ready; a demonstration engine" if description.demonstration else "ready"
    return _finding(settings, name, State.OK, f"{kind}, {description.model}")


def mlx_qwen3(settings: TranscriptionSettings, timeout_s: float) -> Finding:
    """MLX, the BLAS it multiplies with, and the weights; it has its own way to the hub."""
    from pipeline.transcription.engines.expected import qwen3_weights
    from pipeline.transcription.engines.mlx_qwen3.kernels.blas import blas_probe
    from pipeline.transcription.engines.mlx_qwen3.weights import locate

    options, name = settings.mlx_qwen3, "mlx_qwen3"
    blas = blas_probe(options.blas_probe_ms, options.min_gflops)
    figures = {"device": blas.device, "gflops": blas.gflops}
    if blas.device == "none":
        return _finding(settings, name, State.WARNING, blas.message)
    try:
        import mlx_qwen3_asr  # noqa: F401 - importable?
    except ImportError as error:
        return _finding(settings, name, State.WARNING, f"mlx-qwen3-asr is not installed ({error}); run `make setup`")
    hub = Hub(allow_download=False, timeout_s=timeout_s)
    try:
        weights = locate(qwen3_weights(options), hub)
    except ModelUnavailable as error:
        if settings.allow_download and options.allow_download and options.revision and "not on disk" in str(error):
            found = _at_hub(settings, name, options.model, options.revision, timeout_s)
        else:
            found = _finding(settings, name, State.WARNING, str(error))
        both = {**(found.figures or {}), **figures}
        return replace(found, detail=f"{found.detail}; {blas.message}", figures=both)
    state = State.WARNING if blas.slow else State.OK
    figures_found = {**figures, "weights": str(weights.folder)}
    return _finding(settings, name, state, f"ready; weights in {weights.folder}; {blas.message}", **figures_found)


def _at_hub(settings: TranscriptionSettings, name: str, model: str, revision: str, timeout_s: float) -> Finding:
    said, size = told_by_hub(model, revision, timeout_s)
    if size is None:
        detail = f"{said}; point transcription.{name}.model at a folder with the weights"
        return _finding(settings, name, State.WARNING, detail, hub="unreachable")
    return _finding(settings, name, State.WARNING, said, hub="reachable", download_bytes=size)


def _finding(
    settings: TranscriptionSettings, name: str, state: State, detail: str, **figures: str | float | None
) -> Finding:
    listed = name in settings.engines
    rank = f"choice {settings.engines.index(name) + 1}: " if listed else "not listed: "
    # An engine that is not listed needs no warning.
    shown = state if listed or state is State.OK else State.NOTE
    usable = state is State.OK or "weights" in figures or figures.get("hub") == "reachable"
    on_disk = usable and figures.get("hub") != "reachable"
    return Finding(
        area="engine",
        name=name,
        state=shown,
        detail=rank + " ".join(detail.split()),
        figures={"listed": listed, "usable": usable, "on_disk": on_disk, **figures},
    )


def verdict(settings: TranscriptionSettings, found: list[Finding]) -> Iterator[Finding]:
    """Broken when no listed engine could serve, or, where `strict`, when the first could not."""
    by_name = {finding.name: finding.figures or {} for finding in found}
    wanted = settings.engines[:1] if settings.strict else settings.engines
    if not any(by_name[name]["usable"] for name in wanted):
        which = f"{wanted[0]} (transcription.strict)" if settings.strict else ", ".join(wanted)
        yield Finding(
            area="engine",
            name="recogniser",
            state=State.BROKEN,
            detail=f"none of transcription.engines is usable: {which}; see the lines above",
        )


def first_on_disk(settings: TranscriptionSettings, found: list[Finding]) -> str | None:
    """The engine a test call can use without downloading anything, and without sending it off this machine."""
    by_name = {finding.name: finding.figures or {} for finding in found}
    here = (name for name in settings.engines if not settings.sends_audio(name))
    return next((name for name in here if by_name[name]["on_disk"]), None)
