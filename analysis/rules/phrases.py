"""The condition `said`: who says what, where, how often, and what stands near."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.rules.book import Near, Said
from analysis.rules.heard import Heard, Moment, Side
from analysis.rules.verdicts import Fails, Holds, Unknown, Verdict
from pipeline.moments import clock
from pipeline.records import SpeechSpan
from pipeline.roles import Role


def judge_said(asked: Said, heard: Heard) -> Verdict:
    """Whether the phrases are said, or missing.

    Unknown where it cannot be told: the side is not known, or is missing where its words are in doubt.
    """
    sides = heard.of(asked.role)
    said_by = who(asked.role)
    for phrases in (asked, asked.near, asked.not_near):
        if phrases is not None and not phrases.phrases_in(heard.language):
            known = ", ".join(phrases.languages)
            return Unknown(f"the call is in {heard.language}, the rule has phrases in {known}", of_language=True)
    if not sides and any(side.role is Role.UNKNOWN for side in heard.sides):
        return Unknown(f"which side is {said_by} is not known")
    window = _window(asked, heard)
    moments = _apart([m for m in _said(asked, sides, heard, window) if _company(asked, m, heard)], asked.apart_s)
    if asked.missing:
        return _missing(asked, sides, moments, window, heard)
    if len(moments) < asked.at_least:
        times = f" {asked.at_least} times" if asked.at_least > 1 else ""
        return Fails(f"{said_by} did not say it{times}{_where(asked)}")
    first = moments[0]
    times = f", {len(moments)} times" if len(moments) > 1 else ""
    return Holds(
        reason=f"{who(first.side.role.value)} said “{_words(first)}” at {clock(first.start_s)}{times}",
        quote=first.quote,
        role=first.side.role,
        start_s=first.start_s,
        end_s=first.end_s,
        occurrences=len(moments),
    )


def _missing(
    asked: Said, sides: Sequence[Side], moments: Sequence[Moment], window: SpeechSpan, heard: Heard
) -> Verdict:
    said_by, wanted = who(asked.role), asked.phrases_in(heard.language)
    if moments:
        return Fails(f"{said_by} said “{_words(moments[0])}” at {clock(moments[0].start_s)}")
    if not any(side.said for side in sides):
        return Unknown(f"nothing of what {said_by} said is known")
    if any(start < window[1] and end > window[0] for side in sides for start, end in side.doubted):
        return Unknown(f"some of what {said_by} said{_where(asked)} is in doubt")
    phrases = f"“{wanted[0]}”" + (f" or {len(wanted) - 1} like it" if len(wanted) > 1 else "")
    return Holds(
        reason=f"{said_by} did not say {phrases}{_where(asked)}",
        role=None if asked.role == "any" else Role(asked.role),
        start_s=window[0],
        end_s=window[1],
    )


def _window(asked: Said, heard: Heard) -> SpeechSpan:
    """The part of the call that counts."""
    begin_s, end_s = heard.begin_s, heard.end_s
    length_s = end_s - begin_s
    if asked.first_s is not None:
        return begin_s, min(end_s, begin_s + asked.first_s)
    if asked.last_s is not None:
        return max(begin_s, end_s - asked.last_s), end_s
    if asked.first_share is not None:
        return begin_s, begin_s + asked.first_share * length_s
    if asked.last_share is not None:
        return end_s - asked.last_share * length_s, end_s
    return begin_s, end_s


def _where(asked: Said) -> str:
    if asked.first_s is not None:
        return f" in the first {asked.first_s:g} s"
    if asked.last_s is not None:
        return f" in the last {asked.last_s:g} s"
    if asked.first_share is not None:
        return f" in the first {asked.first_share:.0%}"
    if asked.last_share is not None:
        return f" in the last {asked.last_share:.0%}"
    return ""


def _said(asked: Said, sides: Sequence[Side], heard: Heard, window: SpeechSpan) -> list[Moment]:
    """Every moment in the window, in order of time; phrases that overlap are one."""
    limited = any(part is not None for part in (asked.first_s, asked.last_s, asked.first_share, asked.last_share))
    found: list[Moment] = []
    for side in sides:
        moments = sorted(
            (
                Moment(side, first, after)
                for phrase in asked.phrases_in(heard.language)
                for first, after in _places(side, phrase, heard)
            ),
            key=lambda moment: (moment.first, -moment.after),
        )
        apart: list[Moment] = []
        for moment in moments:
            if not apart or moment.first >= apart[-1].after:
                apart.append(moment)
        found.extend(m for m in apart if not limited or window[0] <= m.start_s <= window[1])
    return sorted(found, key=lambda moment: (moment.start_s, moment.end_s))


def _places(side: Side, phrase: str, heard: Heard) -> list[tuple[int, int]]:
    return side.stream.find(phrase, heard.language)


def _apart(moments: Sequence[Moment], apart_s: float) -> list[Moment]:
    kept: list[Moment] = []
    for moment in moments:
        if not kept or moment.start_s - kept[-1].start_s >= apart_s:
            kept.append(moment)
    return kept


def _company(asked: Said, moment: Moment, heard: Heard) -> bool:
    """Whether what must stand near does, and what must not does not."""
    if asked.near is not None and not _is_near(asked.near, moment, heard):
        return False
    return asked.not_near is None or not _is_near(asked.not_near, moment, heard)


def _is_near(near: Near, moment: Moment, heard: Heard) -> bool:
    sides = (moment.side,) if near.role is None else heard.of(near.role)
    for side in sides:
        for phrase in near.phrases_in(heard.language):
            for first, after in _places(side, phrase, heard):
                if _fits(near, moment, Moment(side, first, after)):
                    return True
    return False


def _fits(near: Near, moment: Moment, other: Moment) -> bool:
    if near.within_words is not None:
        before, behind = float(moment.first - other.after), float(other.first - moment.after)
        wanted = float(near.within_words)
    else:
        before, behind = moment.start_s - other.end_s, other.start_s - moment.end_s
        wanted = near.within_s or 0.0
    is_before, is_behind = before <= wanted and behind < 0, behind <= wanted and before < 0
    if near.side == "before":
        return is_before
    return is_behind if near.side == "after" else is_before or is_behind


def _words(moment: Moment) -> str:
    """The words themselves, as they stand in the transcript."""
    first, last = moment.side.said[moment.first], moment.side.said[moment.after - 1]
    if first.chunk is last.chunk:
        return first.chunk.text[first.first : last.end]
    return f"{first.chunk.text[first.first :].strip()} {last.chunk.text[: last.end].strip()}"


def who(role: str) -> str:
    """As reasons name who speaks."""
    return {"agent": "the agent", "client": "the customer", "unknown": "a speaker"}.get(role, "somebody")
