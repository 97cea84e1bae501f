"""What a run says of calls in two files, one for each side."""

from __future__ import annotations

from pipeline.plurals import counted
from pipeline.run.planning.plan import Plan
from pipeline.sources.pairs import WAITS_FOR_OTHER_SIDE

_NAMED = 5


def said_of_sides(plan: Plan) -> list[str]:
    """Before the work: which files are done again as part of a call, and which wait for their other side."""
    lines = []
    if plan.replacing:
        calls = counted(len(plan.replacing), "call is", "calls are")
        names = [call.found.file_name for call in plan.replacing]
        lines.append(
            f"{calls} transcribed again: the files of both sides are there, and they were processed one by one before "
            f"({_some(names)}); input.pairs.kinds=[] would keep them apart"
        )
    waiting = [item for item in plan.waiting if item.reason == WAITS_FOR_OTHER_SIDE]
    if waiting:
        files = counted(len(waiting), "file waits", "files wait")
        lines.append(f"{files} for the other side of the call: {waiting[0].file_name}: {waiting[0].message}")
    return lines


def pair_line(plan: Plan) -> str | None:
    """After the work: how many of the calls found have two files; None for none."""
    number = len(plan.second_files)
    if not number:
        return None
    calls = counted(number, "call has", "calls have")
    return f"{calls} two files, one for each side: {plan.found + number} files in all"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
