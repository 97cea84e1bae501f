"""The tool that makes careless edits: its edits are code, and it tells what it changed."""

from __future__ import annotations

import ast

import pytest

from tests.careless_edits import PROJECT, edits_of, nearest_tests

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
    assert "tests/analysis/summary/test_orders.py" in mirrored
    assert "tests/analysis/test_conversation.py" in around
