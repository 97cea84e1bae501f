"""What needs a person's attention although the run finished: exit code 5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.areas.run import RunSettings
from pipeline.plurals import counted
from pipeline.records import ERASED
from pipeline.run.batch import BatchResult
from pipeline.sources.source import NOT_A_CALL

LEFT_OUT_BY_CHOICE = frozenset({"excluded", "hidden", "not_included", ERASED})
"""Reasons that the configuration or an erasure asked for: such files are not offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLimits:
    """What is expected of the input."""

    min_calls: int | None = None
    """Recordings; None for at least one where the database knows any, or where other files lie there."""
    max_skipped_share: float = 1.0

    @classmethod
    def of(cls, settings: RunSettings, overrides: Sequence[str]) -> InputLimits:
        """The limits of the configuration. For an input named on the command line only limits named there apply."""
        given = {override.partition("=")[0].strip() for override in overrides}
        by_hand = "input.path" in given
        return cls(
            min_calls=0 if by_hand and "run.min_expected_calls" not in given else settings.min_expected_calls,
            max_skipped_share=(1.0 if by_hand and "run.max_skipped_share" not in given else settings.max_skipped_share),
        )


@dataclass(frozen=True, slots=True)
class Unusable:
    """A recording that was offered and has no result."""

    file_name: str
    reason: str


def offered(result: BatchResult) -> int:
    """Number of recordings the source offered, whatever their outcome; files of other kinds do not count."""
    plan = result.plan
    not_offered = NOT_A_CALL | LEFT_OUT_BY_CHOICE
    return len(plan.uris) + len(plan.waiting) + sum(item.reason not in not_offered for item in plan.skipped)


def unusable(result: BatchResult) -> list[Unusable]:
    """Recordings offered that were skipped or failed for good, in this run or before, with the reason."""
    plan, tally = result.plan, result.tally
    not_offered = NOT_A_CALL | LEFT_OUT_BY_CHOICE
    skipped = [item for item in (*plan.skipped, *tally.skipped_files) if item.reason not in not_offered]
    return [
        *(Unusable(item.file_name, item.reason) for item in skipped),
        *(Unusable(failure.found.file_name, failure.error_type) for failure in tally.failures if not failure.transient),
        *(
            Unusable(call.found.file_name, (call.known.error_type if call.known else None) or "skipped before")
            for call in (*plan.skipped_before, *plan.quarantined)
        ),
    ]


def attention(result: BatchResult, limits: InputLimits, disappeared: int) -> list[str]:
    """A sentence for each thing that needs attention.

    Args:
        disappeared: recordings of this input the database knows and the source no longer offers.
    """
    return [*_too_few(result, limits, disappeared), *_too_many_unusable(result, limits), *_silent_services(result)]


def _too_few(result: BatchResult, limits: InputLimits, disappeared: int) -> list[str]:
    number, found = offered(result), result.plan.found
    if limits.min_calls is not None:
        if number >= limits.min_calls:
            return []
        return [f"{counted(number, 'recording')} offered; run.min_expected_calls is {limits.min_calls}"]
    if number:
        return []
    remedy = "is input.path right, and its disk mounted? set run.min_expected_calls to 0 if an empty input is normal"
    if disappeared:
        return [f"no recording was offered, but earlier runs found {counted(disappeared, 'recording')} here; {remedy}"]
    return [f"no recording among {counted(found, 'file')} found; {remedy}"] if found else []


def _too_many_unusable(result: BatchResult, limits: InputLimits) -> list[str]:
    number, without = offered(result), unusable(result)
    if not number or len(without) <= limits.max_skipped_share * number:
        return []
    kinds = ", ".join(
        f"{count} {reason}" for reason, count in Counter(recording.reason for recording in without).most_common(5)
    )
    return [
        f"{len(without)} of {counted(number, 'recording')} offered cannot be used ({kinds}); "
        f"run.max_skipped_share is {limits.max_skipped_share:g}"
    ]


def _silent_services(result: BatchResult) -> list[str]:
    return [
        f"language model {name}: asked {counted(use.asked, 'time')}, it never answered; last: {use.reason}"
        for name, use in sorted(result.tally.services.items())
        if use.asked and not use.answered
    ]
