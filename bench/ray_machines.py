"""Workers on a Ray cluster of unequal machines, and on one that grows by demand; on one machine, as root.

    python -m bench.ray_machines --part apart [--calls 16]
    python -m bench.ray_machines --part growing [--calls 16]

`apart`: one machine with an accelerator (claimed, not there) and one processor, another with two processors and a mount
namespace of its own in which the first one's spool is not seen. The recogniser can only be on the first, decoding and
analysis only on the second. `growing`: Ray's autoscaler from no machine to two and back, by its fake provider. The rows
must be those of a run without Ray; exits with 1 otherwise. Needs the extra `ray`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.materials.recordings import short_calls
from bench.materials.testbed import Testbed, differences, run_bed
from bench.whole_run import checked_run
from db.embedded.clients import free_port

_START = (sys.executable, "-m", "ray.scripts.scripts", "start", "--block")
_LIMIT_S = 300.0
_HEAD = "f" * 51 + "00000"
"""As the fake provider calls the first machine."""
_COMMANDS = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")
"""Of which there are none: the provider starts machines itself."""
_AROUND: dict[str, str] = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
    "RAY_worker_niceness": "0",
}


def until(is_so: Any, limit_s: float = _LIMIT_S) -> bool:
    """Whether it became so in time."""
    end = time.monotonic() + limit_s
    while not (so := is_so()) and time.monotonic() < end:
        time.sleep(0.5)
    return bool(so)


@contextmanager
def started(log: Path, *command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A machine, until the end of the context."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def cluster(folder: Path, *options: str, port: int, **environment: str) -> Iterator[tuple[Any, str]]:
    """Ray, connected to a head with these options, and the head's address."""
    ray = importlib.import_module("ray")
    log = folder / "head.log"
    options = ("--head", f"--port={port}", "--include-dashboard=false", *options)
    with started(log, *_START, *options, PYTHONUNBUFFERED="1", **environment):
        if not until(lambda: "--address='" in log.read_text(encoding="utf-8")):
            raise RuntimeError(log.read_text(encoding="utf-8"))
        found = re.search(r"--address='([^']+)'", log.read_text(encoding="utf-8"))
        assert found is not None
        ray.init(address=found.group(1), logging_level="ERROR", log_to_driver=False)
        try:
            yield ray, found.group(1)
        finally:
            ray.shutdown()


def machines(ray: Any) -> list[dict[str, Any]]:
    """Those alive, the head among them."""
    return [node for node in ray.nodes() if node["Alive"]]


def compared(bed: Testbed, address: str, *settings: str) -> list[str]:
    """What a run on Ray stores otherwise than one without."""
    alone, url = bed.fresh_database(), bed.fresh_database()
    checked_run(bed, alone, *settings)
    checked_run(bed, url, *settings, "run.executor=ray", f"ray.address={address}")
    return differences(bed.rows(url), bed.rows(alone))


def apart(bed: Testbed, folder: Path) -> dict[str, Any]:
    spool = bed.folder / "spool"
    spool.mkdir()
    with cluster(folder, "--num-cpus=1", "--num-gpus=1", port=free_port()) as (ray, address):
        join = shlex.join([*_START, f"--address={address}", "--num-cpus=2", "--num-gpus=0"])
        hidden = f"mount -t tmpfs tmpfs {shlex.quote(str(spool))} && exec {join}"
        command = ("unshare", "--mount", "--propagation", "private", "sh", "-c", hidden)
        with started(folder / "other.log", *command) as other:
            if not until(lambda: len(machines(ray)) == 2):
                raise RuntimeError((folder / "other.log").read_text(encoding="utf-8"))
            settings = ("run.decode_workers=2", "ray.workers=1", "ray.cpus_per_worker=3", "ray.gpus_per_worker=1")
            unlike = compared(bed, address, *settings, "transcription.scripted.sleep_per_audio_s=0.02")
            there = list(Path(f"/proc/{other.pid}/root{spool}").iterdir())
    return {"unlike_local": unlike, "processes_with_a_spool_of_their_own": len(there)}


def growing(bed: Testbed, folder: Path) -> dict[str, Any]:
    port, services = free_port(), importlib.import_module("ray._private.services")
    node = {
        "resources": {"CPU": 2, "object_store_memory": 80 * 2**20},
        "node_config": {},
        "min_workers": 0,
        "max_workers": 2,
    }
    nothing = {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0}
    settings = {
        "cluster_name": "fake",
        "max_workers": 2,
        "upscaling_speed": 10.0,
        "idle_timeout_minutes": 0.15,
        "provider": {
            "type": "external",  # as `fake_multinode` it would read a file that is not in the wheel
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": f"{services.get_node_ip_address()}:{port}",
            "launch_multiple": True,
            "head_node_id": _HEAD,
        },
        "auth": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "file_mounts_sync_continuously": False,
        **{f"{what}_commands": [] for what in _COMMANDS},
        "head_node_type": "ray.head.default",
        "available_node_types": {"machine": node, "ray.head.default": nothing},
    }
    (folder / "cluster.yaml").write_text(json.dumps(settings), encoding="utf-8")
    environment = {
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": _HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": _HEAD,
    }
    numbers: list[int] = []
    over = threading.Event()
    options = ("--num-cpus=0", f"--autoscaling-config={folder / 'cluster.yaml'}")
    with cluster(folder, *options, port=port, **environment) as (ray, address):

        def watch() -> None:
            while not over.wait(0.5):
                number = len(machines(ray)) - 1
                if numbers[-1:] != [number]:
                    numbers.append(number)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            shares = ("run.decode_workers=1", "ray.cpus_per_worker=2", "ray.calls_per_worker=4", "ray.workers=2")
            unlike = compared(bed, address, *shares, "transcription.scripted.sleep_per_audio_s=2")
            until(lambda: len(machines(ray)) == 1, 120)
            time.sleep(1.0)
        finally:
            over.set()
            watching.join()
    return {"unlike_local": unlike, "machines": numbers}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("apart", "growing"), required=True)
    parser.add_argument("--calls", type=int, default=16)
    chosen = parser.parse_args(arguments)
    os.environ.update(_AROUND)
    with run_bed("scripted") as bed, tempfile.TemporaryDirectory(prefix="earshot-bench-") as name:
        short_calls(bed.calls, chosen.calls, length_s=60.0 if chosen.part == "apart" else 4.0)
        part = apart if chosen.part == "apart" else growing
        figures = part(bed, Path(name))
    print(json.dumps({"bench": "ray_machines", "part": chosen.part, "calls": chosen.calls, **figures}))
    return int(bool(figures["unlike_local"]))


if __name__ == "__main__":
    sys.exit(main())
