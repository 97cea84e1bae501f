"""The page of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from db.queries.reading import ShownAnswer, ShownCall, ShownChunk, ShownRule, ShownStep
from db.queries.references import Reference
from pages.rendering import page
from pages.scorecards import scorecards_of
from pages.site import Site
from pages.svg.charts import quarters
from pages.svg.timeline import lanes_of, timeline
from pages.talk import Said, mood_of, talk_of
from pages.words import ORDINARY, STEPS, call_flag
from pipeline.plurals import counted
from pipeline.records import Role
from pipeline.roles import ROLE_NAMES

SHORTEST_QUOTE = 12
"""Characters."""
LONGEST_OUTCOME = 60
"""Characters beside the moods; a longer one stands in the summary alone."""
MANY_TURNS = 300
"""From here on what is out of sight is not laid out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContent:
    """What the database says of a call."""

    call: ShownCall
    chunks: Sequence[ShownChunk]
    steps: Sequence[ShownStep] = ()
    rules: Sequence[ShownRule] = ()
    answers: Sequence[ShownAnswer] = ()
    """Of the scorecards, scorecard by scorecard."""
    not_judged: Mapping[str, int] = field(default_factory=dict)
    """Why rules could not be judged, and how many for each reason."""
    corrected: Reference | None = None
    """What a person made of its text."""
    words: bool = True
    """Whether the reader may see what was said; without it, the records hold none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """The recording, as far as the page can play it."""

    address: str | None
    """Of what the browser plays; None where there is nothing to play."""
    why_not: str | None = None
    """Why, in words."""
    waveform: str | None = None
    """Address of the picture of its channels."""
    channels: tuple[Role, ...] = ()
    """Who speaks on each channel, where one can be heard alone; else empty."""
    sides: tuple[str, ...] = ()
    """Addresses of each channel alone, for pages whose script may not read the samples; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of the summary."""

    role: Role | None
    """Who says it, where the summary quotes."""
    text: str
    at_s: tuple[float, ...]
    """The moments it rests on, in order; empty where none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the summary that is told apart from the others."""

    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A value that is not there."""

    what: str
    why: str


_LOW = -0.3
"""Score (-1..1) from which a moment is worth going to."""


def call_page(content: CallContent, sound: Sound, site: Site) -> str:
    """HTML of a call, of whatever is known of it."""
    call, chunks = content.call, content.chunks
    talk, pauses = talk_of(chunks, call.duration_s, call.language)
    said = [stretch for stretch in talk if isinstance(stretch, Said)]
    duration_s = call.duration_s or max((stretch.end_s for stretch in said), default=None)
    return page(
        "call",
        call=call,
        talk=talk,
        said=said,
        MANY=MANY_TURNS,
        pauses=pauses,
        lanes=lanes_of(said),
        picture=timeline(said, pauses, duration_s) if said and duration_s else None,
        duration_s=duration_s,
        sound=sound,
        moods=moods_of(call),
        turned=turned_of(call),
        lowest_at_s=lowest_of(call),
        quarters=quarters(scores) if (scores := quarters_of(call)) else None,
        parts=parts_of(call),
        sentences=sentences_of(call, chunks),
        outcome=outcome if len(outcome := (call.summary_details or {}).get("outcome") or "") <= LONGEST_OUTCOME else "",
        moments=partial(moments_of, call=call, chunks=chunks),
        notices=[call_flag(flag) for flag in call.flags if flag not in ORDINARY],
        ordinary=[call_flag(flag) for flag in call.flags if flag in ORDINARY],
        missing=[*missing_of(call), *_not_judged(content.not_judged)],
        steps=content.steps,
        rules=content.rules,
        scorecards=scorecards_of(content.answers),
        correct=site.correct(call.call_id) if site.corrects and said else None,
        corrected=content.corrected,
        words=content.words,
        site=site,
    )


def moods_of(call: ShownCall) -> dict[Role, str]:
    """Mood over the call of each side that has one: from words and voice, or from the words."""
    found = {
        role: mood_of((call.moods.get(role) or {}).get("fusion") or (call.moods.get(role) or {}).get("text"))
        for role in (Role.CLIENT, Role.AGENT, Role.UNKNOWN)
    }
    return {role: mood for role, mood in found.items() if mood is not None}


def turned_of(call: ShownCall) -> str | None:
    """Which way the customer's mood turned and whose words came right before; None where it did not turn."""
    if call.mood_turned_at_s is None:
        return None
    way = {"better": "for the better", "worse": "for the worse"}.get(call.mood_turned_to or "", "")
    after = {"agent": "after the agent's words", "client": "by the customer's own words"}.get(
        call.mood_turned_by or "", ""
    )
    return " ".join(part for part in ("Customer's mood turned", way, after) if part)


def lowest_of(call: ShownCall) -> float | None:
    """When the customer's mood was lowest; None where it was at no time negative."""
    for step in ("fusion", "text"):
        trend = (call.sentiment_trends.get(step) or {}).get(Role.CLIENT) or {}
        if trend.get("lowest_at_s") is not None:
            return float(trend["lowest_at_s"]) if (trend.get("lowest_score") or 0.0) <= _LOW else None
    return None


