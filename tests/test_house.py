"""The house keeps its own rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import (
    ANSWERS,
    PROJECT,
    bound_names,
    kept_twice,
    machine_paths,
    names_that_say_nothing,
    other_ways_to_the_terminal,
    questions_without_a_description,
    sizes,
    sql_outside_db,
    statements_of_sql,
    unclean_locks,
)

HEAVY = {
    "anthropic", "av", "boto3", "botocore", "ctranslate2", "faster_whisper", "librosa", "llguidance", "matplotlib",
    "mlx", "mlx_lm", "mlx_qwen3_asr", "numba", "numpy", "onnxruntime", "openai", "openpyxl", "pandas", "pocketsphinx",
    "psycopg", "pyannote", "pyarrow", "ray", "scipy", "sklearn", "skops", "torch", "transformers", "yoyo",
}  # fmt: skip


def test_sizes_are_asked_about_until_there_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    large = [PROJECT / "pipeline/records.py"]
    monkeypatch.delitem(ANSWERS, "pipeline/records.py")
    assert [question.partition(": ")[0] for question in sizes(large)] == ["pipeline/records.py"]
    monkeypatch.setitem(ANSWERS, "pipeline/records.py", "an answer")
    assert list(sizes(large)) == []


def test_lock_files_pin_every_version_and_name_no_address() -> None:
    assert list(unclean_locks()) == []


def test_names_say_what_they_hold() -> None:
    assert list(names_that_say_nothing()) == []


@pytest.mark.parametrize(
    "source",
    [
        "one = 1",
        "a, one = 1, 2",
        "for one in (): pass",
        "print([one for one in ()])",
        "print(lambda one: 1)",
        "def f(*, one): ...",
        "def f():\n    async def one(): ...",
        "import json as one",
        "if (one := 1): pass",
        "with open('') as one: pass",
        "class A:\n    def f(self):\n        one: int = 1",
    ],
)
def test_every_binding_has_a_name(source: str) -> None:
    assert "one" in {name for _, name in bound_names(source)}


def test_fields_of_records_and_names_of_others_are_no_bindings() -> None:
    assert "at" not in {name for _, name in bound_names("class A:\n    at: int\nA(at=1).at\nprint(at)")}


def test_nothing_committed_names_the_folder_of_this_checkout() -> None:
    assert list(machine_paths()) == []


def test_sql_stands_in_db_alone_each_question_with_its_description() -> None:
    assert [*sql_outside_db(), *questions_without_a_description()] == []


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT call_id FROM calls", True),
        ("\n  WITH done AS (SELECT 1) SELECT 2", True),
        ("-- why\nDELETE FROM calls", True),
        ("UPDATE runs SET state = %s", True),
        ("GRANT SELECT ON calls TO reader", True),
        ("select one of these from the list", False),
        ("SELECT is a word", False),
        ("Update runs as you like", False),
    ],
)
def test_what_counts_as_sql(text: str, is_sql: bool) -> None:
    assert bool(list(statements_of_sql(f"query = {text!r}"))) is is_sql
    assert bool(list(statements_of_sql(f"query = f{text!r}"))) is is_sql


def test_everything_goes_to_the_terminal_by_one_way() -> None:
    assert list(other_ways_to_the_terminal()) == []


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
    assert "another run holds the lock" in " ".join(shown.split())


def test_an_output_is_kept_by_one_file_of_tests() -> None:
    calls = 'assert_pinned("calls.txt", told)\nassert_pinned(f"calls_{kind}.txt", told)\n'
    apart = {Path("tests/a/test_x.py"): calls, Path("tests/b/test_x.py"): calls, Path("tests/a/test_y.py"): "calls.txt"}
    assert list(kept_twice(apart)) == []
    both = apart | {Path("tests/a/test_z.py"): 'assert_pinned(\n    "calls.txt", told)\n'}
    assert list(kept_twice(both)) == ["tests/a/test_z.py: calls.txt is kept by test_x.py too"]
