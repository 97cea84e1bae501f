"""A model's text becomes a summary: statements checked one by one, completed by the call's own words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.calls import language_of
from analysis.encoder.vectors import SentenceEncoder
from analysis.llm.provider import LLMAnswer
from analysis.records import ActionItem, Summary, SummaryEvidence, SummaryPart
from analysis.summary.checking import Checked, StatementChecker
from analysis.summary.drafts import FIELDS, WHO, Draft
from analysis.summary.facts import SpokenFacts
from analysis.summary.names import checks_names
from analysis.summary.promises import promises_in
from analysis.summary.reading.wording import LANGUAGES as PROMISE_LANGUAGES
from analysis.summary.support.verdict import Verdict
from analysis.summary.support.wording import word_set
from analysis.summary.templates import as_sentence
from analysis.text import content_stems, split_sentences, squeezed, stop_words, words
from pipeline.config.areas.language import SummarySettings
from pipeline.records import Role, TranscriptChunk

_ENDS = re.compile(r"[.!?…。！？][\"'”»)\]]*$")
_SPOKEN_TO = word_set("you your yours i my we our us me vous votre vos je nous mon ma mes sie ihr ich wir")
"""A statement about a call speaks of the client and the agent; these words are the call's own, strayed into it."""
_ABOUT_THE_CALL = re.compile(
    r"^(?:in the end,? )?(?:the|this) (?:call|conversation) (?:was|ended|ends|concluded|concludes|closed)\b"
    r"|^(?:à la fin,? )?l'appel (?:s'est|se) termin|^goodbye",
    re.IGNORECASE,
)
"""How the talk itself ended ("with a thank you") says nothing of its matter."""
_TALK = re.compile(r"\?[\"'”»)]*$|^(?:yes|no|oui|non|ja|nein|okay|ok|oh|well),", re.IGNORECASE)
"""Questions and answers of the call itself."""
_TO_COME = word_set("will shall going upcoming sera seront va vont wird werden")
_TOLD = 0.7
"""Share of a sentence's words that the statements must hold for it not to be quoted."""
_ALIKE = 0.8
"""Share of common words from which two statements say the same."""
_NOT_VERIFIED = {"en": "not verified", "fr": "non vérifié", "de": "nicht geprüft", "es": "no verificado"}
_QUOTES = {"fr": ("« ", " »"), "de": ("„", "“")}
_SPEAKERS = {
    "fr": {Role.CLIENT: "Client", Role.AGENT: "Agent"},
    "de": {Role.CLIENT: "Kunde", Role.AGENT: "Mitarbeiter"},
}
_PARTS = {
    "reason": SummaryPart.REASON,
    "done": SummaryPart.DONE,
    "outcome": SummaryPart.OUTCOME,
    "next_step": SummaryPart.PROMISE,
    "key_points": SummaryPart.LINE,
}


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of a model's text."""

    summary: Summary | None
    """Without its text; None when nothing of it is supported."""
    note: str | None
    """What was wrong with it."""


@dataclass(frozen=True, slots=True)
class _Statement:
    checked: Checked
    piece: int
    field: str

    @property
    def verified(self) -> bool:
        return self.checked.verdict is Verdict.SUPPORTED


def compose(
    draft: Draft,
    texts: Sequence[Mapping[str, Any]],
    settings: SummarySettings,
    encoder: SentenceEncoder | None,
    *,
    items: Sequence[Mapping[str, Any]] | None = None,
    own: Sequence[SummaryEvidence] = (),
) -> Composed:
    """
    Args:
        own: sentences of the call by which it is summed up without a model: what the model left out is quoted.
        texts: the model's fields, for each part of the draft, in order.
        items: promises a model listed; None for those that the call's own lines hold.
    """
    checker = StatementChecker(draft.call, draft.language, encoder)
    kept, dropped = _checked(checker, texts, settings)
    if not kept:
        why = _why(dropped) or "it says nothing about the call"
        return Composed(None, why)
    fields = {name: [one for one in kept if one.field == name] for name in _PARTS}
    told = {
        name: _told(fields[name], draft.language, checker) or None
        for name in ("reason", "done", "outcome", "next_step")
    }
    most = _most_points(draft, settings)
    spread = _over_the_call(fields["key_points"], most)
    points = [_marked(one, draft.language, checker) for one in spread]
    actions = _actions(draft, checker, settings, items)
    quoted = _missing(draft, kept, actions, own)
    flags = dict.fromkeys(flag for one in (*dropped, *(one.checked for one in kept)) for flag in one.flags)
    if not checks_names(draft.language):
        flags["names_not_checked"] = None
    if not checker.reads:
        flags["statements_not_checked"] = None
    summary = Summary(
        text="",
        reason=told["reason"],
        done=told["done"],
        outcome=told["outcome"],
        key_points=(*points, *(_quote(one, draft.language) for one in quoted))[:most],
        action_items=actions,
        next_step=told["next_step"],
        evidence=tuple(_evidence(kept, quoted)),
        language=draft.language,
        template=settings.template,
        check=_in_words(kept, draft.language, checker),
        flags=tuple(flags),
    )
    return Composed(summary, _why(dropped))


