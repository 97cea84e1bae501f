"""Fault tests too long for the test suite: kills, a database that goes away, damaged recordings.

    python -m bench.soak [--kills 180] [--engine scripted] [--seed 1]
    python -m bench.soak --sphinx-kills 20
    python -m bench.soak --worker-kills 200  (a run and three `run.py work` on one database)
    python -m bench.soak --database-restarts 5
    python -m bench.soak --full-disks 5      (needs permission to mount)
    python -m bench.soak --damaged 1000

Each part runs the real command line in processes of its own against a real PostgreSQL, and ends with a line of JSON.
After every disturbed run an undisturbed one finishes the work, and its rows must equal those of a run that was never
disturbed. Exits with 1 when anything differs, is lost or is unaccounted for.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.materials.damage import damaged_copies
from bench.materials.recordings import short_calls
from bench.materials.testbed import Testbed, differences, run_bed
from bench.options import PROJECT, options_of


def strike(run: subprocess.Popen[bytes], dice: random.Random, longest_s: float) -> str:
    """SIGKILL the run or one of its children at a random moment; says whom it hit."""
    try:
        run.wait(dice.uniform(0.2, longest_s))
        return "finished first"
    except subprocess.TimeoutExpired:
        pass
    try:
        children = psutil.Process(run.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return "finished first"
    if not children or dice.random() < 0.5:
        run.kill()
        return "the run"
    victim = dice.choice(children)
    try:
        victim.kill()
    except psutil.NoSuchProcess:
        return "finished first"
    return "a child"


def kills(number: int, engine: str, seed: int, calls: int) -> bool:
    """`number` SIGKILLs at random moments. After every one to three of them, a run finishes and is compared."""
    dice = random.Random(seed)
    hit: Counter[str] = Counter()
    faults: list[str] = []
    began = time.monotonic()
    comparisons = 0
    slow = ("transcription.scripted.sleep_per_audio_s=0.05", "run.quarantine_after_runs=100")
    with run_bed(engine) as bed:
        short_calls(bed.calls, calls)
        url = bed.fresh_database()
        bed.must_run(url)
        reference, whole_s = bed.rows(url), time.monotonic() - began
        while hit["the run"] + hit["a child"] < number:
            url = bed.fresh_database()
            for _ in range(dice.randint(1, 3)):
                with bed.start(url, *slow) as run:
                    hit[strike(run, dice, whole_s)] += 1
                    run.wait()
            code = bed.run(url, "run.quarantine_after_runs=100")
            if code == 1:  # a call whose worker was killed three times in one run: transient, the next run does it
                code = bed.run(url, "run.quarantine_after_runs=100")
            comparisons += 1
            struck = hit["the run"] + hit["a child"]
            print(f"{struck} kills, {comparisons} comparisons, {len(faults)} differ", file=sys.stderr, flush=True)
            different = differences(bed.rows(url), reference)
            if code != 0 or different:
                faults.append(f"exit {code}; {different}\n{bed.log()}")
    faults_shown = faults[:3]
    print(json.dumps({
        "part": "kills", "engine": engine, "seed": seed, "calls": calls, "kills": hit["the run"] + hit["a child"],
        "of_the_run": hit["the run"], "of_children": hit["a child"], "finished_before": hit["finished first"],
        "comparisons": comparisons, "different": len(faults), "faults": faults_shown,
        "minutes": round((time.monotonic() - began) / 60, 1),
    }))  # fmt: skip
    return not faults


STORED = """
    CREATE TABLE stored (call_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(), made jsonb NOT NULL);
    CREATE FUNCTION note_stored() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO stored (call_id, made) VALUES (NEW.call_id, to_jsonb(NEW));
        RETURN NEW;
    END $$;
    CREATE TRIGGER note_stored AFTER INSERT OR UPDATE ON calls
        FOR EACH ROW WHEN (NEW.status = 'done') EXECUTE FUNCTION note_stored();
"""
"""Notes each time a call is stored."""
CHANGED = """
    SELECT two.call_id::text, one.at::text, two.at::text,
        jsonb_object_agg(was.key, jsonb_build_array(was.value, new.value))::text
    FROM stored one JOIN stored two ON two.call_id = one.call_id AND two.at > one.at,
        jsonb_each(one.made) was JOIN jsonb_each(two.made) new USING (key)
    WHERE was.value <> new.value GROUP BY 1, 2, 3
