"""The trust gates: reasons not to believe a segment's text. Pure functions, one per gate."""

from __future__ import annotations

import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import cycle

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.transcription.engine import SegmentRequest, SegmentResult
from pipeline.transcription.gates.activity import Activity
from pipeline.transcription.gates.annotations import is_credit, without_notes
from pipeline.transcription.text.vocabulary import context_terms

_LONGEST_PHRASE = 12
_CARD_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a gate judges."""

    request: SegmentRequest
    result: SegmentResult
    activity: Activity
    words: tuple[str, ...]
    """Without case and punctuation."""
    low_confidence: float | None = None
    """Of the engine, see `EngineDescription`."""

    @property
    def language(self) -> str | None:
        return self.request.language or self.result.language


Gate = Callable[[Heard, TrustGateSettings], bool]


def heard(
    request: SegmentRequest, result: SegmentResult, activity: Activity, low_confidence: float | None = None
) -> Heard:
    return Heard(
        request=request,
        result=result,
        activity=activity,
        words=plain_words(result.text),
        low_confidence=low_confidence,
    )


def suspicions(case: Heard, settings: TrustGateSettings) -> tuple[str, ...]:
    """Names of the gates that fire, in the order of GATES."""
    return tuple(name for name, gate in GATES.items() if gate(case, settings))


def speech_without_text(case: Heard, settings: TrustGateSettings) -> bool:
    """Energy that comes and goes as in speech, but no words."""
    activity = case.activity
    return (
        not case.words
        and activity.active_s >= settings.speech_without_text_min_s
        and activity.dynamics_db >= settings.min_dynamics_db
    )


def text_without_speech(case: Heard, settings: TrustGateSettings) -> bool:
    """Words, but no energy at all or only steady noise."""
    activity = case.activity
    return bool(case.words) and (
        activity.loudest_dbfs < settings.silence_dbfs or activity.dynamics_db < settings.min_dynamics_db
    )


def annotation(case: Heard, settings: TrustGateSettings) -> bool:  # noqa: ARG001 - one signature for all
    """Nothing but notes in brackets, music signs or a subtitle's credits."""
    text = case.result.text
    said = without_notes(text)
    return bool(text.strip()) and (not plain_words(said) or is_credit(said))


def low_confidence(case: Heard, settings: TrustGateSettings) -> bool:  # noqa: ARG001 - one signature for all
    """Words the engine itself hardly believes."""
    limit, confidence = case.low_confidence, case.result.confidence
    return limit is not None and bool(case.words) and confidence is not None and confidence < limit


def context_echo(case: Heard, settings: TrustGateSettings) -> bool:
    """Hardly anything but terms of the context, several different ones: the model repeats its prompt."""
    terms = [plain_words(term) for term in context_terms(case.request.context)]
    if not case.words or not terms:
        return False
    covered = [False] * len(case.words)
    seen: set[tuple[str, ...]] = set()
    for term in filter(None, terms):
        for begin in range(len(case.words) - len(term) + 1):
            if case.words[begin : begin + len(term)] == term:
                covered[begin : begin + len(term)] = [True] * len(term)
                seen.add(term)
    return len(seen) >= settings.echo_min_terms and sum(covered) >= settings.echo_share * len(case.words)


