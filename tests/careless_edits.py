"""Do the tests notice a careless edit? Makes some, one at a time in a copy of the tree, and runs the nearest tests.

    python -m tests.careless_edits [--count 20] [--seed 1] [--processes 1] [--time-limit-s 300] [PATH ...]

By hand, not in the gate: an edit takes from seconds to minutes. Tests that name the edited module are run first, then
those that name a module which imports it, those of the mirrored folder, and those of the folder above; the first
failure counts, if the same tests pass without the edit. `PATH` narrows down what is edited (`analysis/summary`). The
same seed makes the same edits of the same tree.
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
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue

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
    for path in _tracked(root):
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


def nearest_tests(root: Path, path: str) -> list[list[str]]:
    """Test files to run, in turns: those that name the module, or a module that imports it, the rest of the mirrored
    folder, those around it."""
    files = {name: (root / name).read_text(encoding="utf-8") for name in _tracked(root) if name.endswith(".py")}
    tests = [name for name in files if name.startswith("tests/") and Path(name).name.startswith("test_")]

    def naming(chosen: Iterable[str], *modules: str) -> list[str]:
        spelled = [spelling for module in modules for spelling in _imports_of(module)]
        return [name for name in chosen if any(spelling in files[name] for spelling in spelled)]

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


def _imports_of(path: str) -> tuple[str, ...]:
    module = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    package, _, name = module.rpartition(".")
    return f"{module} import", f"import {module}\n", f"from {package} import {name}\n"


@cache
def _tracked(root: Path) -> tuple[str, ...]:
    del root  # the copies hold what the project holds
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.splitlines()
    return tuple(name for name in names if (PROJECT / name).is_file())


def copy_tree(target: Path) -> None:
    """What git tracks or would track, with the reference data beside it."""
    for name in _tracked(PROJECT):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target / name)
    shared = PROJECT.parent / "shared"
    if shared.exists():
        (target.parent / "shared").symlink_to(shared.resolve())
    # Once for all: the tests start hundreds of processes, and none may keep the bytecode of an edit.
    compileall.compile_dir(target, quiet=2)


class Copy:
    """One copy of the tree, in which one edit is made at a time."""

    def __init__(self, root: Path, time_limit_s: float) -> None:
        self._root = root
        self._time_limit_s = time_limit_s
        self._passing: dict[tuple[str, ...], bool] = {}

    def try_edit(self, edit: Edit) -> str:
        """`noticed by …`, `timed out in …` (counts as noticed) or `NOT NOTICED`."""
        path = self._root / edit.path
        source = path.read_text(encoding="utf-8")
        turns = nearest_tests(self._root, edit.path)
        if not turns:
            return "NOT NOTICED: no test names the module, and the mirrored folder has none"
        for tests in turns:
            path.write_text(edit.applied(source), encoding="utf-8")
            try:
                outcome = self._run(tests)
            finally:
                path.write_text(source, encoding="utf-8")
            if outcome is not None and self._passes(tests):
                return outcome
        return "NOT NOTICED"

    def _passes(self, tests: list[str]) -> bool:
        """Whether they pass without any edit: else their failure tells nothing."""
        key = tuple(tests)
        if key not in self._passing:
            self._passing[key] = self._run(tests) is None
        return self._passing[key]

    def _run(self, tests: list[str]) -> str | None:
        """None when they pass."""
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
            return f"timed out in {', '.join(tests)}"
        if done.returncode in (0, 5):
            return None
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return f"noticed by {failed[0] if failed else f'pytest, exit {done.returncode}'}"


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
    arguments = parser.parse_args()
    edits = chosen_edits(PROJECT, [path.rstrip("/") for path in arguments.paths], arguments.count, arguments.seed)
    noticed = 0
    with tempfile.TemporaryDirectory(prefix="careless-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(arguments.processes):
            root = Path(folder, str(number), "tree")
            copy_tree(root)
            copies.put(Copy(root, arguments.time_limit_s))

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