"""
"""Of each call that was stored twice, what the second time changed."""


def wrongly_stored(url: str, calls: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What of STORED is not as it should be after all runs, and each call that was stored twice."""
    with psycopg.connect(url) as connection:
        counted = connection.execute("SELECT count(*), count(DISTINCT call_id) FROM stored").fetchone()
        left = connection.execute("SELECT count(*) FROM claims").fetchone()
        changed = connection.execute(CHANGED).fetchall()
    as_it_should_be = counted == (calls, calls) and left == (0,)
    return [] if as_it_should_be else [f"stored {counted}, changed {changed}; claims left {left}"], changed


WORKERS = ("run", "worker_1", "worker_2", "worker_3")


class Fleet:
    """A run and three workers that help it; what is killed is started again."""

    def __init__(self, bed: Testbed, url: str, settings: Sequence[str]) -> None:
        self._bed = bed
        self._url = url
        self._settings = settings
        self.alive: dict[str, subprocess.Popen[bytes]] = {}
        for name in WORKERS:
            self.start(name)

    def start(self, name: str) -> None:
        self.alive[name] = self._bed.start(self._url, *self._settings, worker=name != "run", log=name)

    def done(self) -> bool:
        """Whether the run has ended by itself."""
        return self.alive["run"].poll() is not None

    def strike(self, dice: random.Random) -> str:
        """SIGKILL a process, or a child of one, at once; says whom it hit."""
        name = dice.choice(WORKERS)
        process = self.alive[name]
        try:
            children = psutil.Process(process.pid).children(recursive=True)
            if children and dice.random() < 0.3:
                dice.choice(children).kill()
                return "a child"
            process.kill()
        except psutil.NoSuchProcess:
            return "finished first"
        process.wait()
        self.start(name)
        return "the run" if name == "run" else "a worker"

    def end(self) -> int:
        """Wait for the run, then stop its helpers; the run's exit code."""
        code = self.alive["run"].wait(900)
        for name in WORKERS[1:]:
            self.alive[name].terminate()
        for name in WORKERS[1:]:
            self.alive[name].wait(120)
        return code

    def kill(self) -> None:
        for process in self.alive.values():
            process.kill()
            process.wait()


def worker_kills(number: int, seed: int, calls: int, longest_s: float) -> bool:
    """`number` SIGKILLs at random moments of four workers on one database, some to each round of calls.

    After each round an undisturbed run must find nothing left to do but what failed for a time, the rows must be those
    of an undisturbed run, and every call must have been stored as done once.
    """
    dice, began = random.Random(seed), time.monotonic()
    hit: Counter[str] = Counter()
    faults: list[str] = []
    rounds = again = twice = 0
    settings = (
        "transcription.scripted.sleep_per_audio_s=0.2", "run.quarantine_after_runs=1000", "run.lease_s=10",
        "run.decode_workers=1",
    )  # fmt: skip
    with run_bed("scripted") as bed:
        short_calls(bed.calls, calls)
        url = bed.fresh_database()
        bed.must_run(url, *settings)
        reference = bed.rows(url)
        while hit.total() - hit["finished first"] < number:
            url = bed.fresh_database()
            with psycopg.connect(url) as connection:
                connection.execute(STORED)
            fleet = Fleet(bed, url, settings)
            try:
                while not fleet.done() and hit.total() - hit["finished first"] < number:
                    time.sleep(dice.uniform(1.0, longest_s))
                    hit[fleet.strike(dice)] += 1
                code = fleet.end()
            finally:
                fleet.kill()
            last = bed.run(url, *settings)
            rounds, again = rounds + 1, again + (code != 0)
            wrong, changed = wrongly_stored(url, calls)
            wrong += differences(bed.rows(url), reference)
            twice += bool(changed)
            if last != 0 or wrong:
                faults.append(f"exit {code}, {last}; {wrong}\n{bed.log('run')}")
            struck = hit.total() - hit["finished first"]
            print(f"{struck} kills, {rounds} rounds, {len(faults)} faults", file=sys.stderr, flush=True)
    print(json.dumps({
        "part": "worker_kills", "seed": seed, "calls": calls, "kills": hit.total() - hit["finished first"],
        **{f"of_{name.replace(' ', '_')}": times for name, times in sorted(hit.items())}, "rounds": rounds,
        "rounds_with_a_failure_for_a_time": again, "rounds_that_stored_a_call_twice": twice, "different": len(faults),
        "faults": faults[:3], "minutes": round((time.monotonic() - began) / 60, 1),
    }))  # fmt: skip
    return not faults


Disturb = Callable[[Testbed, random.Random], None]
"""Takes a resource away from a run under way and gives it back, at random moments."""


def restart_database(bed: Testbed, dice: random.Random) -> None:
    time.sleep(dice.uniform(4.0, 8.0))
    bed.server.stop(force=True)
    time.sleep(dice.uniform(1.0, 4.0))
    bed.server.start()


