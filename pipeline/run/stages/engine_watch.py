"""Which engine serves: one that went away in mid-run is left for the next, and taken again when it answers.

A call is never half one engine's and half another's. When an engine goes away, its calls under way begin again with
the next one; what it had finished of them stays stored under its own fingerprints. When it is back, calls under way are
finished by the engine they began with, and the next calls are its own.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.errors import ModelUnavailable
from pipeline.plurals import counted
from pipeline.records import EngineIdentity
from pipeline.run.context import RunContext
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.run.stages.engine_return import EngineReturn, build_engine_return
from pipeline.run.stages.under_way import UnderWay
from pipeline.run.tally import EngineChange
from pipeline.transcription.fingerprint import same_engine


class EngineWatch:
    """Used from the thread that owns the recogniser's process.

    Args:
        returns: None for one made from the context; without `BatchParts.answering` no engine is looked for.
    """

    def __init__(self, context: RunContext, process: RecogniserProcess, returns: EngineReturn | None = None) -> None:
        self._settings = context.signals.settings
        self._observer = context.observer
        self._tally = context.tally
        self._engines = context.parts.engines
        self._process = process
        answering = context.parts.answering
        if returns is None and answering is not None:
            returns = build_engine_return(self._settings, answering)
        self._returns = returns
        self._back: EngineIdentity | None = None
        """Found by a look; taken again once no call is under way."""
        self._unserved = 0

    def may_begin(self, serving: EngineIdentity | None, idle: bool) -> bool:
        """Whether calls may be begun now. Returns to a better engine that answers again, once `idle`.

        Raises ModelUnavailable when no engine loads any more.
        """
        if self._returns is None or serving is None:
            return True
        self._back = self._back or self._returns.found(serving)
        if self._back is None:
            return True
        if not idle:
            return False
        engine, self._back = self._back.engine, None
        if self._process.return_to(engine):
            self._returns.returned(engine)
            return True
        now = self._process.identity
        why = "; ".join(now.passed_over) if now else ""
        self._returns.in_vain(engine, why)
        self._observer.notice(f"{engine} answered again, but could not be loaded: {why}")
        return True

    def begins_again(self, active: UnderWay) -> bool:
        """Whether a call that is through must begin again, since a service did not serve it.

        A service that is down must not use up the tries of every recording there is: after `run.unserved_calls` in a
        row it is left for the next engine. Raises ModelUnavailable where there is none.
        """
        engine = active.identity.engine
        now = self._process.identity
        if active.unserved is None:
            if active.finished:  # a silent call asks nothing of the service, and proves nothing
                self._unserved = 0
                if self._returns is not None:
                    self._returns.served(engine)
            return False
        if now is not None and not same_engine(active.identity, now):
            return True  # it was left while the call's results were on their way
        self._unserved += 1
        on_trial = self._returns is not None and self._returns.on_trial(engine)
        if self._unserved >= (1 if on_trial else self._settings.unserved_calls):
            number, self._unserved = self._unserved, 0
            self._leave(f"{engine} gave no words for {counted(number, 'call')} in a row: {active.unserved}", engine)
            return True
        if not self._has_next(engine) or active.work.unserved >= self._settings.attempts:
            return False
        active.work.unserved += 1
        return True

    def changed(self, before: EngineIdentity, now: EngineIdentity, again: int) -> None:
        """The process runs another engine than before; `again`: calls that begin again with it."""
        why = "; ".join(now.passed_over) or "it can be loaded again"
        if now.rank > before.rank and before.engine not in self._process.without_memory and self._returns is not None:
            self._returns.left(before, why)
        self._tally.engine_changed(
            EngineChange(at=datetime.now(UTC), left=before.engine, now=now.engine, why=why, calls_again=again)
        )
        begun = f"; {counted(again, 'call')} under way will begin again" if again else ""
        self._observer.notice(
            f"the recogniser is now {now.engine} ({now.model}), no longer {before.engine}: {why}{begun}"
        )
        description = self._process.description
        if description is not None and description.sends_audio_to:
            self._observer.notice(f"the audio of calls leaves this machine: it is sent to {description.sends_audio_to}")

    def close(self) -> None:
        if self._returns is not None:
            self._returns.close()

    def _leave(self, why: str, engine: str) -> None:
        if not self._has_next(engine):
            raise ModelUnavailable(f"{why}; the run ends here (run.unserved_calls), and the next one goes on")
        self._process.leave(f"{why} (run.unserved_calls)")

    def _has_next(self, engine: str) -> bool:
        return engine in self._engines[:-1]
