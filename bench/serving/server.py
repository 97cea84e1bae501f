"""A server of its own with a fresh database and no workers, for load and abuse."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from bench.materials.recordings import write_wav

PROJECT = Path(__file__).resolve().parents[2]
STALL_S = 5.0
PATIENCE_S = 600.0
WAV = {"Content-Type": "audio/wav"}


class Server:
    """`run.py serve` over a folder, killed and started again at will."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.peak_mb = 0.0
        self.address = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        settings = {
            "database.data_dir": self.folder / "database", "output.directory": self.folder / "output",
            "run.spool_dir": self.folder / "spool", "service.recordings_dir": self.recordings, "service.workers": 0,
            "service.upload_stall_s": STALL_S, "service.max_recording_mb": 20, "service.fetch_timeout_s": 5,
            "service.trusted_hosts": "[127.0.0.1]", "transcription.engines": "[scripted]",
            "transcription.scripted.missing": "hash", "live.directory": self.folder / "live", "ask.index": "false",
            "encoder.engine": "off", "sentiment.text.engine": "lexicon",
        }  # fmt: skip
        config = self.folder / "config.yaml"
        config.touch()
        command = [sys.executable, "run.py", "serve", "--port", "0", "--config", str(config)]
        command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        while not self.address.startswith("http"):
            self.address = self._process.stdout.readline().split()[0]
        threading.Thread(target=self._measure, args=(self._process.pid,), daemon=True).start()

    @property
    def recordings(self) -> Path:
        return self.folder / "recordings"

    @property
    def where(self) -> tuple[str, int]:
        host, _, port = self.address.removeprefix("http://").rstrip("/").rpartition(":")
        return host, int(port)

    def stop(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(120)
        self.address = ""

    def memory_mb(self) -> float:
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / 1e6

    def _measure(self, pid: int) -> None:
        with contextlib.suppress(psutil.Error):
            while True:
                self.peak_mb = max(self.peak_mb, psutil.Process(pid).memory_info().rss / 1e6)
                time.sleep(0.1)

    def parts(self) -> list[Path]:
        return [path for path in (self.recordings / ".uploads").iterdir() if path.is_file()]


def recording(folder: Path, number: int, seconds: float = 4.0) -> bytes:
    """A WAV file of 64 kB for 4 seconds, each with other samples."""
    noise = np.random.default_rng(number).integers(-9000, 9000, (int(8000 * seconds), 1)).astype(np.int16)
    return write_wav(folder / f"{number}.wav", noise, rate_hz=8000).read_bytes()
