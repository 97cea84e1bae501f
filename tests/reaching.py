"""Which tests to run for a line: those nearest to its module, or those that ran it, by a coverage data file.

    python -m pip install --target SITE coverage          # no dependency of the project: by hand
    PYTHONPATH=SITE python -m tests.reaching FOLDER [PYTEST ARGUMENT ...]

runs the suite under coverage and leaves `FOLDER/coverage` and `FOLDER/log` (the durations). What a process runs counts
for the test that started it, unless it is killed: what such processes alone run, no test seems to reach. The tree that
was measured stays where it was: lines that moved since are found by its text.
"""

from __future__ import annotations

import ast
import difflib
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_DURATION = re.compile(r"^([0-9.]+)s (?:call|setup|teardown) +(\S.*)$", re.MULTILINE)
UNTOLD_S = 0.01
"""Of a test too quick for pytest to tell its duration."""
FILE_S = 0.3
"""What it takes to import one more file of tests."""

_IN_EVERY_PROCESS = """
import os
import coverage
test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
coverage.Coverage(config_file=os.environ["COVERAGE_RCFILE"], context=test or None, auto_data=True).start()
"""
_PLUGIN = """
import coverage
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    coverage.Coverage.current().switch_context(item.nodeid)

def pytest_runtest_logfinish(nodeid, location):
    if coverage.Coverage.current() is not None:
        coverage.Coverage.current().switch_context("")
"""
_SETTINGS = """
[run]
source = {project}
omit = */tests/*
data_file = {folder}/parts/coverage
parallel = true
patch = _exit, fork
concurrency = multiprocessing, thread
disable_warnings = no-data-collected, module-not-imported, module-not-measured, couldnt-parse
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """Of one line. `tests` holds node ids with their seconds; `anything` is true if any code ran the line at all, an
    import for one."""

    tests: dict[str, float]
    anything: bool


class Reaching:
    """One data file, and the log of the same run for how long each test took."""

    def __init__(self, data: Path, log: Path) -> None:
        self._connection = sqlite3.connect(f"{data.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self._root = Path(os.path.commonpath([path for (path,) in self._connection.execute("SELECT path FROM file")]))
        self._seconds: dict[str, float] = {}
        for told, test in _DURATION.findall(log.read_text(encoding="utf-8")):
            self._seconds[test] = self._seconds.get(test, 0.0) + float(told)

    def of_line(self, root: Path, path: str, line: int) -> Reach | None:
        """Of the statement that holds this line in the file as it is below `root`; of the file's functions, if only its
        import runs the line; None if the statement is new since the measurement, or the file."""
        source = (root / path).read_text(encoding="utf-8")
        measured = self._root / path
        if not measured.is_file():
            return None
        former = _former_lines(measured.read_text(encoding="utf-8"), source)
        lines = {former[number] for number in _statement(source, line) if number in former}
        if not lines:
            return None
        by_test = self._lines_by_test(path)
        reaching = {test for test, reached in by_test.items() if lines & reached}
        anything = bool(reaching)
        reaching.discard("")
        if anything and not reaching:
            reaching = set(by_test) - {""}
        return Reach({test: self._seconds.get(test, UNTOLD_S) for test in sorted(reaching)}, anything)

    def is_as_measured(self, root: Path, path: str) -> bool:
        former, now = self._root / path, root / path
        return former.is_file() and now.is_file() and former.read_bytes() == now.read_bytes()

    def unreached(self, path: str, source: str) -> list[int]:
        """Lines of a file as it was measured, each the first of a statement within a function, that nothing ran."""
        reached: set[int] = set().union(*self._lines_by_test(path).values())
        functions = [
            node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        within = {node for function in functions for child in function.body for node in _statements(child)}
        return sorted({node.lineno for node in within if not reached & set(_statement(source, node.lineno))})

    @cache  # noqa: B019 - one object lives as long as the process
    def _lines_by_test(self, path: str) -> dict[str, set[int]]:
        """The test is "" outside of tests."""
        asked = (
            "SELECT context.context, line_bits.numbits FROM line_bits JOIN file ON file.id = line_bits.file_id"
            " JOIN context ON context.id = line_bits.context_id WHERE file.path = ?"
        )
        found: dict[str, set[int]] = {}
        for context, bits in self._connection.execute(asked, (str(self._root / path),)):
            # Within a started process, the test that started it stands before the bar; its own tests would stand after.
            test = context.removesuffix("|")
            found.setdefault(test, set()).update(_numbers(bits))
        return found


def _numbers(bits: bytes) -> Iterator[int]:
    return (place * 8 + bit for place, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1)


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    """Without those that do nothing: docstrings and the dots of a protocol."""
    for child in ast.walk(node):
        if isinstance(child, ast.stmt) and not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            yield child


@cache
def _spans(source: str) -> list[tuple[int, int]]:
    """First and last line of each statement; of one that holds others, of its head."""
    spans = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt | ast.excepthandler)]
            last = min((child.lineno - 1 for child in inner), default=node.end_lineno or node.lineno)
            spans.append((node.lineno, max(node.lineno, last)))
    return spans


def _statement(source: str, line: int) -> range:
    holding = [(first, last) for first, last in _spans(source) if first <= line <= last]
    first, last = min(holding, key=lambda span: span[1] - span[0], default=(line, line))
    return range(first, last + 1)


@cache
def _former_lines(former: str, source: str) -> dict[int, int]:
    """Where each line of `source` stood, lines from 1; without those that are new."""
    matcher = difflib.SequenceMatcher(None, source.splitlines(), former.splitlines(), autojunk=False)
    return {
        block.a + place + 1: block.b + place + 1
        for block in matcher.get_matching_blocks()
        for place in range(block.size)
    }


def nearest_tests(root: Path, path: str) -> list[list[str]]:
    """Test files to run, in turns: those that name the module, or a module that imports it, the rest of the mirrored
    folder, those around it."""
    files = {name: (root / name).read_text(encoding="utf-8") for name in tracked(root) if name.endswith(".py")}
    tests = [name for name in files if name.startswith("tests/") and Path(name).name.startswith("test_")]

    def naming(chosen: Iterable[str], *modules: str) -> list[str]:
        imports = re.compile("|".join(map(_import_of, modules)) or r"(?!)")
        return [name for name in chosen if imports.search(files[name])]

    folder = Path("tests", path).parent
    importing = naming([name for name in files if not name.startswith("tests/") and name != path], path)
    turns = [naming(tests, path), naming(tests, *importing), [name for name in tests if Path(name).parent == folder]]
    if folder.parent != Path("tests"):
        turns.append([name for name in tests if Path(name).parent == folder.parent])
    fresh = [
        [name for name in turn if not any(name in before for before in turns[:place])]
        for place, turn in enumerate(turns)
    ]
    return [turn for turn in fresh if turn]


def _import_of(path: str) -> str:
    """A pattern for the statements that import a module."""
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    package, _, name = map(re.escape, module.rpartition("."))
    if not package:
        return rf"(?:from|import) {name}\b"
    return rf"{package}\.{name} import|import {package}\.{name}\n|from {package} import [^\n(]*\b{name}\b"


@cache
def tracked(root: Path) -> tuple[str, ...]:
    del root  # the copies hold what the project holds
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.splitlines()
    return tuple(name for name in names if (PROJECT / name).is_file())


def in_turns(
    root: Path, reaching: Reaching, tests: dict[str, float], near: Iterable[str], budget_s: float
) -> tuple[list[list[str]], int]:
    """What to run: tests of the files `near` the module first, the quickest first, as many as fit the budget; and how
    many tests that reach the line were left out. A file of tests that changed since the measurement is run whole."""
    nearby = set(near)
    costs: dict[str, float] = {}
    for test, seconds in tests.items():
        file = test.partition("::")[0]
        if reaching.is_as_measured(root, file):
            costs[test] = seconds
        elif (root / file).is_file():
            costs[file] = costs.get(file, 0.0) + seconds
    costs |= {file: costs.get(file, UNTOLD_S) for file in nearby if not reaching.is_as_measured(root, file)}
    turns: list[list[str]] = [[], []]
    imported: set[str] = set()
    spent_s = 0.0
    for far, _, test in sorted(
        (test.partition("::")[0] not in nearby, seconds, test) for test, seconds in costs.items()
    ):
        file = test.partition("::")[0]
        cost_s = costs[test] + FILE_S * (file not in imported)
        if spent_s + cost_s <= budget_s:
            turns[far].append(test)
            imported.add(file)
            spent_s += cost_s
    return [turn for turn in turns if turn], len(costs) - sum(map(len, turns))


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    site = folder / "site"
    for made in (site, folder / "parts"):
        made.mkdir(parents=True)
    (site / "sitecustomize.py").write_text(_IN_EVERY_PROCESS, encoding="utf-8")
    (site / "tests_as_contexts.py").write_text(_PLUGIN, encoding="utf-8")
    settings = folder / "settings"
    settings.write_text(_SETTINGS.format(project=PROJECT, folder=folder), encoding="utf-8")
    outside = {**os.environ, "COVERAGE_RCFILE": str(settings)}
    path = os.pathsep.join(chain([str(site)], filter(None, [os.environ.get("PYTHONPATH")])))
    pytest = [sys.executable, "-m", "pytest", "-p", "tests_as_contexts", "--durations=0", *sys.argv[2:]]
    with (folder / "log").open("w", encoding="utf-8") as log:
        subprocess.run(pytest, check=False, cwd=PROJECT, env={**outside, "PYTHONPATH": path}, stdout=log)
    combined = ["combine", "--quiet", f"--data-file={folder / 'coverage'}", str(folder / "parts")]
    subprocess.run([sys.executable, "-m", "coverage", *combined], check=True, cwd=PROJECT, env=outside)


if __name__ == "__main__":
    main()
