"""Fault tests too long for the test suite: kills, a database that goes away, damaged recordings.

    python -m bench.soak [--kills 180] [--engine scripted] [--seed 1]
    python -m bench.soak --sphinx-kills 20
    python -m bench.soak --database-restarts 5
    python -m bench.soak --full-disks 5      (needs permission to mount)
    python -m bench.soak --damaged 1000

Each part runs the real command line in processes of its own against a real PostgreSQL, and ends with a line of JSON.
After every disturbed run an undisturbed one finishes the work, and its rows must equal those of a run that was never
disturbed. Exits with 1 when anything differs, is lost or is unaccounted for.
"""

from __future__ import annotations

import argparse
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

import psutil
import psycopg

from bench.materials.damage import damaged_copies
from bench.materials.recordings import short_calls
from bench.materials.testbed import Testbed, differences, run_bed

PROJECT = Path(__file__).resolve().parent.parent


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
        if bed.run(url) != 0:
            raise SystemExit(f"the undisturbed run failed:\n{bed.log()}")
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
        if bed.run(url) != 0:
            raise SystemExit(f"the undisturbed run failed:\n{bed.log()}")
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--sphinx-kills", type=int, default=0)
    parser.add_argument("--database-restarts", type=int, default=0)
    parser.add_argument("--full-disks", type=int, default=0)
    parser.add_argument("--damaged", type=int, default=0)
    parser.add_argument("--calls", type=int, default=8, help="recordings in the runs that are killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    chosen = parser.parse_args(arguments)
    parts = ("kills", "sphinx_kills", "database_restarts", "full_disks", "damaged")
    if not any(getattr(chosen, part) for part in parts):
        for part, number in zip(parts, (180, 20, 5, 5, 1000), strict=True):
            setattr(chosen, part, number)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    fine = True
    if chosen.kills:
        fine &= kills(chosen.kills, "scripted", chosen.seed, chosen.calls)
    if chosen.sphinx_kills:
        fine &= kills(chosen.sphinx_kills, "sphinx", chosen.seed, 2)
    if chosen.database_restarts:
        fine &= disturbances("database_restarts", chosen.database_restarts, chosen.seed, restart_database)
    if chosen.full_disks:
        fine &= disturbances("full_disks", chosen.full_disks, chosen.seed, fill_disk, size_mb=600)
    if chosen.damaged:
        fine &= damaged(chosen.damaged, chosen.seed, chosen.data)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
