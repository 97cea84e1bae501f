"""Whether a condition holds for a call, and what shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from analysis.calls import NOBODY_SPEAKS
from analysis.records import Attention, RoleSentiment, RuleMatch
from analysis.rules.book import (
    Condition,
    Doubts,
    Interruptions,
    Length,
    Mood,
    MoodFall,
    Overtalk,
    Rule,
    RuleFile,
    Silence,
    TopicIs,
)
from analysis.rules.heard import Heard
from analysis.rules.phrases import judge_said, who
from analysis.rules.verdicts import Fails, Holds, Unknown, Verdict
from analysis.text import words
from pipeline.moments import clock
from pipeline.roles import Role


def judge_call(book: RuleFile, heard: Heard) -> tuple[Attention, Mapping[str, Verdict]]:
    """The rules that ask for attention and hold; and the verdict on every rule, for scorecards."""
    verdicts = {rule.name: judge_rule(rule, book, heard) for rule in book.rules}
    matches = tuple(
        _match(rule, found) for rule in book.rules if rule.attention and isinstance(found := verdicts[rule.name], Holds)
    )
    unknown = {name: verdict.reason for name, verdict in verdicts.items() if isinstance(verdict, Unknown)}
    asking = [verdicts[rule.name] for rule in book.rules if rule.attention]
    of_language = sum(isinstance(verdict, Unknown) and verdict.of_language for verdict in asking)
    return Attention(matches=matches, not_judged=unknown, not_judged_in_language=of_language), verdicts


def judge_rule(rule: Rule, book: RuleFile, heard: Heard) -> Verdict:
    """Unknown where the rule is for other languages, or does not apply."""
    languages = book.languages if rule.languages is None else rule.languages
    if languages and heard.language not in (None, *languages):
        return Unknown(f"the call is in {heard.language}, the rule is for {', '.join(languages)}", of_language=True)
    if rule.applies_when is not None:
        applies = judge(rule.applies_when, heard)
        if not isinstance(applies, Holds):
            of_language = isinstance(applies, Unknown) and applies.of_language
            return Unknown(f"does not apply: {applies.reason}", of_language)
    return judge(rule.when, heard)


def _match(rule: Rule, found: Holds) -> RuleMatch:
    return RuleMatch(
        rule=rule.name,
        title=rule.title,
        reason=found.reason,
        weight=rule.weight,
        critical=rule.critical,
        quote=found.quote,
        role=found.role,
        start_s=_rounded(found.start_s),
        end_s=_rounded(found.end_s),
        occurrences=found.occurrences,
    )


def _rounded(moment_s: float | None) -> float | None:
    return None if moment_s is None else round(moment_s, 3)


def judge(condition: Condition, heard: Heard) -> Verdict:
    """All parts of a condition."""
    return _all([_JUDGES[name](getattr(condition, name), heard) for name in condition.parts])


def _all(verdicts: Sequence[Verdict]) -> Verdict:
    for kind in (Fails, Unknown):
        for verdict in verdicts:
            if isinstance(verdict, kind):
                return verdict
    held = [verdict for verdict in verdicts if isinstance(verdict, Holds)]
    shown = max(
        held, key=lambda verdict: (verdict.quote is not None, verdict.start_s is not None)
    )  # the first of the best
    told = [verdict for verdict in held if not verdict.of_absence] or held
    return replace(shown, reason="; ".join(verdict.reason for verdict in told), of_absence=False)


def _any(verdicts: Sequence[Verdict]) -> Verdict:
    for kind in (Holds, Unknown):
        for verdict in verdicts:
            if isinstance(verdict, kind):
                return verdict
    return Fails("; ".join(verdict.reason for verdict in verdicts))


def _not(condition: Condition, heard: Heard) -> Verdict:
    verdict = judge(condition, heard)
    if isinstance(verdict, Unknown):
        return verdict
    return Fails(verdict.reason) if isinstance(verdict, Holds) else Holds(reason=verdict.reason, of_absence=True)


# ------------------------------------------------------------------------------------------------ mood


def _mood(asked: Mood, heard: Heard) -> Verdict:
    mood = _mood_of(asked.role, asked.source, heard)
    if isinstance(mood, Unknown):
        return mood
    assert mood.sentiment is not None
    label, sure = mood.sentiment.label.value, mood.sentiment.confidence
    said = f"{who(asked.role)}'s mood is {label} ({sure:.0%})"
    if label != asked.label or sure < asked.confidence_at_least:
        return Fails(said)
    if asked.label != "negative" or mood.lowest_at_s is None:
        return Holds(reason=said, role=asked.role)
    return _shown_at(mood.lowest_at_s, asked.role, said, heard)


def _mood_fall(asked: MoodFall, heard: Heard) -> Verdict:
    mood = _mood_of(asked.role, asked.source, heard)
    if isinstance(mood, Unknown):
        return mood
    quarters = [(index, score) for index, score in enumerate(mood.quarters) if score is not None]
    if len(quarters) < 2:
        return Unknown(f"{who(asked.role)} speaks in one quarter of the call alone")
    falls = [
        (before[1] - after[1], before, after)
        for number, before in enumerate(quarters)
        for after in quarters[number + 1 :]
        if after[1] <= asked.to_at_most
    ]
    fall, before, after = max(falls, default=(0.0, quarters[0], quarters[-1]))
    if fall < asked.by:
        return Fails(f"{who(asked.role)}'s mood does not fall by {asked.by:g}")
    said = (
        f"{who(asked.role)}'s mood falls from {before[1]:+.2f} in quarter {before[0] + 1} of the call "
        f"to {after[1]:+.2f} in quarter {after[0] + 1}"
    )
    if mood.lowest_at_s is None:
        return Holds(reason=said, role=asked.role)
    return _shown_at(mood.lowest_at_s, asked.role, said, heard)


def _mood_of(role: Role, source: str | None, heard: Heard) -> RoleSentiment | Unknown:
    moods = heard.mood(source)
    if moods is None:
        return Unknown("there is no mood of this call")
    mood = next((mood for mood in moods.roles if mood.role is role), None)
    if mood is None or mood.sentiment is None:
        return Unknown(f"there is no mood of {who(role)}" + (f": {mood.reason}" if mood and mood.reason else ""))
    return mood


def _shown_at(moment_s: float, role: Role, said: str, heard: Heard) -> Holds:
    found = heard.quote_at(moment_s, role)
    if found is None:
        return Holds(reason=said, role=role, start_s=moment_s, end_s=moment_s)
    quote, (start_s, end_s) = found
    return Holds(reason=said, quote=quote, role=role, start_s=start_s, end_s=end_s)


# ------------------------------------------------------------------------------------------------ talk


def _silence(asked: Silence, heard: Heard) -> Verdict:
    talk = heard.conversation()
    if talk is None or talk.longest_silence_s is None or talk.silence_share is None:
        return Unknown("where in this call somebody speaks is not known")
    verdicts: list[Verdict] = []
    if asked.longest_over_s is not None:
        gaps = [(after[0] - before[1], before[1], after[0]) for before, after in pairwise(heard.talk)]
        length, start_s, end_s = max(gaps, default=(0.0, 0.0, 0.0))
        if length > asked.longest_over_s:
            reason = f"{length:.0f} s of silence from {clock(start_s)}"
            count = sum(gap > asked.longest_over_s for gap, *_ in gaps)
            verdicts.append(Holds(reason=reason, start_s=start_s, end_s=end_s, occurrences=count))
        else:
            verdicts.append(Fails(f"the longest silence has {length:.0f} s"))
    if asked.share_over is not None:
        verdicts.append(_over(talk.silence_share, asked.share_over, "{:.0%} of the call is silence"))
    return _all(verdicts)


def _overtalk(asked: Overtalk, heard: Heard) -> Verdict:
    talk = heard.conversation()
    if talk is None or talk.overtalk_s is None:
        return Unknown("when both sides speak is not known")
    verdicts = []
    if asked.over_s is not None:
        verdicts.append(_over(talk.overtalk_s, asked.over_s, "both speak at once for {:.0f} s"))
    if asked.share_over is not None:
        share = talk.overtalk_s / heard.call.duration_s
        verdicts.append(_over(share, asked.share_over, "both speak at once in {:.0%} of the call"))
    return _all(verdicts)


def _interruptions(asked: Interruptions, heard: Heard) -> Verdict:
    talk = heard.conversation()
    count = None if talk is None else getattr(talk, f"{asked.role}_interruptions")
    if count is None:
        return Unknown("who interrupts is not known")
    times = f"{count} time{'' if count == 1 else 's'}"
    said = f"{who(asked.role)} interrupts {times}"
    return Holds(reason=said, role=Role(asked.role), occurrences=count) if count > asked.over else Fails(said)


def _length(asked: Length, heard: Heard) -> Verdict:
    said = f"the recording has {clock(heard.call.duration_s)}"
    long_enough = asked.over_s is None or heard.call.duration_s > asked.over_s
    short_enough = asked.under_s is None or heard.call.duration_s < asked.under_s
    return Holds(reason=said) if long_enough and short_enough else Fails(said)


def _over(value: float, limit: float, said: str) -> Verdict:
    return Holds(reason=said.format(value)) if value > limit else Fails(said.format(value))


# ----------------------------------------------------------------------------------------------- other


def _topic(asked: TopicIs, heard: Heard) -> Verdict:
    topic = heard.topic()
    if topic is None:
        return Unknown("the call has no topic")
    whole = f"{topic.topic} > {topic.subtopic}" if topic.subtopic else topic.topic
    wanted = {_topic_name(name) for name in asked.any_of}
    if _topic_name(topic.topic) not in wanted and _topic_name(whole) not in wanted:
        return Fails(f"the topic is {whole}")
    shown = topic.evidence[0] if topic.evidence else None
    return Holds(
        reason=f"the topic is {whole}",
        quote=shown.quote if shown else None,
        start_s=shown.start_s if shown else None,
        end_s=shown.start_s if shown else None,
    )


def _topic_name(name: str) -> str:
    return " > ".join(part.strip().casefold() for part in name.split(">"))


def _doubts(asked: Doubts, heard: Heard) -> Verdict:
    transcript = heard.call.transcript
    verdicts: list[Verdict] = []
    if asked.share_over is not None:
        spoken = [chunk for chunk in transcript.chunks if words(chunk.text)]
        if not spoken:
            return Unknown(NOBODY_SPEAKS)
        doubtful = [chunk for chunk in spoken if chunk.doubts]
        said = f"{len(doubtful)} of {len(spoken)} chunks are in doubt"
        if len(doubtful) > asked.share_over * len(spoken):
            first = min(doubtful, key=lambda chunk: chunk.start_s)
            verdicts.append(
                Holds(
                    reason=f"{said} ({', '.join(sorted({doubt for chunk in doubtful for doubt in chunk.doubts}))})",
                    start_s=first.start_s,
                    end_s=first.end_s,
                    occurrences=len(doubtful),
                )
            )
        else:
            verdicts.append(Fails(said))
    if asked.any_flag is not None:
        flags = {*heard.call.flags, *transcript.flags, *(flag for chunk in transcript.chunks for flag in chunk.flags)}
        found = [flag for flag in asked.any_flag if flag in flags]
        verdicts.append(
            Holds(reason=f"flagged {', '.join(found)}") if found else Fails(f"no flag {', '.join(asked.any_flag)}")
        )
    return _all(verdicts)


_JUDGES: Mapping[str, Callable[[Any, Heard], Verdict]] = {
    "said": judge_said,
    "mood": _mood,
    "mood_fall": _mood_fall,
    "silence": _silence,
    "overtalk": _overtalk,
    "interruptions": _interruptions,
    "topic": _topic,
    "length": _length,
    "doubts": _doubts,
    "all_of": lambda parts, heard: _all([judge(part, heard) for part in parts]),
    "any_of": lambda parts, heard: _any([judge(part, heard) for part in parts]),
    "not_so": _not,
}
"""By the field of Condition."""
