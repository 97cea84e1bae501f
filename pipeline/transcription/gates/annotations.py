"""What recognisers write where nobody speaks: notes in brackets, music signs, the credits of subtitles.

They learned it from subtitles. The wordings below were seen from Whisper models in silence and noise, in the languages
named; a caller never says one and nothing else.
"""

from __future__ import annotations

import re

_BRACKETED = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|（[^（）]*）|【[^【】]*】|「[^「」]*」|\*[^*]+\*|<[^<>]*>|♪[^♪]*♪")
_SIGNS = re.compile(r"[♩-♯🎵🎶]")
_NOTE_WORDS = 8
"""Bracketed text with more words, or with digits, may be what somebody said."""

_CREDITS = re.compile(
    "|".join(
        (
            r"\bamara\.?\s?org\b",
            r"^(sub)?titles?\b.* by\b|^(sub)?titled by\b|^caption(s|ed|ing)? (by|provided)\b|^transcri(bed|ption) by\b",
            r"^(thank you|thanks)( so much| very much)? for (watching|listening to this video)",
            r"^(i'll |i will )?see you (guys )?(in the next|next) (video|time)",
            r"(like and subscribe|subscribe to (my|our|the) channel|don't forget to subscribe|please subscribe)",
            r"^(sous-titr\w+|sous titr\w+)\b|^merci d'avoir regardé|abonnez-vous",  # French
            r"^untertitel\w*\b|^vielen dank fürs zuschauen|^copyright \w+ \d{4}",  # German
            r"^subtítulos\b|^subtitulado\b|gracias por ver( el video)?\W*$|suscríbete",  # Spanish
            r"^sottotitoli\b|^legendas?\b|^obrigad[oa] por assistir|^ondertitel\w*\b|^napisy\b|^altyazı\b",
            r"^(текст|редактор|корректор) субтитр|^субтитры\b|^продолжение следует|^спасибо за просмотр",  # Russian
            r"^ترجمة\b|^اشتركوا في القناة|^شكرا (لكم )?(على|للمشاهدة)|^نانسي قنقر",  # Arabic
            r"字幕|ご視聴ありがとう|谢谢观看|請不吝點贊|请不吝点赞|시청해주셔서 감사합니다|구독",
        )
    ),
    re.IGNORECASE,
)


def notes(text: str) -> list[tuple[int, int]]:
    """Where its bracketed notes and music signs stand: first character, and the one after the last."""
    bracketed = [match.span() for match in _BRACKETED.finditer(text) if not _says(match[0][1:-1])]
    return sorted([*bracketed, *(match.span() for match in _SIGNS.finditer(text))])


def without_notes(text: str) -> str:
    """The text without its notes, single spaces. Speech in brackets stays."""
    letters = list(text)
    for first, last in notes(text):
        letters[first:last] = " " * (last - first)
    return " ".join("".join(letters).split())


def is_credit(text: str) -> bool:
    """Whether a text without notes is the credit of a subtitle, or the end of a video, and nothing else."""
    return _CREDITS.search(text.strip(" .!¡¿?…-–—\"'“”«»")) is not None and len(text.split()) <= 2 * _NOTE_WORDS


def _says(inside: str) -> bool:
    return any(letter.isdigit() for letter in inside) or len(inside.split()) > _NOTE_WORDS
