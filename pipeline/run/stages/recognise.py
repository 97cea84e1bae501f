"""Second stage: the recogniser kept full with segments of several calls; what is finished is stored at once."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import replace

from pipeline.errors import StartupError, TranscriptMissing, described, portable
from pipeline.log_lines import about_call
from pipeline.records import EngineIdentity, KnownCall, PreparedCall, SegmentText
from pipeline.run.context import RunContext
from pipeline.run.planning.decisions import is_gone, may_replace
from pipeline.run.planning.plan import Action
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.run.stages.engine_watch import EngineWatch
from pipeline.run.stages.under_way import UnderWay, segment_key, window_task, windows_to_do
from pipeline.run.stages.work import URGENT, Finished, Kept, StageQueue, Work, failure_of
from pipeline.threads import begun
from pipeline.transcription.chunks import segment_text
from pipeline.transcription.engine import COST_CEILING, SegmentResult
from pipeline.transcription.fingerprint import same_engine

_LEAST_AHEAD = 16
"""Windows: what an engine that takes one at a time finishes while a call is looked up in the database."""


class RecogniseStage:
    """One thread; owner of the recogniser process."""

    def __init__(
        self, context: RunContext, process: RecogniserProcess, uris: set[str], watch: EngineWatch | None = None
    ) -> None:
        self._recipe = context.recipe
        self._parts = context.parts
        self._signals = context.signals
        self._settings = context.signals.settings
        self._recorder = context.recorder
        self._observer = context.observer
        self._tally = context.tally
        self._desk = context.desk
        self._process = process
        self._watch = watch or EngineWatch(context, process)
        self._uris = uris
        self.identity: EngineIdentity | None = None
        self._active: dict[str, UnderWay] = {}
        self._by_segment: dict[str, str] = {}
        self._same_audio: dict[str, list[Work]] = defaultdict(list)
        self._ready: deque[Work] = deque()
        self._leaving: deque[Work] = deque()
        self._unsaved: list[tuple[UnderWay, SegmentText]] = []
        self._restarts = 0

    def start(self, inbox: StageQueue[Work], out: StageQueue[Work], finished: StageQueue[Finished]) -> threading.Thread:
        self._inbox, self._out, self._finished = inbox, out, finished
        return begun("recognise", self._loop)

    @property
    def active(self) -> int:
        return len(self._active)

    def _loop(self) -> None:
        try:
            while not (self._inbox.finished and not self._active and not self._ready and not self._leaving):
                if self._signals.abandoned.is_set():
                    break
                self._hand_on()
                if self._watch.may_begin(self.identity, idle=not self._active):
                    self._follow_engine()
                    self._take_calls()
                if self._process.outstanding:
                    for result in self._process.results(timeout_s=0.2):
                        self._take_result(result)
                    self._save_segments()
                    self._tell_restarts()
                    self._follow_engine()
            self._save_segments()
        except BaseException as error:  # noqa: BLE001 - without the recogniser the run cannot go on
            self._signals.fail(portable(error))
        finally:
            self._process.kill()
            self._watch.close()
            self._out.writer_done()
            self._finished.writer_done()

    def _take_calls(self) -> None:
        while (work := self._next_call()) is not None:
            try:
                self._begin(work)
            except StartupError:
                raise  # no recogniser, or no database: not this call's fault, and the next would fail too
            except Exception as error:  # noqa: BLE001 - what is odd about one call is no reason to lose the others
                self._give_up(work, portable(error))

    def _next_call(self) -> Work | None:
        """With enough in hand, or calls in hand that the next stage has no room for, only an urgent one."""
        full = self._process.outstanding >= self._enough or bool(self._leaving)
        if self._ready and not full:
            return self._ready.popleft()
        # With segments under way the results are waited for, not the inbox.
        patience_s = 0.0 if self._process.outstanding else 0.2
        return self._inbox.get(patience_s, URGENT if full else None)

    @property
    def _enough(self) -> int:
        """Windows with the process. More than the engine looks ahead would be calls that another worker could have."""
        most, description = self._settings.segments_per_batch, self._process.description
        if description is None or description.looks_ahead is None:
            return most
        return min(most, max(_LEAST_AHEAD, 2 * description.looks_ahead))

    def _hand_on(self, work: Work | None = None) -> None:
        """To the next stage. What finds no room there waits here: this thread must be free for urgent calls."""
        if work is not None and work.is_urgent:
            self._out.put(work, work.priority)
        elif work is not None:
            self._leaving.append(work)
        while self._leaving and not self._out.is_full:
            self._out.put(self._leaving.popleft())

    def _begin(self, work: Work) -> None:
        """Find the call's id and what is recognised already, submit the rest."""
        known, prepared = work.planned.known, work.prepared
        if prepared is None or work.planned.action is Action.ANALYSE:
            assert known is not None
            assert known.transcript_fingerprint is not None
            work.call_id = known.call_id
            work.transcript = self._parts.store.transcript(known.transcript_fingerprint)
            if work.transcript is None:
                raise TranscriptMissing("the stored transcript is gone; run again with --reprocess all")
            self._hand_on(work)
            return
        if not work.call_id:
            work.call_id = self._parts.store.claim_call(
                work.planned.found, prepared.audio_sha256, self._moved_from(work, prepared.audio_sha256)
            )
        identity = self._ensure_started()
        if self._keeps_better_rows(work, prepared, identity):
            self._finished.put(Kept(work))
            return
        fingerprint = self._parts.transcripts.fingerprint(work.planned.found, prepared, identity)
        if fingerprint in self._active:
            self._same_audio[fingerprint].append(work)
            return
        if not work.planned.forced:
            work.transcript = self._parts.store.transcript(fingerprint)
            if work.transcript is not None:
                self._hand_on(work)
                return
        self._submit(work, fingerprint, identity)

    def _submit(self, work: Work, fingerprint: str, identity: EngineIdentity) -> None:
        assert work.prepared is not None
        stored = [] if work.planned.forced else self._finished_earlier(work.prepared, fingerprint)
        windows = windows_to_do(
            work.prepared, {(segment.channel, segment.ordinal) for segment in stored}, self._window_s()
        )
        again = {(segment.channel, segment.ordinal) for window in windows for segment in window}
        kept = [segment for segment in stored if (segment.channel, segment.ordinal) not in again]
        active = UnderWay(work, fingerprint, identity, {}, kept, self._recorder.now_s())
        self._active[fingerprint] = active
        for window in windows:
            for segment in window:
                key = segment_key(work.call_id, segment)
                active.segments[key] = segment
                active.left_s += segment.duration_s
                self._by_segment[key] = fingerprint
        active.speech_s = active.left_s + sum(segment.end_s - segment.start_s for segment in kept)
        for window in windows:
            task = window_task(work.call_id, work.planned.found, work.prepared, window, self._longest_window_s())
            self._process.submit(replace(task, priority=work.priority))
        self._tell_share(active)
        if not windows:
            self._complete(active)

    def _tell_share(self, active: UnderWay) -> None:
        share = 1.0 - active.left_s / active.speech_s if active.speech_s else 1.0
        self._desk.tell(active.work.claim, "recognise", min(1.0, max(0.0, share)), active.work.duration_s)

    def _longest_window_s(self) -> float | None:
        return None if self._process.description is None else self._process.description.longest_window_s

    def _window_s(self) -> float | None:
        return None if self._process.description is None else self._process.description.window_s

    def _finished_earlier(self, prepared: PreparedCall, fingerprint: str) -> list[SegmentText]:
        """What an interrupted run has stored, where this run's segments lie at the same places.

        Another detector, used because the first was not there, cuts elsewhere.
        """
        places = {
            (segment.channel, segment.ordinal): (segment.start_s, segment.end_s)
            for channel in prepared.channels
            for segment in channel.segments
        }
        return [
            segment
            for segment in self._parts.store.finished_segments(fingerprint)
            if places.get((segment.channel, segment.ordinal)) == (segment.start_s, segment.end_s)
        ]

    def _take_result(self, result: SegmentResult) -> None:
        fingerprint = self._by_segment.pop(result.key)
        active = self._active[fingerprint]
        segment = active.segments.pop(result.key)
        active.left_s -= segment.duration_s
        text = segment_text(segment, result)
        self._count_flags(result.flags)
        active.finished.append(text)
        if COST_CEILING in result.flags:
            active.failed.append(result)
            self._signals.stop(str(result.error), planned=True)
        elif result.error is not None:
            active.failed.append(result)
            with about_call(active.work.file_name, active.work.call_id, "recognise", active.work.claim.origin):
                self._observer.notice(f"{active.work.file_name} at {segment.start_s:.1f} s: {result.error}")
        if result.error is None:
            self._unsaved.append((active, text))
        if not active.segments:
            self._complete(active)
        else:
            self._tell_share(active)

    def _complete(self, active: UnderWay) -> None:
        self._active.pop(active.fingerprint, None)
        self._ready.extend(self._same_audio.pop(active.fingerprint, ()))
        work = active.work
        if any(COST_CEILING in result.flags for result in active.failed):
            work.drop_spool()  # what was paid for is stored; the next run goes on from there
            return
        try:
            if self._watch.begins_again(active):
                self._ready.append(work)
                return
            fault = active.fault()
            if fault is not None:
                raise fault
            assert work.prepared is not None
            work.transcript = self._parts.transcripts.assemble(
                work.prepared,
                active.fingerprint,
                active.identity,
                active.finished,
                work.planned.found.metadata.direction,
            )
            self._save_segments()
            self._parts.store.save_transcript(work.transcript, work.prepared.audio_sha256, work.claim)
        except StartupError:
            raise
        except Exception as error:  # noqa: BLE001 - an odd text costs its call, not the run
            self._give_up(work, portable(error))
            return
        self._tally.transcribed_by(active.identity.engine)
        end_s = self._recorder.now_s()
        self._recorder.add("recognise", work.file_name, active.began_s, end_s, work.duration_s)
        work.timings_s["recognise"] = end_s - active.began_s
        self._hand_on(work)

    def _keeps_better_rows(self, work: Work, prepared: PreparedCall, identity: EngineIdentity) -> bool:
        """Whether an engine that serves in another's place must leave this call as it is."""
        known = work.planned.known
        if known is None or self._recipe is None or known.audio_sha256 != prepared.audio_sha256:
            return False
        return known.transcript_fingerprint is not None and not may_replace(known, identity, self._recipe)

    def _give_up(self, work: Work, error: BaseException) -> None:
        work.drop_spool()
        self._finished.put(failure_of(work, "recognise", error))

    def _save_segments(self) -> None:
        """After each look at the recogniser: segments that finished together go into one transaction per transcript."""
        by_transcript: dict[str, tuple[Work, list[SegmentText]]] = {}
        for active, segment in self._unsaved:
            by_transcript.setdefault(active.fingerprint, (active.work, []))[1].append(segment)
        self._unsaved.clear()
        for fingerprint, (work, segments) in by_transcript.items():
            assert work.prepared is not None
            try:
                self._parts.store.save_segments(fingerprint, segments, work.prepared.audio_sha256, work.claim)
            except StartupError:
                raise
            except Exception as error:  # noqa: BLE001 - they are kept for an interrupted run only
                self._observer.notice(f"finished segments could not be stored: {described(error)}")

    def _ensure_started(self) -> EngineIdentity:
        if self.identity is None:
            _, self.identity = self._process.start()
        return self.identity

    def _follow_engine(self) -> None:
        """After a restart with another engine the calls under way begin again: one transcript, one engine.

        What the earlier engine finished stays stored under its own fingerprints, for the run in which it is back.
        """
        now, before = self._process.identity, self.identity
        if now is None or before is None or same_engine(now, before):
            return
        self._save_segments()
        self.identity = now
        again = [active.work for active in self._active.values()]
        again += [work for waiting in self._same_audio.values() for work in waiting]
        for under_way in (self._active, self._by_segment, self._same_audio):
            under_way.clear()
        self._ready.extendleft(reversed(again))
        self._watch.changed(before, now, len(again))

    def _moved_from(self, work: Work, audio_sha256: str) -> str | None:
        """The call_id of the same bytes under an address that no longer exists, when this address is new."""
        if work.planned.known is not None:
            return None
        for other in work.planned.other_sides:
            return other.call_id  # that file was a call of its own: it is this one now
        return next((k.call_id for k in self._parts.store.known_by_content(audio_sha256) if self._gone(k)), None)

    def _gone(self, known: KnownCall) -> bool:
        return known.source_uri not in self._uris and is_gone(known.source_uri)

    def _count_flags(self, flags: tuple[str, ...]) -> None:
        with self._tally.lock:
            for flag in flags:
                self._tally.gates[flag] = self._tally.gates.get(flag, 0) + 1

    def _tell_restarts(self) -> None:
        if self._process.restarts != self._restarts:
            self._restarts = self._process.restarts
            self._observer.notice(f"the recogniser was restarted ({self._restarts} so far)")
