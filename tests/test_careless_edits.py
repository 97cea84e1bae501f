"""The tool that makes careless edits: its edits are code, and it tells what it changed."""

from __future__ import annotations

import ast
import sqlite3
from pathlib import Path

import pytest

from tests.careless_edits import PROJECT, edits_of
from tests.reaching import Reach, Reaching, in_turns, nearest_tests

SOURCE = """
LIMIT = 3


def f(a: int = 5) -> int:
    \"\"\"Doc 7.\"\"\"
    é = g("é", b=2) if a < 4 else a + 1
    for x in range(a):
        if x in (1,) and é:
            break
    return é
"""


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("constant changed", "LIMIT = 4"),
        ("comparison changed", '    é = g("é", b=2) if a <= 4 else a + 1'),
        ("arithmetic changed", '    é = g("é", b=2) if a < 4 else a - 1'),
        ("argument dropped", "    é = g('é') if a < 4 else a + 1"),
        ("condition negated", '    é = g("é", b=2) if (not (a < 4)) else a + 1'),
        ("comparison changed", "        if x not in (1,) and é:"),
        ("and for or", "        if x in (1,) or é:"),
        ("break for continue", "            continue"),
        ("return of nothing", "    return None"),
        ("statement deleted", "    pass"),
    ],
)
def test_each_kind_changes_one_place(kind: str, line: str) -> None:
    edited = [edit.applied(SOURCE) for edit in edits_of("f.py", SOURCE) if edit.kind == kind]
    assert line in [changed for text in edited for changed in text.splitlines()]


def test_every_edit_is_code_and_leaves_signatures_and_docstrings_alone() -> None:
    for edit in edits_of("f.py", SOURCE):
        text = edit.applied(SOURCE)
        ast.parse(text)
        assert text != SOURCE
        assert "a: int = 5" in text
        assert "Doc 7." in text


def test_the_tests_that_name_the_module_come_first() -> None:
    naming, importing, mirrored, around = nearest_tests(PROJECT, "analysis/summary/facts.py")
    assert naming == ["tests/analysis/summary/test_facts.py"]
    assert "tests/analysis/summary/test_statements.py" in importing
    assert "tests/analysis/summary/test_promises.py" in mirrored
    assert "tests/analysis/test_conversation.py" in around


MEASURED = """
LIMIT = 3


def reached(a):
    if a:
        return first(
            a,
            LIMIT,
        )
    return a


def never():
    "Doc."
    return 0
"""
ROUNDS = {"": {2, 5, 14}, "tests/test_f.py::test_one[a|b]": {6, 11}, "tests/test_g.py::test_two|": {6, 7, 8}}
LOG = """
0.50s setup    tests/test_f.py::test_one[a|b]
1.00s call     tests/test_f.py::test_one[a|b]
3.25s call     tests/test_g.py::test_two
"""


@pytest.fixture
def measured(tmp_path: Path) -> tuple[Reaching, Path]:
    """What coverage wrote of a tree of one file and two files of tests, and where that tree is now."""
    files = {"f.py": MEASURED, "tests/test_f.py": "", "tests/test_g.py": ""}
    for root in (tmp_path / "measured", tmp_path / "now"):
        (root / "tests").mkdir(parents=True)
        for name, text in files.items():
            (root / name).write_text(text)
    (tmp_path / "log").write_text(LOG)
    connection = sqlite3.connect(tmp_path / "coverage")
    connection.execute("CREATE TABLE file (id integer primary key, path text)")
    connection.execute("CREATE TABLE context (id integer primary key, context text)")
    connection.execute("CREATE TABLE line_bits (file_id integer, context_id integer, numbits blob)")
    paths = enumerate(str(tmp_path / "measured" / name) for name in files)
    connection.executemany("INSERT INTO file VALUES (?, ?)", paths)
    for number, (context, lines) in enumerate(ROUNDS.items()):
        bits = sum(1 << line for line in lines).to_bytes(2, "little")
        connection.execute("INSERT INTO context VALUES (?, ?)", (number, context))
        connection.execute("INSERT INTO line_bits VALUES (0, ?, ?)", (number, bits))
    connection.commit()
    connection.close()
    return Reaching(tmp_path / "coverage", tmp_path / "log"), tmp_path / "now"


ONE = {"tests/test_f.py::test_one[a|b]": 1.5}
TWO = {"tests/test_g.py::test_two": 3.25}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (6, Reach(ONE | TWO, anything=True)),
        (9, Reach(TWO, anything=True)),  # one statement, of which the tracer told two other lines
        (11, Reach(ONE, anything=True)),
        (2, Reach(ONE | TWO, anything=True)),  # run by the import alone
        (16, Reach({}, anything=False)),
    ],
)
@pytest.mark.parametrize("moved", [0, 2])
def test_what_ran_a_line_is_known_even_if_it_moved(
    measured: tuple[Reaching, Path], line: int, expected: Reach, moved: int
) -> None:
    reaching, root = measured
    (root / "f.py").write_text("# new\n" * moved + MEASURED)
    assert reaching.of_line(root, "f.py", line + moved) == expected


def test_nothing_is_known_of_a_new_line_and_a_new_file(measured: tuple[Reaching, Path]) -> None:
    reaching, root = measured
    (root / "f.py").write_text(MEASURED.replace("return 0", "return 1"))
    (root / "new.py").write_text("a = 1\n")
    assert reaching.of_line(root, "f.py", 16) is None
    assert reaching.of_line(root, "new.py", 1) is None


def test_lines_that_nothing_ran(measured: tuple[Reaching, Path]) -> None:
    reaching, _ = measured
    assert reaching.unreached("f.py", MEASURED) == [16]


F, G = "tests/test_f.py", "tests/test_g.py"
TESTS = {f"{F}::slow": 9.0, f"{F}::quick": 1.0, f"{G}::middle": 5.0}


@pytest.mark.parametrize(
    ("changed", "near", "budget_s", "expected"),
    [
        ("", [], 60.0, ([[f"{F}::quick", f"{G}::middle", f"{F}::slow"]], 0)),
        ("", [F], 60.0, ([[f"{F}::quick", f"{F}::slow"], [f"{G}::middle"]], 0)),
        ("", [], 7.0, ([[f"{F}::quick", f"{G}::middle"]], 1)),
        ("", [], 6.5, ([[f"{F}::quick"]], 2)),  # to import a file takes its time, too
        (F, [], 60.0, ([[f"{G}::middle", F]], 0)),
        (G, [F], 60.0, ([[f"{F}::quick", f"{F}::slow"], [G]], 0)),
    ],
)
def test_the_nearest_and_quickest_tests_come_first(
    measured: tuple[Reaching, Path], changed: str, near: list[str], budget_s: float, expected: object
) -> None:
    reaching, root = measured
    if changed:
        (root / changed).write_text("# another test\n")
    assert in_turns(root, reaching, TESTS, near, budget_s) == expected


def test_a_file_of_tests_that_is_gone_is_left_out_and_one_that_is_new_and_near_is_run(
    measured: tuple[Reaching, Path],
) -> None:
    reaching, root = measured
    (root / "tests/test_new.py").write_text("")
    near = ["tests/test_new.py"]
    (root / G).unlink()
    assert in_turns(root, reaching, {"tests/gone.py::old": 0.1, f"{G}::old": 0.1}, near, 60.0) == ([near], 0)
