"""Do the tests notice a careless edit? Makes some, one at a time in a copy of the tree, and runs the nearest tests.

    python -m tests.careless_edits [--count 20] [--seed 1] [--processes 1] [--time-limit-s 300] [PATH ...]
    python -m tests.careless_edits --reaching FOLDER [--budget-s 60] ...

By hand, not in the gate: an edit takes from seconds to minutes. Tests that name the edited module are run first, then
those that name a module which imports it, those of the mirrored folder, and those of the folder above; the first
failure counts, if the same tests pass without the edit. `PATH` narrows down what is edited (`analysis/summary`). The
same seed makes the same edits of the same tree.

With `--reaching`, a folder that `tests.reaching` made, the tests that ran the edited line are run instead, wherever
they stand: the nearest first, as many as take `--budget-s` together. An edit of a line that no test ran is not noticed.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.reaching import Reaching, in_turns, nearest_tests, tracked

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("analysis", "commands", "db", "pages", "pipeline", "service")
MAX_PROCESSES = 2
_COMPARISONS = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"), ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}  # fmt: skip
_ARITHMETIC = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.Div: ("/", "*")}
_SWAPPED = {ast.Break: "continue", ast.Continue: "break"}


@dataclass(frozen=True, slots=True)
class Edit:
    """The text from `start` to `end` of a file, and what takes its place."""

    path: str
    kind: str
    line: int
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]


def edits_of(path: str, source: str) -> Iterator[Edit]:
    """All edits this tool knows of one file."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines()

    def place(line: int, column: int) -> int:
        """Of a position as `ast` gives it: lines from 1, columns in bytes of UTF-8."""
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    def span(node: ast.expr | ast.stmt) -> tuple[int, int]:
        return place(node.lineno, node.col_offset), place(node.end_lineno or 0, node.end_col_offset or 0)

    def between(left: ast.expr, right: ast.expr, old: str, new: str, kind: str) -> Iterator[Edit]:
        start = source.find(old, span(left)[1], span(right)[0])
        if start >= 0:
            yield Edit(path, kind, left.lineno, start, start + len(old), new)

    def found(kind: str, node: ast.expr | ast.stmt, text: str) -> Edit:
        return Edit(path, kind, node.lineno, *span(node), text)

    for node in _within_functions(ast.parse(source)):
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARISONS:
                yield from between(left, right, *_COMPARISONS[type(op)], "comparison changed")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                yield from between(left, right, *_ARITHMETIC[type(op)], "arithmetic changed")
            case ast.BoolOp(op=op, values=[left, right, *_]):
                names = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                yield from between(left, right, *names, "and for or")
            case ast.Constant(value=bool(value)):
                yield found("constant changed", node, str(not value))
            case ast.Constant(value=int(value)):
                yield found("constant changed", node, str(value + 1))
            case ast.Constant(value=float(value)):
                yield found("constant changed", node, str(value * 2 + 0.5))
            case ast.Break() | ast.Continue():
                yield found("break for continue", node, _SWAPPED[type(node)])
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                yield found("condition negated", test, f"(not ({ast.unparse(test)}))")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield found("return of nothing", value, "None")
            case ast.Expr(value=ast.Call()) | ast.Assign() | ast.AugAssign():
                yield found("statement deleted", node, "pass")
        if isinstance(node, ast.Call) and node.keywords and node.keywords[-1].arg is not None:
            fewer = ast.Call(node.func, node.args, node.keywords[:-1])
            yield found("argument dropped", node, ast.unparse(fewer))


def _within_functions(module: ast.Module) -> Iterator[ast.AST]:
    """Nodes of function bodies, and of constants of the module; no signatures, decorators or docstrings."""
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            yield from ast.walk(statement.value)
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    yield from ast.walk(statement)


def chosen_edits(root: Path, paths: list[str], count: int, seed: int) -> list[Edit]:
    """`count` edits, of each kind about as many."""
    by_kind: dict[str, list[Edit]] = {}
    for path in tracked(root):
        if path.endswith(".py") and any(path == room or path.startswith(f"{room}/") for room in paths):
            for edit in edits_of(path, (root / path).read_text(encoding="utf-8")):
                by_kind.setdefault(edit.kind, []).append(edit)
    generator = random.Random(seed)
    for edits in by_kind.values():
        generator.shuffle(edits)
    chosen: dict[Edit, None] = {}
    while len(chosen) < count and any(by_kind.values()):
        kind = generator.choice([kind for kind, edits in by_kind.items() if edits])
        chosen[by_kind[kind].pop()] = None
    return list(chosen)