def loop(case: Heard, settings: TrustGateSettings) -> bool:
    """A word or phrase again and again, or a text that compresses as speech does not.

    Digits may repeat as often as a card has them.
    """
    numerals = _numerals(case.language)
    said = tuple(word for word in case.words if not (word.isdigit() or word in numerals))
    if _longest_run(case.words, 1) > max(settings.max_repeats, _CARD_DIGITS):
        return True
    text = case.result.text if len(said) == len(case.words) else " ".join(said)
    if len(text) >= settings.compression_min_chars:
        raw = _byte_per_character(text)
        if len(raw) / len(zlib.compress(raw)) > settings.max_compression_ratio:
            return True
    units = said if len(case.words) > 1 else tuple(case.words[0]) if case.words else ()
    for size in range(1, min(_LONGEST_PHRASE, len(units) // 2) + 1):
        limit = settings.max_repeats if size == 1 else settings.max_phrase_repeats
        if _longest_run(units, size) > limit:
            return True
    return False


def truncation(case: Heard, settings: TrustGateSettings) -> bool:
    """The engine says it was cut short, speech goes on after the last word, or far too few words for the speech."""
    if "decode_truncated" in case.result.flags:
        return True
    activity = case.activity
    if not case.words or activity.dynamics_db < settings.min_dynamics_db:
        return False
    if case.result.words and activity.tail_after(case.result.words[-1].end_s) > settings.truncation_tail_s:
        return True
    letters = sum(len(word) for word in case.words)
    units = max(len(case.words), letters / 5)  # scripts without spaces: five letters stand for a word
    return (
        activity.active_s >= settings.truncation_min_s
        and units / activity.active_s < settings.truncation_min_words_per_s
    )


def words_per_second(case: Heard, settings: TrustGateSettings) -> bool:
    """More words or letters than anyone can say in the time."""
    seconds = case.activity.duration_s + settings.rate_grace_s
    letters = sum(len(word) for word in case.words)
    return len(case.words) > settings.max_words_per_s * seconds or letters > settings.max_letters_per_s * seconds


def wrong_script(case: Heard, settings: TrustGateSettings) -> bool:
    """Letters of a script the language is not written in; where the language is not known, of several scripts."""
    letters = [c for c in case.result.text if c.isalpha()]
    if len(letters) < settings.wrong_script_min_letters:
        return False
    if case.language is None:
        scripts = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
        return scripts.most_common(1)[0][1] < (1 - settings.mixed_script_share) * len(letters)
    allowed = settings.scripts.get(case.language, ("LATIN",))
    foreign = sum(1 for letter in letters if not unicodedata.name(letter, "").startswith(allowed))
    return foreign > settings.wrong_script_share * len(letters)


GATES: Mapping[str, Gate] = {
    "speech_without_text": speech_without_text,
    "text_without_speech": text_without_speech,
    "annotation": annotation,
    "low_confidence": low_confidence,
    "context_echo": context_echo,
    "loop": loop,
    "truncation": truncation,
    "words_per_second": words_per_second,
    "wrong_script": wrong_script,
}


def plain_words(text: str) -> tuple[str, ...]:
    """Lower case, letters and digits only."""
    bare = ("".join(c for c in word.casefold() if c.isalnum()) for word in text.split())
    return tuple(word for word in bare if word)


@cache
def _numerals(language: str | None) -> frozenset[str]:
    """The words for the digits; English ones where the language has none in num2words."""
    from num2words import num2words  # type: ignore[import-untyped]

    try:
        words = [num2words(digit, lang=language or "en") for digit in range(10)]
    except NotImplementedError:
        words = [num2words(digit, lang="en") for digit in range(10)]
    return frozenset(word for text in words for word in plain_words(text)) | {"oh"}


def _byte_per_character(text: str) -> bytes:
    """Each character as one byte, as in Latin script, so that one limit serves all scripts.

    UTF-8 has three bytes for a letter of Devanagari, two of them always alike: plain speech would look repetitive.
    When all free bytes are used, characters share them; a text of that many different characters is no loop.
    """
    present = set(text)
    free = [code for code in range(256) if chr(code) not in present] or [0]
    others = (letter for letter in dict.fromkeys(text) if ord(letter) > 255)
    codes = dict(zip(others, cycle(free), strict=False))
    return bytes(codes.get(letter, ord(letter)) for letter in text)


def _longest_run(units: tuple[str, ...], size: int) -> int:
    """The most times in a row that any phrase of `size` units is said."""
    longest = matching = 0
    for index in range(size, len(units)):
        matching = matching + 1 if units[index] == units[index - size] else 0
        longest = max(longest, matching // size + 1)
    return longest
