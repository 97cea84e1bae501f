"""The end of a live call: its recording handed over, its last turns waited for, what it was about told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pipeline.errors import EarshotError, TerminalError, described
from pipeline.live.call import LiveCall
from pipeline.live.events import Analysis, Ended, Notice
from pipeline.live.kept import KeptCalls
from pipeline.live.ports import HandedOver, LiveHeader
from pipeline.live.refusals import EndReason
from pipeline.live.tools import LiveTools
from pipeline.records import CallForAnalysis, Transcript
from pipeline.transcription.chunks import main_language
from pipeline.transcription.fingerprint import digest

log = logging.getLogger("earshot.live")

_SLOWEST_ANSWER_S = 600.0
"""So long an ended call waits for its last turns."""


class Endings:
    """Thread-safe: several calls may end at a time."""

    def __init__(self, kept: KeptCalls, tools: LiveTools, write: Callable[[Callable[[], None]], None]) -> None:
        """`write`: has a row written later, in order."""
        self._kept = kept
        self._tools = tools
        self._write = write

    def end(self, call: LiveCall) -> None:
        """Hand the recording over, wait for the last turns, tell what the call was about."""
        handed: HandedOver | None = None
        try:
            handed = self._hand_over(call)
            analysis = self._analysis(call)
            if analysis is not None:
                call.events.add(analysis)
            reason = call.reason or EndReason.STOPPED
            self._write(lambda: self._tools.store.end(call.session, reason, call.duration_s, analysis))
        except Exception as error:  # noqa: BLE001 - it ends all the same
            log.error("live call %s: its end failed: %s", call.session, described(error))
        finally:
            self._tell_end(call, handed)

    def _hand_over(self, call: LiveCall) -> HandedOver | None:
        if not call.recording.frames:
            self._kept.forget(call.session)
            return None
        try:
            handed = self._tools.hand_over(call.recording.path, call.header)
        except TerminalError as error:
            log.warning("live call %s: its recording cannot be used: %s", call.session, error)
            call.events.add(Notice(text=f"the recording cannot be used: {error}"))
            self._kept.forget(call.session)
            return None
        except EarshotError as error:
            log.error(
                "live call %s: its recording is kept in %s, not handed over: %s", call.session, call.folder, error
            )
            call.events.add(Notice(text="the recording is kept, and processed as soon as that is possible"))
            return None
        self._kept.forget(call.session)
        self._write(lambda: self._tools.store.handed_over(call.session, handed.source_uri, handed.job))
        return handed

    def _analysis(self, call: LiveCall) -> Analysis | None:
        if not call.pending_answered(_SLOWEST_ANSWER_S):
            call.events.add(Notice(text="the last turns were not recognised in time"))
        identity = self._tools.recogniser.identity
        if self._tools.analyse is None:
            return None
        chunks = tuple(sorted(call.chunks, key=lambda chunk: (chunk.start_s, chunk.channel)))
        if identity is None or not any(chunk.text for chunk in chunks):
            return Analysis(missing={"topic": "no words", "summary": "no words"})
        transcript = Transcript(
            fingerprint=digest(["live", call.session]),
            identity=identity,
            language=call.header.start.metadata.language or main_language(chunks),
            chunks=chunks,
        )
        return self._tools.analyse(
            CallForAnalysis(
                call_id=call.session,
                audio_sha256=digest(["live", call.session]),
                duration_s=call.duration_s,
                metadata=call.header.start.metadata,
                transcript=transcript,
                audio=call.audio,
            )
        )

    def _tell_end(self, call: LiveCall, handed: HandedOver | None) -> None:
        reason = call.reason or EndReason.STOPPED
        call.events.add(Ended(reason=reason, duration_s=call.duration_s, job=handed.job if handed else None))
        call.ended_at = time.monotonic()
        call.done.set()

    def recover(self) -> list[LiveHeader]:
        """Hand over the recordings of calls in whose midst a server was killed. Returns those handed over now."""
        handed_over: list[LiveHeader] = []
        for header, recording in self._kept.left_behind():
            try:
                handed = self._tools.hand_over(recording, header)
            except TerminalError as error:
                log.warning("live call %s: its recording cannot be used: %s", header.session, error)
                self._kept.remove(header.session)
            except EarshotError as error:
                log.error("live call %s: its recording stays in %s: %s", header.session, recording.parent, error)
                self._kept.leave(header.session)
            else:
                self._tools.store.handed_over(header.session, handed.source_uri, handed.job)
                self._tools.store.end(header.session, EndReason.KILLED, None, None)
                self._kept.remove(header.session)
                handed_over.append(header)
        return handed_over