def quarters_of(call: ShownCall) -> tuple[float | None, ...]:
    """Mean score (-1..1) of the customer's words in each quarter of the call; empty where there is none."""
    for step in ("fusion", "text"):
        for role in (Role.CLIENT, Role.UNKNOWN):
            quarters = ((call.sentiment_trends.get(step) or {}).get(role) or {}).get("quarters")
            if quarters and any(value is not None for value in quarters):
                return tuple(quarters)
    return ()


def parts_of(call: ShownCall) -> list[Part]:
    """The parts of the summary, where they are told apart: the sentences they rest on, if the part is made of them;
    else the part's own text, with the moments of those sentences."""
    details, parts = call.summary_details or {}, []
    evidence = call.summary_evidence or ()
    left_open = [sentence for sentence in evidence if sentence["part"] == "open"]
    for name, (title, told) in _PARTS.items():
        given = details.get(name) or ()
        texts = [given] if isinstance(given, str) else list(given)
        rests_on = [sentence for sentence in evidence if sentence["part"] == told]
        whole = " ".join(texts).lower()
        if rests_on and (not whole or _holds(whole, rests_on)):
            sentences = [
                Sentence(
                    role=Role(sentence["role"]),
                    text=sentence["text"][:1].upper() + sentence["text"][1:],
                    at_s=(sentence["start_s"],),
                )
                for sentence in rests_on
            ]
        else:
            moments = tuple(sorted({sentence["start_s"] for sentence in rests_on}))
            sentences = [Sentence(role=None, text=text, at_s=moments) for text in texts]
        # A summary of the call's own sentences names what is left open as the next step: it is told once.
        if sentences and (told != "promise" or (texts and not _holds(whole, left_open))):
            parts.append(Part(title=title, sentences=tuple(sentences)))
    return parts


def _holds(text: str, sentences: Sequence[Mapping[str, object]]) -> bool:
    """Whether a text in lower case is made of these sentences; of none it is not."""
    return bool(sentences) and all(_bare(str(sentence["text"])).lower() in text for sentence in sentences)


def sentences_of(call: ShownCall, chunks: Sequence[ShownChunk] = ()) -> list[Sentence]:
    """The summary's sentences in order, each with the moments it rests on."""
    sentences = []
    for line in (call.summary or "").splitlines():
        role, text = _speaker(line.strip())
        if text:
            sentences.append(Sentence(role=role, text=text, at_s=moments_of(text, call, chunks)))
    return sentences


def moments_of(text: str, call: ShownCall, chunks: Sequence[ShownChunk] = ()) -> tuple[float, ...]:
    """When was said what a text of the summary rests on: the sentences whose words it holds, else the stretches that
    hold it word for word."""
    evidence = call.summary_evidence or ()
    wanted = _bare(text)
    found = {sentence["start_s"] for sentence in evidence if _bare(sentence["text"]) == wanted}
    found = found or {sentence["start_s"] for sentence in evidence if _overlap(_bare(sentence["text"]), wanted)}
    if not found and len(wanted) >= SHORTEST_QUOTE:
        found = {chunk.start_s for chunk in chunks if wanted in chunk.text}
    return tuple(sorted(found))


_PARTS = {
    "reason": ("Reason", "reason"),
    "key_points": ("Details", "detail"),
    "done": ("What was done", "done"),
    "outcome": ("Outcome", "outcome"),
    "open": ("Left open", "open"),
    "next_step": ("Next step", "promise"),
}
"""Text of the summary's details to its title and to the part that its evidence names. Promises are action items."""


def missing_of(call: ShownCall) -> list[Missing]:
    """What is not known of the call, and why; a role that does not speak is no loss."""
    silent = f"{Role.UNKNOWN}_"
    return [
        Missing(what=_of_what(key), why=why)
        for key, why in sorted(call.missing_reasons.items())
        if not (key.startswith(silent) and Role.UNKNOWN not in moods_of(call))
    ]


def _not_judged(reasons: Mapping[str, int]) -> list[Missing]:
    return [Missing(what=f"{counted(number, 'rule')} not judged", why=why) for why, number in reasons.items()]


def _bare(text: str) -> str:
    return text.strip().rstrip(".!?… ")


def _overlap(text: str, other: str) -> bool:
    """Whether one holds the other, which is long enough to be no accident: `Brown` is in many sentences."""
    shorter, longer = sorted((text, other), key=len)
    return len(shorter) >= SHORTEST_QUOTE and shorter in longer


def _speaker(line: str) -> tuple[Role | None, str]:
    """Extractive summaries quote: `client: …`."""
    for role in Role:
        if line.startswith(f"{role}: "):
            return role, line[len(role) + 2 :].strip()
    return None, line


def _of_what(key: str) -> str:
    if key in STEPS:
        return STEPS[key]
    for role in Role:
        step = key.removeprefix(f"{role}_")
        if step != key:
            return f"{ROLE_NAMES[role]}: {STEPS.get(step, step.replace('_', ' ')).lower()}"
    return key.replace("_", " ").capitalize()
