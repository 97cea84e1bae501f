"""A model's text becomes a summary: statements checked one by one, completed by the call's own words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from analysis.calls import language_of
from analysis.encoder.vectors import SentenceEncoder
from analysis.injection.sifting import Sifted
from analysis.llm.provider import LLMAnswer
from analysis.records import ActionItem, Summary, SummaryEvidence, SummaryPart
from analysis.summary.checking import Checked, StatementChecker
from analysis.summary.drafts import FIELDS, WHO, Draft
from analysis.summary.names import checks_names
from analysis.summary.own_words import Told, answers, quoted, untold
from analysis.summary.promises import promises_in
from analysis.summary.reading.substance import Substance
from analysis.summary.reading.wording import LANGUAGES as PROMISE_LANGUAGES
from analysis.summary.support.verdict import Verdict
from analysis.summary.support.wording import word_set
from analysis.text import content_stems, split_sentences, squeezed, words
from pipeline.config.areas.language import SummarySettings
from pipeline.records import ORDERS_FLAG, Role, TranscriptChunk

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
_ALIKE = 0.8
"""Share of common words from which two statements say the same."""
_NOT_VERIFIED = {"en": "not verified", "fr": "non vérifié", "de": "nicht geprüft", "es": "no verificado"}
_PARTS = {
    "reason": SummaryPart.REASON,
    "done": SummaryPart.DONE,
    "outcome": SummaryPart.OUTCOME,
    "next_step": SummaryPart.PROMISE,
    "key_points": SummaryPart.LINE,
}
_STANDS_FOR = {
    "reason": (SummaryPart.REASON,),
    "done": (SummaryPart.DONE,),
    "outcome": (SummaryPart.OUTCOME,),
    "next_step": (SummaryPart.OPEN,),
}
"""Which of the call's own sentences tell what a field tells."""
_REPEATED = "it only repeats what was said"
_MOST_IN_POINT = 2
"""Statements about one part of a long call."""


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of a model's text."""

    summary: Summary | None
    """Without its text; None when nothing of it is supported."""
    note: str | None
    """What was wrong with it."""
    orders: bool = False
    """Whether some of it rests on words alone that may be meant for whoever sums the call up."""


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
    own: Sequence[Sequence[SummaryEvidence]] = (),
    sifted: Sifted | None = None,
    substance: Substance | None = None,
) -> Composed:
    """
    Args:
        own: for each part of the draft the sentences by which it is summed up without a model. They stand where the
            model told nothing that is verified.
        texts: the model's fields, for each part of the draft, in order.
        items: promises a model listed; None for those that the call's own lines hold.
        sifted: tells what may be meant for whoever sums the call up.
        substance: of an encoder that knows the call's language, by which promises are told in its own lines.
    """
    checker = StatementChecker(draft.call, draft.language, encoder, sifted)
    of_parts = [checker.within(chunks) for chunks in draft.chunks] if len(draft.parts) > 1 else []
    kept, dropped = _checked(checker, of_parts, texts, settings)
    orders = any(ORDERS_FLAG in checked.flags for checked in (*dropped, *(statement.checked for statement in kept)))
    sentences = _Own(own if _own_language(draft) else ())
    standing = [
        statement
        for statement in kept
        if statement.verified or settings.unsupported == "flag" or not sentences.instead_of(statement)
    ]
    doubtful = [statement.checked for statement in kept if not any(statement is other for other in standing)]
    if not standing or (doubtful and not any(statement.verified for statement in standing)):
        why = _why(dropped, doubtful) or "it says nothing about the call"
        return Composed(None, why, orders)
    actions = _actions(draft, checker, settings, items, substance)
    language = draft.language
    said = _said([statement for statement in standing if statement.verified], actions, language_of(draft.call))
    quotes = {name: untold(sentences.of_field(name), said) for name in ("reason", "done", "outcome", "next_step")}
    mark = partial(_marked, language=language, checker=checker)
    marked = {name: [mark(statement) for statement in standing if statement.field == name] for name in quotes}
    told = {name: " ".join(filter(None, (*marked[name], quoted(quotes[name], language)))) or None for name in quotes}
    if told["outcome"] is None and sentences.of_field("outcome"):
        told["outcome"], told["done"] = told["done"], None  # what was done is how it ended
    points, further = _points(draft, standing, sentences, said, most=_most(settings.max_key_points, draft), mark=mark)
    summary = Summary(
        text="",
        reason=told["reason"],
        done=told["done"],
        outcome=told["outcome"],
        key_points=points,
        action_items=actions,
        next_step=told["next_step"],
        evidence=tuple(_evidence(standing, [*(sentence for quote in quotes.values() for sentence in quote), *further])),
        language=language,
        template=settings.template,
        check=_in_words(standing, language, checker),
        flags=_flags([*dropped, *doubtful, *(statement.checked for statement in standing)], language, checker),
    )
    return Composed(summary, _why(dropped, doubtful), orders)


