"""What runs Earshot unattended: the cron script for real, the others by parsers that are not ours."""

from __future__ import annotations

import configparser
import fcntl
import json
import os
import plistlib
import re
import shutil
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from commands.run import metrics
from ops.grafana import METRICS, TABLES, TARGET, dashboard
from tests.house import PROJECT
from tests.waiting import PATIENCE_S, until

OPS = PROJECT / "ops"
_RUN = """#!/bin/sh
# Stands for the interpreter: says its arguments, ends with the code it is told; with --wait when it is stopped.
trap 'echo stopped in order; exit 130' TERM
echo "called with $*"
while [ "$2" = --wait ]; do sleep 0.05; done
exit "${WANTED_EXIT:-0}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's folder with the cron script and a stand-in for Python."""
    (tmp_path / "ops").mkdir()
    shutil.copy2(OPS / "run_cron.sh", tmp_path / "ops")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(_RUN)
    python.chmod(0o755)
    return tmp_path


def cron(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "ops" / "run_cron.sh", *arguments], cwd="/", capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip


@pytest.mark.parametrize("code", [0, 1, 3, 4, 5])
def test_cron_keeps_the_exit_code_and_is_silent_only_after_a_good_night(project: Path, code: int) -> None:
    done = cron(project, "--max-hours", "6", "--input", "a folder", WANTED_EXIT=str(code))
    assert done.returncode == code
    (log,) = (project / "output" / "cron").iterdir()
    assert log.read_text() == f"called with run.py --max-hours 6 --input a folder\nexit {code}\n"
    assert bool(done.stdout) is (code != 0)
    assert ("needs attention" in done.stdout) is (code == 5)


@pytest.mark.parametrize("folder", ["logs of cron", "/absolute"])
def test_cron_names_the_log_where_it_is(project: Path, tmp_path: Path, folder: str) -> None:
    """Of an absolute log folder it named the project's folder in front."""
    logs = Path(f"{tmp_path}{folder}") if folder.startswith("/") else project / folder
    done = cron(project, EARSHOT_CRON_LOGS=str(logs) if folder.startswith("/") else folder, WANTED_EXIT="1")
    (log,) = logs.iterdir()
    assert f"; {log} ends:" in done.stdout


def test_cron_keeps_few_logs(project: Path) -> None:
    logs = project / "output" / "cron"
    logs.mkdir(parents=True)
    for day in range(1, 8):
        (logs / f"cron_2026010{day}_000000_1.log").touch()
    cron(project, EARSHOT_CRON_KEEP="3")
    names = sorted(path.name for path in logs.iterdir())
    assert names[:2] == ["cron_20260106_000000_1.log", "cron_20260107_000000_1.log"]
    assert len(names) == 3


def test_cron_says_what_is_missing(project: Path) -> None:
    shutil.rmtree(project / ".venv")
    done = cron(project)
    assert done.returncode == 3
    assert "make setup" in done.stderr
    assert cron(project, EARSHOT_PYTHON="/bin/true", EARSHOT_CRON_KEEP="many").returncode == 2


def test_a_stopped_cron_job_waits_until_the_run_has_stopped_in_order(project: Path) -> None:
    process = subprocess.Popen([project / "ops" / "run_cron.sh", "--wait"], stdout=subprocess.DEVNULL)
    logs = project / "output" / "cron"
    until(lambda: logs.is_dir() and any(path.read_text() for path in logs.iterdir()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 130
    (log,) = logs.iterdir()
    assert log.read_text().endswith("stopped in order\nexit 130\n")


_COUNTS_SIGNALS = """#!{python}
# Stands for the interpreter: counts the signals it gets, for a moment after the first, and ends with 130.
import signal, time
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "started deaf to Ctrl-C"
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: got.append(signal.Signals(number).name))
print("ready", flush=True)
while not got:
    time.sleep(0.05)
until = time.monotonic() + 2
while time.monotonic() < until:
    time.sleep(0.05)
print(*got, flush=True)
raise SystemExit(130)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_one_ctrl_c_is_one_signal_and_the_exit_code_is_kept(project: Path, name: str) -> None:
    """The terminal's went to the whole group, and the script sent another: the second one drops calls under way."""
    (project / ".venv" / "bin" / "python").write_text(_COUNTS_SIGNALS.format(python=sys.executable))
    terminal, theirs = os.openpty()
    process = subprocess.Popen(
        [project / "ops" / "run_cron.sh"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - the only way to give it a terminal
    )
    logs = project / "output" / "cron"
    until(lambda: logs.is_dir() and any("ready" in path.read_text() for path in logs.iterdir()))
    if name == "SIGINT":
        os.write(terminal, b"\x03")
    else:
        process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 130
    os.close(terminal)
    os.close(theirs)
    (log,) = logs.iterdir()
    assert log.read_text() == f"ready\n{name}\nexit 130\n"


def test_the_timer_and_the_launchd_job_start_what_is_there() -> None:
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.optionxform = str  # type: ignore[method-assign,assignment]
    service.read(OPS / "earshot.service")
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["ExecStart"].endswith(".venv/bin/python run.py")
    timer = configparser.ConfigParser(strict=False, interpolation=None)
    timer.read(OPS / "earshot.timer")
    assert timer["Timer"]["OnCalendar"]
    job = plistlib.loads((OPS / "com.earshot.nightly.plist").read_bytes())
    assert job["ProgramArguments"] == ["/opt/earshot/ops/run_cron.sh"]
    assert job["StartCalendarInterval"] == {"Hour": 1, "Minute": 15}


def test_the_dashboard_is_in_step_and_asks_for_what_exists() -> None:
    assert json.loads(TARGET.read_text(encoding="utf-8")) == dashboard()
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    asked = {name for *_, expression, _ in METRICS for name in re.findall(r"earshot_\w+", expression)}
    assert asked
    assert all(f'"{name}"' in source for name in asked)
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in dashboard()["panels"]]
    assert len(set(places)) == len(places) == len(METRICS) + len(TABLES)


def test_the_dashboards_questions_can_be_asked_of_the_tables(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        for _, _, _, query in TABLES:
            asked = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 > now() - interval '1 day'", query)
            connection.execute(asked.encode()).fetchall()


def test_the_dockerfile_is_pinned_small_unprivileged_and_watched() -> None:
    text = re.sub(r"\\\n", " ", (PROJECT / "Dockerfile").read_text(encoding="utf-8"))
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    of: dict[str, list[str]] = {}
    for name, argument in steps:
        of.setdefault(name, []).append(argument)
    bases = [image for image in of["FROM"] if not image.startswith("app AS ")]
    assert len(bases) == 2
    assert all(re.match(r"python:3\.11\.\d+-slim-bookworm", image) for image in bases)
    names = [name for name, _ in steps]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert of["USER"] == ["10001:10001", "root", "10001:10001"], "root installs what target cuda has more"
    assert "status" in of["HEALTHCHECK"][0]
    assert any("LD_PRELOAD=" in line for line in of["ENV"])
    copied = {word for argument in of["COPY"] for word in argument.split()[:-1]}
    assert copied >= {"run.py", "config.yaml", "pipeline", "analysis", "db", "commands", "glossaries", "rules"}
    assert ".env" in (PROJECT / ".dockerignore").read_text().split()