def copy_tree(target: Path) -> None:
    """What git tracks or would track, with the reference data beside it."""
    for name in tracked(PROJECT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target / name)
    shared = PROJECT.parent / "shared"
    if shared.exists():
        (target.parent / "shared").symlink_to(shared.resolve())
    # Once for all: the tests start hundreds of processes, and none may keep the bytecode of an edit.
    compileall.compile_dir(target, quiet=2)


class Copy:
    """One copy of the tree, in which one edit is made at a time."""

    def __init__(self, root: Path, time_limit_s: float, reaching: Reaching | None, budget_s: float) -> None:
        self._root = root
        self._time_limit_s = time_limit_s
        self._reaching = reaching
        self._budget_s = budget_s
        self._passing: dict[tuple[str, ...], bool] = {}

    def try_edit(self, edit: Edit) -> str:
        """`noticed by …`, `timed out in …` (counts as noticed) or `NOT NOTICED`, and why."""
        path = self._root / edit.path
        source = path.read_text(encoding="utf-8")
        turns, remark = self._turns(edit)
        for tests in turns:
            path.write_text(edit.applied(source), encoding="utf-8")
            try:
                outcome, failed = self._run(tests)
            finally:
                path.write_text(source, encoding="utf-8")
            if outcome and self._passes(failed):
                return outcome
            if outcome:
                remark += f"; fails without the edit, too: {outcome}"
        return f"NOT NOTICED{remark}"

    def _turns(self, edit: Edit) -> tuple[list[list[str]], str]:
        """Tests to run, one turn after the other, and what there is to say of them."""
        near = nearest_tests(self._root, edit.path)
        reach = self._reaching and self._reaching.of_line(self._root, edit.path, edit.line)
        if not self._reaching or not reach or (reach.anything and not reach.tests):
            return near, "" if near else ": no test names the module, and the mirrored folder has none"
        mirrored = Path("tests", edit.path).parent
        close = {test for turn in near[:2] for test in turn} | {
            test for turn in near for test in turn if Path(test).parent == mirrored
        }
        turns, left = in_turns(self._root, self._reaching, reach.tests, close, self._budget_s)
        if not reach.anything:
            return turns, ": no test reaches the line"
        return turns, f": {len(reach.tests)} tests reach the line" + f", {left} left out" * bool(left)

    def _passes(self, tests: list[str]) -> bool:
        """Whether they pass without any edit: else their failure tells nothing."""
        key = tuple(tests)
        if key not in self._passing:
            self._passing[key] = not self._run(tests)[0]
        return self._passing[key]

    def _run(self, tests: list[str]) -> tuple[str, list[str]]:
        """What happened, "" when they pass, and the test it happened in, or all of them where that is not known."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", *tests]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command,
                check=False,
                cwd=self._root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=self._time_limit_s,
            )
        except subprocess.TimeoutExpired:
            return f"timed out in {', '.join(tests[:3])}", tests
        if done.returncode in (0, 5):
            return "", tests
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        if not failed:
            return f"noticed by pytest, exit {done.returncode}", tests
        return f"noticed by {failed[0]}", [failed[0].partition(" ")[2].partition(" - ")[0]]


def shown(edit: Edit, source: str) -> str:
    lines = difflib.unified_diff(source.splitlines(), edit.applied(source).splitlines(), n=0, lineterm="")
    return "\n".join(f"    {line}" for line in list(lines)[3:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", default=list(ROOMS), metavar="PATH")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1, choices=range(1, MAX_PROCESSES + 1))
    parser.add_argument("--time-limit-s", type=float, default=300.0)
    parser.add_argument("--reaching", type=Path, metavar="FOLDER")
    parser.add_argument("--budget-s", type=float, default=60.0)
    arguments = parser.parse_args()
    edits = chosen_edits(PROJECT, [path.rstrip("/") for path in arguments.paths], arguments.count, arguments.seed)
    folder = arguments.reaching
    reaching = folder and Reaching(folder / "coverage", folder / "log")
    noticed = 0
    with tempfile.TemporaryDirectory(prefix="careless-") as copied:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(arguments.processes):
            root = Path(copied, str(number), "tree")
            copy_tree(root)
            copies.put(Copy(root, arguments.time_limit_s, reaching, arguments.budget_s))

        def attempt(edit: Edit) -> str:
            copy = copies.get()
            try:
                return copy.try_edit(edit)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(arguments.processes) as pool:
            for edit, outcome in zip(edits, pool.map(attempt, edits), strict=True):
                noticed += not outcome.startswith("NOT")
                source = (PROJECT / edit.path).read_text(encoding="utf-8")
                sys.stdout.write(f"{edit.path}:{edit.line}: {edit.kind}: {outcome}\n{shown(edit, source)}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{noticed} of {len(edits)} noticed (seed {arguments.seed})\n")


if __name__ == "__main__":
    main()