def _said(verified: Sequence[_Statement], promised: Sequence[ActionItem], language: str | None) -> Told:
    return Told(
        statements=[statement.checked.text for statement in verified],
        promises=[item.what for item in promised],
        parts={_PARTS[statement.field] for statement in verified},
        language=language,
    )


def _flags(checked: Sequence[Checked], language: str | None, checker: StatementChecker) -> tuple[str, ...]:
    flags = dict.fromkeys(flag for statement in checked for flag in statement.flags)
    if not checks_names(language):
        flags["names_not_checked"] = None
    if not checker.reads:
        flags["statements_not_checked"] = None
    return tuple(flags)


@dataclass(frozen=True, slots=True)
class _Own:
    """The call's own sentences that sum up each of its parts; none where they cannot stand in the summary."""

    by_piece: Sequence[Sequence[SummaryEvidence]]

    def of_field(self, field: str) -> list[SummaryEvidence]:
        """Of a long call the first part has the reason, the last one the outcome and what is open."""
        if not self.by_piece:
            return []
        where = self.by_piece[0 if field in ("reason", "done") else -1]
        return [sentence for sentence in where if sentence.part in _STANDS_FOR[field]]

    def instead_of(self, statement: _Statement) -> bool:
        """Whether own sentences tell what this one would."""
        if statement.field == "key_points":
            return bool(self.by_piece and self.by_piece[statement.piece])
        also = "outcome" if statement.field in ("done", "next_step") else statement.field
        return bool(self.of_field(statement.field) or self.of_field(also))


def _points(
    draft: Draft,
    standing: Sequence[_Statement],
    own: _Own,
    said: Told,
    *,
    most: int,
    mark: Callable[[_Statement], str],
) -> tuple[tuple[str, ...], list[SummaryEvidence]]:
    """Details and lines of a short call; of a long one a point for each part. With the sentences that are quoted."""
    language = draft.language
    if len(draft.parts) == 1:
        left = untold(own.by_piece[0], said) if own.by_piece else []
        details = [sentence for sentence in left if sentence.part is SummaryPart.DETAIL]
        lines = [sentence for sentence in left if sentence.part is SummaryPart.LINE]
        points = [*answers(details, language), *(quoted([sentence], language) for sentence in lines)]
        return tuple(points[:most]), [*details, *lines]
    points, further = [], []
    for piece in range(len(draft.parts)):
        told = [statement for statement in standing if statement.field == "key_points" and statement.piece == piece]
        told.sort(key=lambda statement: not statement.verified)
        texts = [mark(statement) for statement in told[:_MOST_IN_POINT]]
        if not texts and own.by_piece:
            stand = _shortest_account(own.by_piece[piece], said, first=piece == 0, last=piece == len(draft.parts) - 1)
            further += stand
            texts = [quoted(stand, language)] if stand else []
        if texts:
            points.append(f"{_clock(draft, piece)} {' '.join(texts)}")
    return tuple(points[:most]), further if most else []


def _most(most: int, draft: Draft) -> int:
    """Of a call in parts one for each part, if that is more: its matters are in no other."""
    return max(most, len(draft.parts)) if most and len(draft.parts) > 1 else most


def _shortest_account(own: Sequence[SummaryEvidence], said: Told, *, first: bool, last: bool) -> list[SummaryEvidence]:
    """What a part of a long call is about and what came of it, as far as reason and outcome do not tell."""
    parts = [part for part, elsewhere in ((SummaryPart.REASON, first), (SummaryPart.OUTCOME, last)) if not elsewhere]
    firsts = [next((sentence for sentence in own if sentence.part is part), None) for part in parts]
    chosen = [sentence for sentence in firsts if sentence is not None]
    if not any(sentence.part in (SummaryPart.REASON, SummaryPart.OUTCOME) for sentence in own):
        return list(own[:1])  # where parts are not told apart
    return untold(chosen, replace(said, parts=()))


def _clock(draft: Draft, piece: int) -> str:
    """When the part begins, as a player shows it."""
    minutes, seconds = divmod(int(draft.chunks[piece][0].start_s), 60)
    return f"{minutes}:{seconds:02}"


# ------------------------------------------------------------------------------------------ statements


