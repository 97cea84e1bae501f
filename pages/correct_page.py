"""The page on which a person corrects the text of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.queries.reading import ShownCall, ShownChunk
from db.queries.references import Reference, ReferenceTurn, heard_turns
from pages.call_page import Sound
from pages.numbers import moment
from pages.rendering import page
from pages.site import Site
from pages.svg.timeline import lanes_of, timeline
from pages.talk import Said, talk_of
from pages.words import chunk_flag
from pipeline.records import DOUBTFUL

LONGEST_NAME = 80
"""Characters of who corrects."""
LINE_CHARS = 70
"""Characters of a line of a field, roughly: for browsers that do not fit fields to their text."""
MOST_LINES = 12

Place = tuple[int, int]
"""Channel and ordinal of a stretch of speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """A stretch of speech and the field for its words."""

    turn: ReferenceTurn
    """With the words of the machine."""
    text: str
    """What stands in the field."""
    heard: str
    """Words of the machine, as they may be shown."""
    doubts: tuple[str, ...]
    silent: bool
    """Whether it stands for a side on which nothing was heard."""

    @property
    def field(self) -> str:
        return field_of((self.turn.channel, self.turn.ordinal))

    @property
    def lines(self) -> int:
        return min(MOST_LINES, 1 + len(self.text) // LINE_CHARS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correcting:
    """What the page is made of."""

    call: ShownCall
    chunks: Sequence[ShownChunk]
    heard: Sequence[str]
    """Words of `heard_turns(call, chunks)` as they may be shown: without personal data where it is taken out."""
    reference: Reference | None = None
    """The newest correction, by which the fields begin where it is of this transcript."""
    typed: Mapping[Place, str] | None = None
    """What somebody typed and could not be saved: it stands in the fields."""
    by: str = ""
    by_name: str | None = None
    """Who is logged in; None where the page asks."""
    token: str
    address: str
    notices: Sequence[str] = ()
    """Why it could not be saved."""
    drawn: bool = False
    """Whether the call is of the quality watch."""


def field_of(place: Place) -> str:
    """Name of the field of a stretch of speech."""
    return f"said-{place[0]}-{place[1]}"


def correct_page(given: Correcting, sound: Sound, site: Site) -> str:
    """HTML of the page."""
    call = given.call
    talk, pauses = talk_of(given.chunks, call.duration_s, call.language)
    said = [stretch for stretch in talk if isinstance(stretch, Said)]
    duration_s = call.duration_s or max((stretch.end_s for stretch in said), default=0.0)
    return page(
        "correct",
        call=call,
        rows=rows_of(given),
        notices=[*given.notices, *_of_earlier(given, site)],
        urgent=bool(given.notices),
        token=given.token,
        address=given.address,
        by=given.by,
        by_name=given.by_name,
        drawn=given.drawn,
        LONGEST_NAME=LONGEST_NAME,
        lanes=lanes_of(said),
        picture=timeline(said, pauses, duration_s) if said else None,
        duration_s=duration_s,
        sound=sound,
        site=site,
    )


def rows_of(given: Correcting) -> list[CorrectionRow]:
    """A row for each stretch, in order of time; none without a transcript."""
    if given.call.transcript_fingerprint is None:
        return []
    texts = _begun(given)
    doubts = {
        (chunk.channel, chunk.ordinal): tuple(chunk_flag(flag) for flag in chunk.flags if flag in DOUBTFUL)
        for chunk in given.chunks
    }
    return [
        CorrectionRow(
            turn=turn,
            text=texts.get((turn.channel, turn.ordinal), heard),
            heard=heard,
            doubts=doubts.get((turn.channel, turn.ordinal), ()),
            silent=(turn.channel, turn.ordinal) not in doubts,
        )
        for turn, heard in zip(heard_turns(given.call, given.chunks), given.heard, strict=True)
    ]


def _begun(given: Correcting) -> Mapping[Place, str]:
    """What stands in the fields instead of the words of the machine."""
    if given.typed is not None:
        return given.typed
    if given.reference is None or not _of_this_transcript(given):
        return {}
    return {(turn.channel, turn.ordinal): turn.text for turn in given.reference.turns}


def _of_this_transcript(given: Correcting) -> bool:
    reference = given.reference
    return reference is not None and reference.transcript_fingerprint == given.call.transcript_fingerprint


def _of_earlier(given: Correcting, site: Site) -> list[str]:
    if given.reference is None or given.typed is not None:
        return []
    who = f"{given.reference.written_by} corrected this call on {moment(given.reference.written_at, site.timezone)}"
    if _of_this_transcript(given):
        return [f"{who}; that text stands here."]
    return [
        f"{who}, on an earlier transcript; here is the newer transcript's text. The earlier correction still counts."
    ]
