"""What the spawned processes of these tests run. Apart from the tests: a process imports all that stands beside it."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.errors import AudioUndecodable, ModelUnavailable, SourceUnreadable
from pipeline.records import (
    AudioHeader,
    CallForAnalysis,
    EngineIdentity,
    PreparedCall,
    PreparedChannel,
    Role,
    SkippedFile,
    SpeechSegment,
    StepResult,
    StepState,
)
from pipeline.transcription.engine import (
    OUT_OF_MEMORY,
    SERVICE_UNAVAILABLE,
    EngineDescription,
    SegmentRequest,
    SegmentResult,
)

if TYPE_CHECKING:
    from pipeline.run.processes.preparer import PrepareTask

DESCRIPTION = EngineDescription(
    engine="planted",
    model="none",
    revision=None,
    demonstration=False,
    max_segment_s=30.0,
    takes_context=False,
    languages=None,
)
IDENTITY = EngineIdentity(engine="planted", model="none", revision=None, options_hash="0", rank=0, demonstration=False)


def build_worker(mark: str) -> Callable[[Any], Any]:
    """Answers `mark:task`; some tasks do harm."""

    def answer(task: Any) -> Any:
        if task == "crash":
            os._exit(7)
        if task == "hang":
            time.sleep(3600)
        if task == "undecodable":
            raise AudioUndecodable("a.wav: no decoder makes sense of it")
        if task == "bug":
            raise KeyError("nobody foresaw this")
        if task == "blas threads":
            import threadpoolctl

            importlib.import_module("scipy.linalg")  # a BLAS that is loaded later
            return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
        if task == "pid":
            return os.getpid()
        if task == "memory":
            raise MemoryError
        if task == "progress bar":
            return sum(1 for _ in importlib.import_module("tqdm").tqdm(range(3), disable=True))
        return f"{mark}:{task}"

    return answer


def build_slow_worker() -> Callable[[Any], Any]:
    time.sleep(3600)
    raise AssertionError


def refuse_to_build() -> Callable[[Any], Any]:
    raise ModelUnavailable("weights are missing; set the path")


class PlantedRecogniser:
    """Says the key. Keys that begin with `crash`, `hang` or `raise` do that; with a trap only while it exists."""

    def __init__(self, trap: Path | None) -> None:
        self._trap = trap

    def load(self) -> tuple[EngineDescription, EngineIdentity]:
        return DESCRIPTION, IDENTITY

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        batch: list[SegmentRequest] = []
        for request in requests:
            batch.append(request)
            if len(batch) == 4:
                yield from self._decode(batch)
                batch = []
        yield from self._decode(batch)

    def _decode(self, batch: list[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in batch:
            if self._trap is None or self._trap.exists():
                for key in _keys(request):
                    self._do_harm(key)
        for request in batch:
            for key in _keys(request):
                yield SegmentResult(key=key, text=f"{key} {len(request.samples)}", language="en")

    def _do_harm(self, key: str) -> None:
        if key.startswith("once") and self._trap is not None:
            self._trap.unlink()
            os._exit(9)
        if key.startswith("crash"):
            os._exit(9)
        if key.startswith("hang"):
            time.sleep(3600)
        if key.startswith("raise"):
            raise RuntimeError("a bug in the engine")


def _keys(request: SegmentRequest) -> list[str]:
    """Of the segments of a window, or of the one."""
    return [part.key for part in request.parts] or [request.key]


def build_recogniser(trap: Path | None) -> PlantedRecogniser:
    return PlantedRecogniser(trap)


def build_while_weights_are_there(trap: Path) -> PlantedRecogniser:
    if not trap.exists():
        raise ModelUnavailable("the weights were removed")
    return PlantedRecogniser(trap)


class SmallRecogniser(PlantedRecogniser):
    """Has no memory for keys that begin with `huge`, as long as it is the first engine."""

    def __init__(self, engine: str) -> None:
        super().__init__(None)
        self._engine = engine

    def load(self) -> tuple[EngineDescription, EngineIdentity]:
        return replace(DESCRIPTION, engine=self._engine), replace(IDENTITY, engine=self._engine)

    def _decode(self, batch: list[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in batch:
            huge = request.key.startswith("huge") and self._engine == "first"
            yield SegmentResult(
                key=request.key,
                text="" if huge else f"{request.key} by {self._engine}",
                language="en",
                flags=(OUT_OF_MEMORY,) if huge else (),
                error="no memory" if huge else None,
            )


def build_small(strict: bool, skip: Mapping[str, str] | None = None) -> SmallRecogniser:
    if skip and strict:
        raise ModelUnavailable(f"first: {skip['first']}. strict: no other engine is tried")
    return SmallRecogniser("second" if skip else "first")


class LeavingRecogniser(SmallRecogniser):
    """The first engine goes away at keys that name how; it loads as long as `there` exists."""

    def _decode(self, batch: list[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in batch:
            if self._engine == "first" and request.key.startswith("refused"):
                raise ModelUnavailable("the key was refused (401)")
            if self._engine == "first" and request.key.startswith("die"):
                os._exit(9)
            yield from super()._decode([request])


def build_leaving(there: Path, hangs: bool = False, skip: Mapping[str, str] | None = None) -> LeavingRecogniser:
    if "first" in (skip or {}):
        return LeavingRecogniser("second")
    if there.exists():
        return LeavingRecogniser("first")
    if hangs:
        time.sleep(3600)
    return LeavingRecogniser("second")


def build_unloadable() -> PlantedRecogniser:
    raise ModelUnavailable("no weights on disk and no hub within reach; set transcription.mlx_qwen3.model")


def die_while_loading() -> PlantedRecogniser:
    os._exit(11)


class UnservedRecogniser(PlantedRecogniser):
    """An outside service that does not serve."""

    def _decode(self, batch: list[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in batch:
            yield SegmentResult(
                key=request.key, text="", language=None, flags=(SERVICE_UNAVAILABLE,), error="503 from the service"
            )


def build_unserved(trap: Path | None) -> UnservedRecogniser:
    return UnservedRecogniser(trap)


class MortalRecogniser(PlantedRecogniser):
    """Dies after so many segments, before it takes another."""

    def __init__(self, lifetime: int) -> None:
        super().__init__(None)
        self._left = lifetime

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]:
        for _ in range(self._left):
            yield from self._decode([next(iter(requests))])
        os._exit(9)


def build_mortal(lifetime: int) -> MortalRecogniser:
    return MortalRecogniser(lifetime)


class ErringRecogniser(PlantedRecogniser):
    """Lives on, and answers every segment with an error of the given flags."""

    def __init__(self, *flags: str) -> None:
        super().__init__(None)
        self._flags = flags

    def _decode(self, batch: list[SegmentRequest]) -> Iterator[SegmentResult]:
        for request in batch:
            yield SegmentResult(key=request.key, text="", language=None, flags=self._flags, error="too long for it")


def build_erring(trap: Path | None) -> ErringRecogniser:
    return ErringRecogniser()


def build_without_memory(trap: Path | None, skip: Mapping[str, str] | None = None) -> ErringRecogniser:
    if skip:
        raise ModelUnavailable("strict: no other engine is tried")
    return ErringRecogniser(OUT_OF_MEMORY)


class RefusedRecogniser(PlantedRecogniser):
    """An outside service that refuses the key after its first answer."""

    def _decode(self, batch: list[SegmentRequest]) -> Iterator[SegmentResult]:
        yield from super()._decode(batch[:1])
        if batch:
            raise ModelUnavailable("the key was refused (401); set the environment variable KEY")


def build_refused(trap: Path | None) -> RefusedRecogniser:
    return RefusedRecogniser(trap)


def build_raising(trap: Path | None) -> PlantedRecogniser:
    class Raising(PlantedRecogniser):
        def _do_harm(self, key: str) -> None:
            raise RuntimeError("a bug in the engine")

    return Raising(None)


def build_dying(trap: Path | None) -> PlantedRecogniser:
    class Dying(PlantedRecogniser):
        def _do_harm(self, key: str) -> None:
            os._exit(9)

    return Dying(None)


def build_absent(trap: Path | None) -> PlantedRecogniser:
    raise ModelUnavailable("no weights on disk")


def build_slowly(trap: Path | None) -> PlantedRecogniser:
    time.sleep(3600)
    return PlantedRecogniser(trap)


def build_planted_preparer() -> Callable[[PrepareTask], PreparedCall | SkippedFile]:
    """Prepares one second of nothing; file names say what goes wrong."""

    def prepare(task: PrepareTask) -> PreparedCall | SkippedFile:
        name = task.found.file_name
        if "crash" in name:
            os._exit(139)
        if "hang" in name:
            time.sleep(3600)
        if "undecodable" in name:
            raise AudioUndecodable(f"{name}: no decoder makes sense of it")
        if "unreadable" in name:
            raise SourceUnreadable(f"{name}: vanished")
        if "bug" in name:
            raise ZeroDivisionError("nobody foresaw this")
        if "short" in name:
            found = task.found
            return SkippedFile(
                source_uri=found.source_uri, file_name=name, size_bytes=found.size_bytes,
                modified_at=found.modified_at, reason="too_short", message="0.1 s",
            )  # fmt: skip
        path = task.spool / "channel_0.f32"
        np.zeros(16_000, dtype="<f4").tofile(path)
        return planted_call(name, path)

    return prepare


def planted_call(name: str, path: Path) -> PreparedCall:
    channel = PreparedChannel(
        channel=0, role=Role.CLIENT, samples_path=path, samples=16_000, rms_dbfs=-20.0, peak=0.5, gain_db=0.0,
        speech_s=0.8, flags=(), segments=(SpeechSegment(channel=0, ordinal=0, start_s=0.1, end_s=0.9),),
    )  # fmt: skip
    header = AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=16_000, channels=1, duration_s=1.0)
    return PreparedCall(audio_sha256=name.ljust(64, "0"), header=header, duration_s=1.0, channels=(channel,), flags=())


class PlantedStep:
    """An analysis step that breaks on some calls, by the text of their first chunk."""

    needs_audio = False
    after: tuple[str, ...] = ()

    def __init__(self, name: str, harm: str) -> None:
        self.name = name
        self._harm = harm

    def fingerprint(self, call: CallForAnalysis) -> str:
        return f"{self.name} {call.transcript.fingerprint}"

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        results = []
        for call in calls:
            if call.audio_sha256.startswith(self._harm):
                if self._harm != "die":
                    raise RuntimeError("the step broke")
                _die(call.audio_sha256)
            results.append(
                StepResult(
                    step=self.name, fingerprint=self.fingerprint(call), state=StepState.MISSING, payload=None,
                    reason="planted",
                )
            )  # fmt: skip
        return results

    def close(self) -> None: ...


def _die(name: str) -> None:
    """Ends the process; for a name with `once` only the first time."""
    mark = Path(os.environ["EARSHOT_PLANTED_MARKS"]) / "died" if "once" in name else None
    if mark is not None and mark.exists():
        return
    if mark is not None:
        mark.touch()
    os._exit(3)


def planted_steps() -> list[PlantedStep]:
    return [PlantedStep("text", "raise"), PlantedStep("topic", "die")]