def _checked(
    checker: StatementChecker,
    of_parts: Sequence[StatementChecker],
    texts: Sequence[Mapping[str, Any]],
    settings: SummarySettings,
) -> tuple[list[_Statement], list[Checked]]:
    """What stays, and what is dropped because the call does not support it.

    Args:
        of_parts: checkers of the parts of a long call. The model saw one part: what another says vouches for nothing.
    """
    kept: list[_Statement] = []
    dropped: list[Checked] = []
    said: list[str] = []
    for piece, fields in enumerate(texts):
        for name in FIELDS:
            for number, statement in enumerate(statements_of(str(fields.get(name) or ""))):
                if any(_alike(statement, earlier) for earlier in said):
                    continue
                said.append(statement)
                checked = checker.check(statement)
                in_part = of_parts[piece].check(statement) if of_parts else checked
                if checked.verdict is Verdict.SUPPORTED and in_part.verdict is not Verdict.SUPPORTED:
                    checked = replace(in_part, verdict=Verdict.NOT_VERIFIED, subject=checked.subject)
                if checked.verdict is not Verdict.CONTRADICTED and checker.repeats(statement):
                    # No account of the call: whoever speaks could dictate it. What is quoted is chosen without a model.
                    checked = replace(checked, verdict=Verdict.CONTRADICTED, reasons=(_REPEATED,))
                # The first sentence tells why; what the agent did after that is no reason.
                field = "done" if name == "reason" and number and checked.subject is Role.AGENT else name
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
    for index, sentence in enumerate(sentences):
        cut = index == len(sentences) - 1 and not _ENDS.search(sentence)
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


def _marked(statement: _Statement, language: str | None, checker: StatementChecker) -> str:
    text = statement.checked.text
    if statement.verified or not checker.reads:
        return text
    return f"{text.rstrip('.!')} ({_NOT_VERIFIED.get(language or 'en', _NOT_VERIFIED['en'])})."


def _in_words(kept: Sequence[_Statement], language: str | None, checker: StatementChecker) -> str:
    """What the row says of the summary as a whole."""
    if not checker.reads:
        return f"not verified: statements in {language} are compared with the call by numbers, dates and names only"
    doubtful = sum(not statement.verified for statement in kept)
    return f"not verified: {doubtful} of {len(kept)} statements" if doubtful else "verified"


def _why(dropped: Sequence[Checked], doubtful: Sequence[Checked]) -> str | None:
    """What does not stand and why; the statements themselves are not quoted: reasons hold no words of a reply."""
    told = []
    if dropped:
        reasons = "; ".join(dict.fromkeys(reason for statement in dropped for reason in statement.reasons))
        told.append(f"{_counted(dropped)} of the model dropped: {reasons}")
    if doubtful:
        told.append(f"{_counted(doubtful)} not verified: the call's own sentences stand instead")
    return "; ".join(told) or None


def _counted(statements: Sequence[Checked]) -> str:
    return "1 statement" if len(statements) == 1 else f"{len(statements)} statements"


# ------------------------------------------------------------------------------------------ the call's own words


def _actions(
    draft: Draft,
    checker: StatementChecker,
    settings: SummarySettings,
    items: Sequence[Mapping[str, Any]] | None,
    substance: Substance | None,
) -> tuple[ActionItem, ...]:
    most = _most(settings.max_action_items, draft)
    if items is None:
        return promises_in(draft.call.transcript.believed, language_of(draft.call), most, substance)
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
    return tuple(found.values())[:most]


def wants_model_promises(draft: Draft) -> bool:
    """Whether promises are asked of the model: the call's own lines are not read, or not in the language wanted."""
    return language_of(draft.call) not in (None, *PROMISE_LANGUAGES) or not _own_language(draft)


def _own_language(draft: Draft) -> bool:
    """Whether the summary is in the language of the call, so that the call's lines can stand in it."""
    spoken = language_of(draft.call)
    if spoken is None or draft.language is None:
        return draft.language is None  # asked for in a language, and the call's is not known: they may differ
    return spoken[:2] == draft.language[:2]


def _evidence(kept: Sequence[_Statement], quoted: Sequence[SummaryEvidence]) -> Iterator[SummaryEvidence]:
    """The sentences that the statements rest on, each once, in order of time."""
    found: dict[tuple[int, int, str], SummaryEvidence] = {}
    for statement in kept:
        said = statement.checked.said_in
        if said is not None and statement.verified:
            found.setdefault(
                (said.chunk.channel, said.chunk.ordinal, said.text),
                _of_chunk(_PARTS[statement.field], said.text, said.chunk),
            )
    for quote in quoted:
        found.setdefault((quote.channel, quote.chunk, quote.text), quote)
    yield from sorted(found.values(), key=lambda evidence: (evidence.start_s, evidence.channel, evidence.chunk))


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