# ------------------------------------------------------------------------------------------ statements


def _checked(
    checker: StatementChecker, texts: Sequence[Mapping[str, Any]], settings: SummarySettings
) -> tuple[list[_Statement], list[Checked]]:
    """What stays, and what is dropped because the call does not support it."""
    kept: list[_Statement] = []
    dropped: list[Checked] = []
    said: list[str] = []
    for piece, fields in enumerate(texts):
        for field, statement in ((name, one) for name in FIELDS for one in statements_of(str(fields.get(name) or ""))):
            if any(_alike(statement, earlier) for earlier in said):
                continue
            said.append(statement)
            checked = checker.check(statement)
            if checked.verdict is Verdict.CONTRADICTED and settings.unsupported == "drop":
                dropped.append(checked)
            else:
                kept.append(_Statement(checked, piece, _place(field, statement, piece, len(texts))))
    return kept, dropped


def _place(field: str, statement: str, piece: int, pieces: int) -> str:
    """Where a statement belongs. Of a long call the first part has the reason, the last one the outcome."""
    first, last = piece == 0, piece == pieces - 1
    if last and field != "reason" and _TO_COME & set(words(statement)):
        return "next_step"
    if (first and field in ("reason", "done")) or (last and field == "outcome"):
        return field
    return "key_points"


def _most_points(draft: Draft, settings: SummarySettings) -> int:
    """Of a call in parts, each part may have one: its matters are in no other."""
    parts = len(draft.parts)
    return max(settings.max_key_points, parts) if parts > 1 and settings.max_key_points else settings.max_key_points


def _over_the_call(points: Sequence[_Statement], most: int) -> list[_Statement]:
    """At most so many, from all parts of a long call alike, verified ones first; in their order."""
    by_piece: dict[int, list[_Statement]] = {}
    for one in sorted(points, key=lambda point: not point.verified):
        by_piece.setdefault(one.piece, []).append(one)
    rounds = itertools.zip_longest(*(by_piece[piece] for piece in sorted(by_piece)))
    chosen = [one for turn in rounds for one in turn if one is not None][:most]
    return [one for one in points if any(one is other for other in chosen)]


def as_far_as_written(answer: LLMAnswer) -> dict[str, Any]:
    """The model's fields, without the sentence in which a reply was brought to its end; empty where there is none."""
    fields = dict(answer.data or {})
    last = next((name for name in reversed(FIELDS) if str(fields.get(name) or "").strip()), None)
    if answer.cut and last is not None:
        sentences = split_sentences(str(fields[last]))
        fields[last] = " ".join(sentences if _ENDS.search(sentences[-1]) else sentences[:-1])
    return fields


def statements_of(text: str) -> Iterator[str]:
    """Whole sentences about the call: not the one that was cut, not a greeting that strayed into the text."""
    # Small models take the brackets and dots of the form shown to them for part of the answer.
    sentences = split_sentences(" ".join(text.split()).strip("() ").replace("...", ""))
    for place, sentence in enumerate(sentences):
        cut = place == len(sentences) - 1 and not _ENDS.search(sentence)
        stray = _SPOKEN_TO & set(words(sentence)) or _ABOUT_THE_CALL.search(sentence) or _TALK.search(sentence)
        if (cut and len(sentences) > 1) or stray or not content_stems(sentence, "en"):
            continue
        whole = sentence[:1].upper() + sentence[1:].rstrip(")")
        yield whole if _ENDS.search(whole) else f"{whole}."


def _alike(first: str, second: str) -> bool:
    if squeezed(first) == squeezed(second):
        return True
    left, right = set(words(first)), set(words(second))
    numbers = {word for word in left ^ right if word.isdigit()}
    return not numbers and len(left & right) >= _ALIKE * len(left | right)


# ------------------------------------------------------------------------------------------ words


def _told(statements: Iterable[_Statement], language: str | None, checker: StatementChecker) -> str:
    return " ".join(_marked(one, language, checker) for one in statements)


def _marked(one: _Statement, language: str | None, checker: StatementChecker) -> str:
    text = one.checked.text
    if one.verified or not checker.reads:
        return text
    return f"{text.rstrip('.!')} ({_NOT_VERIFIED.get(language or 'en', _NOT_VERIFIED['en'])})."


def _in_words(kept: Sequence[_Statement], language: str | None, checker: StatementChecker) -> str:
    """What the row says of the summary as a whole."""
    if not checker.reads:
        return f"not verified: statements in {language} are compared with the call by numbers, dates and names only"
    doubtful = sum(not one.verified for one in kept)
    return f"not verified: {doubtful} of {len(kept)} statements" if doubtful else "verified"


def _why(dropped: Sequence[Checked]) -> str | None:
    """What was dropped and why; the statements themselves are not quoted: reasons hold no words of a reply."""
    if not dropped:
        return None
    reasons = "; ".join(dict.fromkeys(reason for one in dropped for reason in one.reasons))
    count = "1 statement" if len(dropped) == 1 else f"{len(dropped)} statements"
    return f"{count} of the model dropped: {reasons}"


