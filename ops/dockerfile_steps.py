"""Carries out a Dockerfile's instructions in copies of a Debian root, by chroot. Called by prove_dockerfile.sh.

Standard library only: it runs on a machine that has nothing of ours.
"""
# ruff: noqa: T201 - a tool for the terminal

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MACHINE = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "PIP_INDEX_URL",
    "PIP_CERT",
    "SSL_CERT_FILE",
)
_FILES = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/root/.config/pip/pip.conf", "/root/.pip/pip.conf",
    "/etc/apt/sources.list", "/etc/ssl/certs/ca-certificates.crt",
)  # fmt: skip


@dataclass(slots=True)
class Stage:
    """One FROM and what follows it."""

    name: str
    root: Path
    workdir: str = "/"
    user: str = "root"
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """(name, argument) of each instruction; comments dropped, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    for line in joined.splitlines():
        name, _, rest = line.strip().partition(" ")
        if name:
            yield name.upper(), rest.strip()


def assignments(text: str, known: dict[str, str]) -> dict[str, str]:
    """ENV's `name=value …`, `$NAME` resolved from what is set before."""
    found = {}
    for word in shlex.split(text):
        name, _, value = word.partition("=")
        found[name] = re.sub(r"\$(\w+)", lambda match: known.get(match.group(1), ""), value)
    return found


def enter(stage: Stage, command: list[str], *, as_built: bool) -> subprocess.CompletedProcess[bytes]:
    """Run in the stage's root. While building, this machine's network settings are passed on."""
    environment = dict(stage.environment)
    if as_built:
        environment |= {name: os.environ[name] for name in _MACHINE if name in os.environ}
    shell = f"cd {shlex.quote(stage.workdir)} && exec {shlex.join(command)}"
    user = [] if stage.user == "root" else [f"--userspec={stage.user}"]
    if user:
        environment["HOME"] = home_of(stage)
    # A container has its own preloaded library; the tools around it must not be touched by it.
    argv = [
        "chroot",
        *user,
        str(stage.root),
        "/usr/bin/env",
        "-i",
        *(f"{k}={v}" for k, v in environment.items()),
        "/bin/sh",
        "-c",
        shell,
    ]
    return subprocess.run(argv, check=False)  # noqa: S603


def home_of(stage: Stage) -> str:
    """As a container finds it: by the user's line in passwd."""
    wanted = stage.user.split(":")[0]
    for line in (stage.root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        name, _, number, _, _, home, _ = line.split(":")
        if wanted in {name, number}:
            return home
    return "/"


def copy(stage: Stage, stages: dict[str, Stage], project: Path, argument: str) -> None:
    words = shlex.split(argument)
    origin = project
    if words[0].startswith("--from="):
        origin = stages[words.pop(0).removeprefix("--from=")].root
    *sources, target = words
    for source in sources:
        found = origin / source.lstrip("/")
        place = stage.root / str(Path(stage.workdir) / target).lstrip("/")
        if found.is_dir():
            shutil.copytree(
                found, place, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            place = place / found.name if target.endswith("/") else place
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)


def begin(argument: str, stages: dict[str, Stage], work: Path) -> Stage:
    image, _, name = argument.partition(" AS ")
    root = work / f"stage{len(stages)}"
    shutil.rmtree(root, ignore_errors=True)
    subprocess.run(["cp", "-a", str(work / "base"), str(root)], check=True)  # noqa: S603, S607
    for path in _FILES:
        if Path(path).is_file():
            target = root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for folder in ("/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"):
        if Path(folder).is_dir():
            shutil.copytree(folder, root / folder.lstrip("/"), dirs_exist_ok=True)
    for device in ("null", "urandom", "random", "zero"):
        subprocess.run(["cp", "-a", f"/dev/{device}", str(root / "dev")], check=False)  # noqa: S603, S607
    (root / "dev" / "shm").mkdir(mode=0o1777, exist_ok=True)
    (root / "dev" / "shm").chmod(0o1777)
    print(f"   stands for {image}", flush=True)
    return Stage(name or f"stage{len(stages)}", root)


def carry_out(project: Path, work: Path) -> Stage:
    """Every instruction in its order; exits at the first RUN that fails. Returns the last stage."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for name, argument in instructions((project / "Dockerfile").read_text(encoding="utf-8")):
        print(f"-- {name} {argument[:110]}", flush=True)
        if name == "FROM":
            stage = begin(argument, stages, work)
            stages[stage.name] = stage
            continue
        assert stage is not None
        if name == "RUN":
            done = enter(stage, ["/bin/sh", "-c", argument], as_built=True)
            if done.returncode:
                sys.exit(f"RUN failed with {done.returncode}: {argument}")
        elif name == "WORKDIR":
            stage.workdir = argument
            (stage.root / argument.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "ENV":
            stage.environment |= assignments(argument, stage.environment)
        elif name == "USER":
            stage.user = argument
        elif name == "COPY":
            copy(stage, stages, project, argument)
        elif name == "ENTRYPOINT":
            stage.entrypoint = json.loads(argument)
        elif name == "HEALTHCHECK":
            stage.health = json.loads(argument.partition("CMD ")[2])
    assert stage is not None
    return stage


def main(project: Path, work: Path) -> int:
    stage = carry_out(project, work)
    mounts = [["mount", "--bind", "/proc", str(stage.root / "proc")]]
    for mount in mounts:
        subprocess.run(mount, check=True)  # noqa: S603
    try:
        outcome = {}
        for what, command in (
            ("doctor", [*stage.entrypoint, "doctor"]),
            ("run", [*stage.entrypoint, "--limit", "2"]),
            ("second run", stage.entrypoint),
            ("health check", stage.health),
        ):
            print(f"\n== {what}: {shlex.join(command)} as {stage.user}", flush=True)
            began = time.monotonic()
            outcome[what] = enter(stage, command, as_built=False).returncode
            print(f"   exit {outcome[what]} after {time.monotonic() - began:.0f} s", flush=True)
        size = subprocess.run(["du", "-sm", str(stage.root)], capture_output=True, text=True, check=False)  # noqa: S603, S607
        base = subprocess.run(["du", "-sm", str(work / "base")], capture_output=True, text=True, check=False)  # noqa: S603, S607
        print(f"\n== image: {size.stdout.split()[0]} MB, of it {base.stdout.split()[0]} MB the base")
        print(f"== {outcome}")
    finally:
        for mount in mounts:
            subprocess.run(["umount", mount[-1]], check=False)  # noqa: S603, S607
    return 0 if not any(outcome.values()) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
