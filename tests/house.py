"""The rules of the house that no linter knows: clean lock files, SQL in db alone, nothing of this machine.

`python -m tests.house` prints what breaks them and exits 1. It also asks about sizes, which is no fault.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ASKED_FILE_LINES = 300
ASKED_FUNCTION_LINES = 50
ASKED_FOLDER_FILES = 15

ANSWERS: dict[str, str] = {
    "pipeline/records.py": "plain records in the order a call flows through them; nothing to call, nothing to split",
    "bench/million.py": "many calls: the statements that make their rows, and everything that is asked of them",
    "bench/million.py:measure": "one document of figures, from top to bottom",
    "bench/recogniser.py": "one comparison and its breakdown; the parts share the weights and the audio they make",
    "bench/recogniser_gpu.py": "one script for any CUDA machine, self-contained on purpose",
    "pipeline/run/processes/recogniser_process.py": "one supervisor: its states mean nothing apart",
    "pipeline/sources/metadata/sidecar.py": "one lookup of rows by name, key and folder",
    "pipeline/transcription/engines/openai_audio.py": "one engine: what it asks, what it takes for an answer",
    "pipeline/transcription/gated.py": "one segment's way through the gates and its second tries",
    "analysis/topics": "what is asked, how well each label fits, who chooses: one way from a call's lines to a topic",
    "analysis/records.py": "plain records of what the steps say of a call; nothing to call, nothing to split",
    "analysis/sentiment/features.py": "one set of frames, and every feature counted on it",
    "analysis/sentiment/steps.py": "three steps of one shape, in the order in which they read one another",
    "analysis/summary/composing.py": "one text of a model on its way to a summary, statement by statement",
    "analysis/summary/support/evidence.py": "one call and its measures, which all read the same words and places",
    "bench/soak.py": "one night of disturbances; all kinds share the fleet and the account at the end",
    "bench/summaries.py": "one step on three sets of calls, with the same marks for each",
    "bench/topics.py": "one step on five sets of questions; all are answered and counted by the same code",
    "db/ledger/results.py": "the one transaction that stores a call, table by table",
    "pages/dashboard/page.py:dashboard_page": "the values of one template, one below the other",
    "pipeline/run/stages/recognise.py": "one stage: the calls under way are its state, and every step needs them",
    "analysis/redaction": "a file per kind of personal data and per way of asking for it",
    "analysis/sentiment": "words, voice and their fusion; shipped models name these modules",
    "commands/run": "a file per thing a run does at its borders: plan, tell, notify, deliver, trace",
    "commands": "a file per sub-command, and what they share",
    "commands/subcommands.py:export": "the options of a command, one below the other",
    "db/export": "a file per format, and what formats share",
    "pipeline": "leaves, and a folder per stage",
    "pipeline/config/areas": "a file per area of the configuration",
    "commands/app.py:run": "the options of a run, one below the other",
    "commands/report/build.py:_stages": "one document's shape, read from top to bottom",
    "commands/run/command.py:_run_with": "a run from begin to end, and what must happen however it ends",
    "analysis/redaction/exchanges.py": "one walk over questions and their answers",
    (
        "tests/commands/run/test_two_files.py:"
        "test_two_files_become_one_call_that_is_done_once_and_followed_when_it_changes"
    ): "one folder's story over four runs; each run costs processes",
    "analysis/summary/composing.py:compose": "one summary put together, part by part",
    "analysis/summary/spoken.py:_most_telling": "one ranking, and the sentences that it takes",
    "analysis/summary/support/deeds.py:_done_by": "one decision, rule by rule, the surest first",
    "commands/evaluate/comparison/command.py:compare_systems": "a comparison from its options to its report",
    "commands/train/command.py:train": "the options of a command, one below the other",
    "service/app.py:application": "one application: rooms, doors and what stands before them, whose order counts",
    "bench": "one file per benchmark, each a command of its own",
    "tests/pipeline/transcription/engines/mlx_qwen3/tiny.py:_weights": "a checkpoint's list of tensors and shapes",
    "bench/ray_machines.py:growing": "one night on an autoscaler, watched from no machine to the last one gone",
    "bench/voices.py": "one bench of telling voices apart; its labelled calls and its figures mean nothing apart",
    "bench/materials": "what benchmarks read, a file for each kind of material",
    "tests": "what tests of all rooms share, a file for each thing; the tests themselves stand in the rooms' folders",
}
"""Folder, path or path:function that is larger than asked about, and why: one thing is not split for a number."""

_ADDRESS = re.compile(r"(https?|file)://|--(extra-)?index-url|--find-links")


def tracked(suffix: str = "") -> list[Path]:
    """Files git tracks, or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    return [PROJECT / name for name in listed if name.endswith(suffix) and (PROJECT / name).is_file()]


def sizes(paths: Sequence[Path]) -> Iterator[str]:
    """Questions, not faults: files, functions (docstrings included) and folders of a size that is hard to grasp."""
    folders: Counter[str] = Counter()
    for path in paths:
        name = path.relative_to(PROJECT).as_posix()
        folders[path.relative_to(PROJECT).parent.as_posix()] += path.name != "__init__.py"
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > ASKED_FILE_LINES and not name.startswith("tests/"):
            yield from _unanswered(name, f"{lines} lines: is it one room, or two?")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > ASKED_FUNCTION_LINES:
                    yield from _unanswered(f"{name}:{node.name}", f"{length} lines: does it fit a screen?")
    for folder, files in sorted(folders.items()):
        if files > ASKED_FOLDER_FILES and not folder.startswith("tests/"):
            yield from _unanswered(folder, f"{files} files: what groups are they?")


