"""What recognisers write where nobody speaks: notes in brackets, music signs, the credits of subtitles.

They learned it from subtitles. The wordings below were seen from Whisper models in silence and noise, in the languages
named; a caller never says one and nothing else.
"""

from __future__ import annotations

import re
import unicodedata

_BRACKETED = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|（[^（）]*）|【[^【】]*】|「[^「」]*」|\*[^*]+\*|<[^<>]*>|♪[^♪]*♪")
_SIGNS = re.compile(r"[♩-♯🎵🎶]")
_NOTE_WORDS = 8
"""Bracketed text with more words, or with digits, may be what somebody said."""

_BY = r"( \w+)?"
"""One word may stand between the subtitles and whoever made them."""
_CREDITS = re.compile(
    "|".join(
        (
            r"\bamara\.?\s?org\b",
            rf"^(subtitles?|subtitled|subs|caption(s|ed|ing)?|transcri(bed|pt|ption)|translat(ed|ion)){_BY} by\b",
            r"^sous[- ]?titrage( \S+){0,3}$|^sous[- ]?titr\w+.* par\b",  # French
            r"^untertitel(ung)? (von|des|der|im auftrag|durch)\b|^untertitelung\b.*\b\d{4}$",  # German
            r"^(copyright )?(ard|br|funk|mdr|ndr|rbb|swr|wdr|zdf)( \w+)? \d{4}$|^tv gelderland \d{4}$",
            rf"^subt[ií]tul(os|ado){_BY} por\b",  # Spanish
            r"^sottotitoli (e revisione )?(a cura|creati|di)\b",  # Italian
            r"^legendas? (pel[ao]|por)\b|^transcrição e legendas\b",  # Portuguese
            rf"^ondertitel(d|s|ing){_BY} (door|van)\b",  # Dutch
            r"^(danske |norske )?(under)?(tekst|text)(er|et|ing|ning)? (av|af|från|fra)\b",  # Nordic
            r"^napisy (stworzone|przez)\b|^titulky vytvořil|^altyazı m\.?\s?k",  # Polish, Czech, Turkish
            r"^субтитры (созда|сдела|дела|подогна|подготов|предостав)|^(редактор|корректор|текст) субтитр",  # Russian
            r"^ترجمة:? (نانسي قنقر|مجتمع)|^نانسي قنقر",  # Arabic
            r"字幕(由|志愿者|志願者|组|組|提供|制作|製作|视聴|視聴|by)|자막 ?(by|제작|제공)",
        )
    )
)
"""Who made the subtitles. Nothing but the subject is not enough: "Les sous-titres ne marchent pas" is a complaint."""
_ENDS_OF_VIDEOS = re.compile(
    "|".join(
        (
            r"(thank you|thanks)( so much| very much)? for (watching|listening to this video)"
            r"( (this|the|my|our) videos?)?([,.!]? (and|please|don't|i'll|see|bye)\b.*)?",
            r"(i'll |i will )?see you (guys )?in the next (video|one)\b.*|see you guys next time.*|see you next video",
            r"((and|please|remember to|don't forget to),? )*(like(,| and) )?(share,? and )?subscribe"
            r"( to (my|our|the) channel)?",
            r"merci (à tous )?d'avoir regardé( (la|cette|ma) vidéo)?|abonnez[- ]vous( à (la|ma|notre) chaîne)?"
            r"|n'oubliez pas de vous abonner.*",
            r"(vielen )?danke? für'?s (zuschauen|zusehen)|bis zum nächsten video|abonniert (den|meinen|unseren) kanal",
            r"gracias por ver( (el|este|mi) v[ií]deo)?|suscríbete( al? (mi |nuestro )?canal)?",
            r"grazie per (aver guardato|la visione)( (il|questo) video)?|iscrivetevi al (mio |nostro )?canale",
            r"obrigad[oa] por assistir( (ao?|o|este) vídeo)?|inscreva-se( no canal)?",
            r"bedankt voor het kijken|tack för att (ni|du) tittade.*",
            r"takk for at (dere|du) så på.*|tak fordi (i|du) så med",
            r"dzięk(uję|i) za oglądanie|děkuj[ei]( vám)? za (pozornost a )?sledování.*",
            r"izlediğiniz için teşekkür(ler| ederim| ederiz)|abone ol(un|mayı unutmayın)?",
            r"спасибо за просмотр|подписывайтесь на (мой |наш )?канал|продолжение следует",
            r"شكرا( لكم| لك)? (للمشاهدة|على المشاهدة|على مشاهدتكم)|(لا تنسوا )?(ال)?اشت(ركوا|راك) في القناة",
            r".*(ご視聴|ご清聴)(いただき|頂き)?(、|まして)?ありがとう.*|チャンネル登録(.{0,8}(お願い|よろしく).*)?",
            r"(谢谢|感谢|謝謝|感謝)(大家|您)?的?(观看|收看|觀看)|[请請]不吝[点點][赞贊].*|[优優]{2}独?[獨独]播[剧劇][场場].*",
            r".*시청해 ?주셔서 감사.*|다음 영상에서 (만나요|뵙겠습니다)|구독(과|,)? ?좋아요.*",
        )
    )
)
"""How videos end, and nothing beside it: "Thanks for watching my dog" is said on the telephone, too."""


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
    if len(text.split()) > 2 * _NOTE_WORDS:
        return False
    plain = unicodedata.normalize("NFC", text.casefold().replace("’", "'"))
    bare = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")  # Arabic vowel signs, for one
    bare = bare.strip(" .!¡¿?…-–—\"'“”«»。！")
    return _CREDITS.search(bare) is not None or _ENDS_OF_VIDEOS.fullmatch(bare) is not None


def _says(inside: str) -> bool:
    return any(letter.isdigit() for letter in inside) or len(inside.split()) > _NOTE_WORDS
