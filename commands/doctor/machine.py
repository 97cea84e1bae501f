"""The machine: packages, cores, memory, disk, write permissions, time zone."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from commands.doctor.finding import Finding, State
from db.embedded.files import existing_home
from pipeline.config.areas.database import EMBEDDED
from pipeline.config.areas.run import usable_cores
from pipeline.config.root import Settings
from pipeline.plurals import counted
from pipeline.run.stages.fetch import default_limit_gb

PROJECT_FILE = Path(__file__).resolve().parents[2] / "pyproject.toml"
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
_OTHER_PLATFORM = re.compile(r"sys_platform\s*==\s*'(\w+)'")
_GB = 1e9


def machine(settings: Settings) -> list[Finding]:
    """Everything that needs no other process and no network."""
    return [*packages(), computer(), memory(settings), *folders(settings), time_zone(settings)]


def packages(project: Path = PROJECT_FILE) -> Iterator[Finding]:
    """Base requirements and extras of pyproject.toml against what is installed."""
    described = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    base = _versions(described["dependencies"])
    missing = sorted(name for name, version in base.items() if version is None)
    yield Finding(
        area="installed",
        name="base packages",
        state=State.BROKEN if missing else State.OK,
        detail=f"missing: {', '.join(missing)}; run `make setup`" if missing else f"{len(base)} of {len(base)}",
        figures=dict(base),
    )
    for extra, requirements in described.get("optional-dependencies", {}).items():
        versions = _versions(requirements)
        absent = sorted(name for name, version in versions.items() if version is None)
        yield Finding(
            area="installed",
            name=f"extra {extra}",
            state=State.NOTE if absent else State.OK,
            detail=f"not installed: {', '.join(absent)}" if absent else f"{len(versions)} of {len(versions)}",
            figures=dict(versions),
        )


def _versions(requirements: list[str]) -> Mapping[str, str | None]:
    """Package to installed version; None where it is missing. Those of other platforms are left out."""
    named = ((_OTHER_PLATFORM.search(requirement), _NAME.match(requirement)) for requirement in requirements)
    here = (name for platform, name in named if platform is None or platform.group(1) == sys.platform)
    return {name.group(): _version(name.group()) for name in here if name is not None}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def computer() -> Finding:
    """Python, system, cores."""
    cores = usable_cores()
    version = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 11) <= sys.version_info[:2] < (3, 13)
    about = f"Python {version}, {platform.system()} {platform.machine()}, {counted(cores, 'core')}"
    return Finding(
        area="installed",
        name="machine",
        state=State.OK if supported else State.WARNING,
        detail=about if supported else f"{about}; Python 3.11 and 3.12 are tested",
        figures={"python": version, "system": platform.system(), "machine": platform.machine(), "cores": cores},
    )


def memory(settings: Settings) -> Finding:
    """Free memory against what the configuration lets a run take."""
    import psutil

    is_now = psutil.virtual_memory()
    wanted_gb = settings.run.max_memory_gb or default_limit_gb()
    detail = f"{is_now.available / _GB:.1f} of {is_now.total / _GB:.1f} GB free; a run may take {wanted_gb:.1f} GB"
    short = wanted_gb * _GB > is_now.total
    if short:
        detail += ", more than there is: lower run.max_memory_gb"
    figures = {"total_bytes": is_now.total, "available_bytes": is_now.available}
    return Finding(
        area="memory", name="memory", state=State.WARNING if short else State.OK, detail=detail, figures=figures
    )


def folders(settings: Settings) -> Iterator[Finding]:
    """Can be made or written to, and has room."""
    yield folder("output.directory", settings.output.directory, settings.reporting.doctor.min_free_disk_gb)
    yield folder("run.spool_dir", settings.run.spool_dir, settings.reporting.doctor.min_free_disk_gb)
    if settings.database.url == EMBEDDED:
        home = existing_home(settings.database.data_dir) or settings.database.data_dir
        yield folder("database.data_dir", home, settings.reporting.doctor.min_free_disk_gb)


def folder(key: str, path: Path, min_free_gb: float) -> Finding:
    """One folder of the configuration. Judged by permissions: nothing is written."""
    path = path.expanduser().absolute()
    there = next(folder_above for folder_above in (path, *path.parents) if folder_above.exists())
    if not there.is_dir():
        problem = f"{there} is not a folder"
    elif not os.access(there, os.W_OK | os.X_OK):
        problem = f"{there} cannot be written to by this account"
    else:
        free_gb = shutil.disk_usage(there).free / _GB
        low = free_gb < min_free_gb
        detail = f"{path}: writable, {free_gb:.1f} GB free"
        if low:
            detail += f", under reporting.doctor.min_free_disk_gb ({min_free_gb:g})"
        state = State.WARNING if low else State.OK
        return Finding(area="disk", name=key, state=state, detail=detail, figures={"free_bytes": int(free_gb * _GB)})
    return Finding(
        area="disk",
        name=key,
        state=State.BROKEN,
        detail=f"{path}: {problem}; change its permissions, or set {key}",
    )


def time_zone(settings: Settings) -> Finding:
    """Whether the zones recordings are read in are known here."""
    from datetime import datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    zone = settings.input.timezone
    try:
        now = datetime.now(ZoneInfo(zone))
        ZoneInfo("Europe/Berlin")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        detail = f"{zone}: no time zone data ({error}); install the package tzdata"
        return Finding(area="time zone", name=zone, state=State.BROKEN, detail=detail)
    return Finding(area="time zone", name=zone, state=State.OK, detail=f"now {now:%Y-%m-%d %H:%M %Z}")