# ------------------------------------------------------------------------------------------ the call's own words


def _actions(
    draft: Draft,
    checker: StatementChecker,
    settings: SummarySettings,
    items: Sequence[Mapping[str, Any]] | None,
) -> tuple[ActionItem, ...]:
    if items is None:
        return promises_in(draft.call.transcript.believed, language_of(draft.call), settings.max_action_items)
    found: dict[str, ActionItem] = {}
    for item in items:
        what, who = " ".join(str(item.get("what") or "").split()), str(item.get("who") or "")
        when = " ".join(str(item.get("by_when") or "").split())
        if not what or checker.unsupported(what):
            continue
        found.setdefault(
            squeezed(what),
            ActionItem(
                what=what,
                who=who if who in WHO and who else None,
                by_when=when if when and not checker.unsupported(when) else None,
            ),
        )
    return tuple(found.values())[: settings.max_action_items]


def wants_model_promises(draft: Draft) -> bool:
    """Whether promises are asked of the model: the call's own lines are not read, or not in the language wanted."""
    return language_of(draft.call) not in (None, *PROMISE_LANGUAGES) or not _own_language(draft)


def _own_language(draft: Draft) -> bool:
    """Whether the summary is in the language of the call, so that the call's lines can stand in it."""
    spoken = language_of(draft.call)
    if spoken is None or draft.language is None:
        return draft.language is None  # asked for in a language, and the call's is not known: they may differ
    return spoken[:2] == draft.language[:2]


def _missing(
    draft: Draft, kept: Sequence[_Statement], actions: Sequence[ActionItem], own: Sequence[SummaryEvidence]
) -> list[SummaryEvidence]:
    """Of the call's own sentences those that no verified statement tells: figures, and parts the model left out."""
    if not _own_language(draft):
        return []
    language = language_of(draft.call)
    texts = [one.checked.text for one in kept if one.verified] + [item.what for item in actions]
    facts = SpokenFacts([_as_chunk(place, text) for place, text in enumerate(texts)], draft.language)
    told = {stem for text in texts for stem in content_stems(text, language)}
    spoken, ordinary = {word for text in texts for word in words(text)}, stop_words(language)
    verified = {_PARTS[one.field] for one in kept if one.verified}

    def is_told(one: SummaryEvidence) -> bool:
        if any(claim.kind in ("number", "date") for claim in facts.unsupported(one.text, language)):
            return False
        if one.part in (SummaryPart.REASON, SummaryPart.LINE):
            return one.part is SummaryPart.LINE or SummaryPart.REASON in verified
        if one.part is SummaryPart.DETAIL:
            # "My checking account" is not told by "checked the account".
            return set(words(one.text)) - ordinary <= spoken
        stems = set(content_stems(one.text, language))
        return len(stems & told) >= _TOLD * len(stems)

    # A detail is a question with its answer: each stands for nothing without the other.
    details = [one for one in own if one.part is SummaryPart.DETAIL]
    pairs = zip(details[::2], details[1::2], strict=False)
    wanted = [one for pair in pairs if not all(map(is_told, pair)) for one in pair]
    parts = (SummaryPart.REASON, SummaryPart.DONE, SummaryPart.OUTCOME, SummaryPart.LINE)
    wanted += [one for one in own if one.part in parts and not is_told(one)]
    return sorted(wanted, key=lambda one: (one.start_s, one.channel))


def _as_chunk(place: int, text: str) -> TranscriptChunk:
    return TranscriptChunk(
        channel=0, ordinal=place, role=Role.UNKNOWN, start_s=float(place), end_s=float(place) + 1.0, text=text
    )


def _quote(one: SummaryEvidence, language: str | None) -> str:
    """Who said it, word for word."""
    first, last = _QUOTES.get(language or "en", ("“", "”"))
    who = _SPEAKERS.get(language or "en", {}).get(one.role, one.role.value.capitalize())
    return f"{who}: {first}{as_sentence(one.text)}{last}"


def _evidence(kept: Sequence[_Statement], quoted: Sequence[SummaryEvidence]) -> Iterator[SummaryEvidence]:
    """The sentences that the statements rest on, each once, in order of time."""
    found: dict[tuple[int, int, str], SummaryEvidence] = {}
    for one in kept:
        said = one.checked.said_in
        if said is not None and one.verified:
            found.setdefault(
                (said.chunk.channel, said.chunk.ordinal, said.text), _of_chunk(_PARTS[one.field], said.text, said.chunk)
            )
    for quote in quoted:
        found.setdefault((quote.channel, quote.chunk, quote.text), quote)
    yield from sorted(found.values(), key=lambda one: (one.start_s, one.channel, one.chunk))


def _of_chunk(part: SummaryPart, text: str, chunk: TranscriptChunk) -> SummaryEvidence:
    return SummaryEvidence(
        part=part,
        text=text,
        role=chunk.role,
        start_s=chunk.start_s,
        end_s=chunk.end_s,
        channel=chunk.channel,
        chunk=chunk.ordinal,
    )