def _unanswered(what: str, question: str) -> Iterator[str]:
    if what not in ANSWERS:
        yield f"{what}: {question} (an answer goes into ANSWERS of tests/house.py)"


def unclean_locks() -> Iterator[str]:
    """Lock files that name an address, or leave a version open."""
    for path in tracked(".lock"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            bare = line.split("#")[0].strip()
            if _ADDRESS.search(line):
                yield f"{path.name}:{number}: names an address: {line.strip()}"
            elif bare and "==" not in bare:
                yield f"{path.name}:{number}: no pinned version: {bare}"


def machine_paths() -> Iterator[str]:
    """Text files that name the folder this checkout lies in."""
    here = str(PROJECT) + "/"
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if here in text:
            yield f"{path.relative_to(PROJECT)}: names {here}"


_STATEMENT = re.compile(
    r"\s*(--.*\s+)*(WITH\s+\w+\s+AS\s*\(|SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s"
    r"|TRUNCATE\s|(CREATE|ALTER|DROP)\s+(TABLE|VIEW|INDEX|ROLE|SCHEMA|DATABASE|FUNCTION)\s|(GRANT|REVOKE)\s.+\s(TO|FROM)\s)",
    re.DOTALL,
)
_OWN_SQL = ("db/", "tests/", "bench/", "ops/grafana.py")
"""Where SQL may stand: the database's rooms, tests, benchmarks, and a dashboard's panels, which Grafana sends."""


def sql_outside_db() -> Iterator[str]:
    """Python files outside db with a statement of SQL in a string."""
    for path in tracked(".py"):
        name = str(path.relative_to(PROJECT))
        if not name.startswith(_OWN_SQL):
            for line, text in statements_of_sql(path.read_text(encoding="utf-8")):
                yield f"{name}:{line}: SQL stands in db only (a file in db/queries/sql, a function to ask it): {text}"


def statements_of_sql(source: str) -> Iterator[tuple[int, str]]:
    """Line and beginning of each string that is a statement of SQL."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            if _STATEMENT.match(text):
                yield node.lineno, " ".join(text.split())[:60]


def questions_without_a_description() -> Iterator[str]:
    """Files of SQL that do not begin by saying what they ask or make."""
    for path in tracked(".sql"):
        if not path.read_text(encoding="utf-8").startswith("-- "):
            yield f"{path.relative_to(PROJECT)}: begins without a description (-- …)"


_PRODUCTION = ("commands/", "service/", "pages/", "pipeline/", "analysis/", "db/")
_PRINTING = re.compile(r"(?<![\w.])print\(|\b(typer|click)\.s?echo\(|rich\.console import|rich import print")


def other_ways_to_the_terminal() -> Iterator[str]:
    """What prints past `commands/terminal.py`, where markup is taken literally and control characters are shown."""
    for path in tracked(".py"):
        name = str(path.relative_to(PROJECT))
        if not name.startswith(_PRODUCTION) or name in (
            "commands/terminal.py",
            "commands/console.py",
        ):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if _PRINTING.search(line):
                yield f"{name}:{number}: prints past commands/terminal.py: {line.strip()}"


_SAY_NOTHING = frozenset({"one", "at", "mine"})
_NAMED_ROOMS = (*_PRODUCTION, "bench/", "ops/", "samples/", "run.py")


def names_that_say_nothing() -> Iterator[str]:
    """Variables, parameters and functions that are not named for what they hold. Fields of records are: `at` a time."""
    for path in tracked(".py"):
        name = path.relative_to(PROJECT).as_posix()
        if name.startswith(_NAMED_ROOMS):
            for line, bound in bound_names(path.read_text(encoding="utf-8")):
                if bound in _SAY_NOTHING:
                    yield f"{name}:{line}: {bound} does not say what it holds"


def bound_names(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each variable, parameter, function and import of a module, without the fields of its records."""
    tree = ast.parse(source)
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    fields = {id(field.target) for owner in classes for field in owner.body if isinstance(field, ast.AnnAssign)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields:
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.alias):
            yield node.lineno, node.asname or node.name


_KEPT = re.compile(r'assert_pinned\(\s*f?"([^"]+)"')


def outputs_of_two_tests() -> Iterator[str]:
    """Outputs kept by `tests/pinned.py` under one name by two files of a folder: each would overwrite the other's."""
    tests = [path.relative_to(PROJECT) for path in tracked(".py") if path.relative_to(PROJECT).parts[0] == "tests"]
    yield from kept_twice({path: (PROJECT / path).read_text(encoding="utf-8") for path in tests})


def kept_twice(sources: Mapping[Path, str]) -> Iterator[str]:
    owners: dict[Path, Path] = {}
    for path, source in sources.items():
        for name in sorted(set(_KEPT.findall(source))):
            owner = owners.setdefault(path.parent / name, path)
            if owner != path:
                yield f"{path}: {name} is kept by {owner.name} too"


CHECKS = (
    names_that_say_nothing,
    outputs_of_two_tests,
    unclean_locks,
    machine_paths,
    sql_outside_db,
    questions_without_a_description,
    other_ways_to_the_terminal,
)


def main() -> int:
    for question in sizes(tracked(".py")):
        print("asked:", question)  # noqa: T201
    faults = [fault for check in CHECKS for fault in check()]
    for fault in faults:
        print(fault)  # noqa: T201
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
