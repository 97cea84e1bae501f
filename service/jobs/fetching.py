"""Recordings that are fetched from the addresses of their jobs."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from pipeline.disk import says_disk_full
from pipeline.errors import EarshotError
from pipeline.jobs import Job, JobEnd, JobState
from pipeline.retries import retrying
from service.jobs.gatekeeper import Refusal
from service.jobs.outside import NotNow, Refused
from service.jobs.room import JobRoom

log = logging.getLogger("earshot.service")

_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 60.0


class Fetcher:
    """Begins what is to be fetched: `beat` every few seconds. What a stop or a crash interrupts begins again."""

    def __init__(self, room: JobRoom, first_wait_s: float = _FIRST_WAIT_S) -> None:
        self._room = room
        self._first_wait_s = first_wait_s
        self._at_once = room.settings.fetches_at_once
        self._pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="fetch recording")
        self._under_way: dict[str, Future[None]] = {}
        self._stopping = threading.Event()

    def beat(self) -> None:
        self._under_way = {job: future for job, future in self._under_way.items() if not future.done()}
        for job in self._room.jobs.to_fetch():
            if len(self._under_way) >= self._at_once:
                return
            if job.job_id not in self._under_way:
                self._under_way[job.job_id] = self._pool.submit(self._fetch, job)

    def close(self) -> None:
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, job: Job) -> None:
        room = self._room
        part = room.folder.part(job.job_id, job.file_name)
        again = retrying(
            lambda error: isinstance(error, NotNow),
            first_wait_s=self._first_wait_s,
            longest_wait_s=_LONGEST_WAIT_S,
            attempts=room.settings.fetch_attempts,
            asked_s=lambda error: error.asked_s if isinstance(error, NotNow) else None,
            given_up=self._stopping,
        )
        try:
            again(self._once, job, part)
            room.finish(job, part)
        except Refusal as refusal:
            self._fail(job, "not_a_recording", str(refusal))
        except NotNow as error:
            if not self._stopping.is_set():
                self._fail(job, "fetch_failed", f"{error}; tried {room.settings.fetch_attempts} times")
        except (Refused, EarshotError) as error:
            self._fail(job, "fetch_refused", str(error))
        except OSError as error:
            # The disk is nobody's fault: it is begun again with the next look.
            told = "the disk is full" if says_disk_full(error) else error.strerror
            log.warning("job %s: its recording could not be stored: %s", job.job_id, told)
        except Exception:
            log.exception("job %s: its recording could not be fetched", job.job_id)
        finally:
            part.unlink(missing_ok=True)
            room.to_fetch.set()

    def _once(self, job: Job, part: Path) -> None:
        room, size = self._room, 0
        most = room.limits.most_bytes
        assert job.recording_url is not None
        with room.outside.get(job.recording_url, room.settings.fetch_timeout_s) as body, part.open("wb") as file:
            for piece in body:
                size += len(piece)
                if size > most:
                    raise Refused(f"more than {most:,} bytes (service.max_recording_mb)")
                if self._stopping.is_set():
                    raise NotNow("the service ends")
                file.write(piece)
        if size == 0:
            raise Refused("the recording is empty")

    def _fail(self, job: Job, reason: str, detail: str) -> None:
        self._room.jobs.end([JobEnd(job_id=job.job_id, state=JobState.FAILED, reason=reason, detail=detail)])