def fill_disk(bed: Testbed, dice: random.Random) -> None:
    """The disk that holds spool, output and database."""
    time.sleep(dice.uniform(3.0, 7.0))
    _fill(bed.folder / "ballast")
    time.sleep(dice.uniform(2.0, 6.0))
    (bed.folder / "ballast").unlink()
    bed.server.revive()  # PostgreSQL gives up when it cannot write its write-ahead log


def disturbances(part: str, number: int, seed: int, disturb: Disturb, size_mb: int | None = None) -> bool:
    """Disturb each run once: it must wait, and end with the rows of an undisturbed one."""
    dice = random.Random(seed)
    faults: list[str] = []
    waited = 0
    with run_bed("scripted", size_mb) as bed:
        short_calls(bed.calls, 12)
        url = bed.fresh_database()
        bed.must_run(url)
        reference = bed.rows(url)
        for done in range(1, number + 1):
            url = bed.fresh_database()
            with bed.start(url, "transcription.scripted.sleep_per_audio_s=0.05") as run:
                disturb(bed, dice)
                code = run.wait()
            waited += "waiting" in bed.log()
            different = differences(bed.rows(url), reference)
            if code != 0 or different:
                faults.append(f"exit {code}; {different}\n{bed.log()}")
            print(f"{part}: {done} of {number}, {len(faults)} differ", file=sys.stderr, flush=True)
    told = {"part": part, "disturbed": number, "waited": waited, "different": len(faults), "faults": faults[:3]}
    print(json.dumps(told))
    return not faults


def _fill(path: Path) -> None:
    """Fill the disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(65_536)):
            pass


def damaged(number: int, seed: int, data: Path) -> bool:
    """Damaged copies of real recordings: every one is accounted for, none stops the run."""
    with run_bed("scripted") as bed:
        samples = (path for path in (PROJECT / "samples" / "calls").iterdir() if path.suffix != ".csv")
        sources = sorted(data.glob("calls/*/*.wav")) + sorted(samples)
        damaged_copies(sources, bed.calls, number, seed)
        url = bed.fresh_database()
        began = time.monotonic()
        code = bed.run(url)
        with psycopg.connect(url) as connection:
            statuses: dict[str, int] = dict(
                connection.execute("SELECT status, count(*) FROM calls GROUP BY status").fetchall()
            )
            errors: dict[str, int] = dict(
                connection.execute(
                    "SELECT error_type, count(*) FROM calls WHERE error_type IS NOT NULL GROUP BY error_type"
                ).fetchall()
            )
            counts = connection.execute("SELECT counts FROM runs ORDER BY started_at DESC LIMIT 1").fetchone()
        accounted = counts[0] if counts else {}
        fine = code in (0, 1) and sum(statuses.values()) == number and accounted.get("found") == number
        print(json.dumps({
            "part": "damaged", "files": number, "seed": seed, "exit_code": code, "statuses": statuses, "errors": errors,
            "counts": accounted, "all_accounted_for": fine, "minutes": round((time.monotonic() - began) / 60, 1),
        }))  # fmt: skip
        if not fine:
            print(bed.log())
    return fine


def main(arguments: Sequence[str] | None = None) -> int:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--sphinx-kills", type=int, default=0)
    parser.add_argument("--worker-kills", type=int, default=0)
    parser.add_argument("--longest-s", type=float, default=12.0, help="longest time between two kills of workers")
    parser.add_argument("--database-restarts", type=int, default=0)
    parser.add_argument("--full-disks", type=int, default=0)
    parser.add_argument("--damaged", type=int, default=0)
    parser.add_argument("--calls", type=int, default=8, help="recordings in the runs that are killed")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    parts = ("kills", "sphinx_kills", "worker_kills", "database_restarts", "full_disks", "damaged")
    if not any(getattr(chosen, part) for part in parts):
        for part, number in zip(parts, (180, 20, 200, 5, 5, 1000), strict=True):
            setattr(chosen, part, number)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    fine = True
    if chosen.kills:
        fine &= kills(chosen.kills, "scripted", chosen.seed, chosen.calls)
    if chosen.sphinx_kills:
        fine &= kills(chosen.sphinx_kills, "sphinx", chosen.seed, 2)
    if chosen.worker_kills:
        fine &= worker_kills(chosen.worker_kills, chosen.seed, chosen.calls, chosen.longest_s)
    if chosen.database_restarts:
        fine &= disturbances("database_restarts", chosen.database_restarts, chosen.seed, restart_database)
    if chosen.full_disks:
        fine &= disturbances("full_disks", chosen.full_disks, chosen.seed, fill_disk, size_mb=600)
    if chosen.damaged:
        fine &= damaged(chosen.damaged, chosen.seed, chosen.data)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
