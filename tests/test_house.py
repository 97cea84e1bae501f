"""The house keeps its own rules."""

from __future__ import annotations

import subprocess
import sys

from tests.house import PROJECT, machine_paths, too_long, unclean_locks

HEAVY = {
    "anthropic", "av", "boto3", "botocore", "ctranslate2", "faster_whisper", "librosa", "llguidance", "matplotlib",
    "mlx", "mlx_lm", "mlx_qwen3_asr", "numba", "numpy", "onnxruntime", "openai", "openpyxl", "pandas", "pocketsphinx",
    "psycopg", "pyannote", "pyarrow", "ray", "scipy", "sklearn", "skops", "torch", "transformers", "yoyo",
}  # fmt: skip


def test_no_file_or_function_outgrows_its_room() -> None:
    assert list(too_long()) == []


def test_lock_files_pin_every_version_and_name_no_address() -> None:
    assert list(unclean_locks()) == []


def test_nothing_committed_names_the_folder_of_this_checkout() -> None:
    assert list(machine_paths()) == []


def test_help_loads_no_heavy_package() -> None:
    code = (
        "import sys, atexit, runpy; sys.argv = ['run.py', '--help'];"
        "atexit.register(lambda: print(' '.join(sorted({m.split('.')[0] for m in sys.modules}))));"
        "runpy.run_path('run.py', run_name='__main__')"
    )
    loaded = (
        subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
        .stdout.splitlines()[-1]
        .split()
    )
    assert "typer" in loaded
    assert HEAVY.intersection(loaded) == set()


def test_help_shows_examples_and_exit_codes() -> None:
    shown = subprocess.run(
        [sys.executable, "run.py", "--help"], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout
    assert "--dry-run" in shown
    assert "Examples" in shown
    assert "another run holds the lock" in shown
