"""What recognisers write where nobody speaks, told from what people say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.transcription.engine import SegmentResult
from pipeline.transcription.gates.activity import measure
from pipeline.transcription.gates.annotations import without_notes
from pipeline.transcription.gates.trust import annotation, heard
from tests.pipeline.transcription.fakes import babble, request

NOT_SPEECH = (
    "[Music]", "(keyboard clicking)", "*sighs*", "♫", "♪ la la ♪", "[BLANK_AUDIO] [BLANK_AUDIO]", "（笑）",
    "Thanks for watching!", "Thank you for watching.", "I'll see you in the next video.",
    "Please subscribe to my channel.",
    "Subtitles by SteamTeamExtra", "Captions provided by a volunteer", "Transcription by CastingWords",
    "Sous-titrage Société Radio-Canada", "Sous-titres réalisés par la communauté d'Amara.org",
    "Merci d'avoir regardé !",
    "Untertitel der Amara.org-Community", "Untertitelung im Auftrag des ZDF, 2021", "Vielen Dank fürs Zuschauen!",
    "Subtítulos realizados por la comunidad de Amara.org", "¡Suscríbete!", "Sottotitoli creati dalla comunità",
    "Legendas pela comunidade", "Субтитры сделал DimaTorzok", "Продолжение следует...", "ترجمة نانسي قنقر",
    "اشتركوا في القناة", "ご視聴ありがとうございました", "字幕由Amara.org社区提供", "시청해주셔서 감사합니다",
    "Thanks for watching, I'll see you in the next one.", "Please like and subscribe.", "Translated by Anna",
    "Sous-titrage ST' 501", "N'oubliez pas de vous abonner", "Danke fürs Zuschauen.", "SWR 2021", "Gracias por ver.",
    "Grazie per aver guardato il video", "Transcrição e Legendas Pedro Negri", "Bedankt voor het kijken",
    "Danske tekster af Jesper Buhl", "Dziękuję za oglądanie", "İzlediğiniz için teşekkür ederim",
    "شكراً على المشاهدة", "最後までご視聴頂きありがとうございます", "感谢观看", "한글자막 by 한효정",
)  # fmt: skip
SPEECH = (
    "Thank you for calling.", "Thank you. Bye.", "Thanks for waiting, I am watching your order now.",
    "I watched the video you sent me.", "I have subscribed to the premium package.", "How do I subscribe?",
    "My number is (555) 123 4567.", "Vielen Dank für Ihren Anruf.", "Merci d'avoir appelé.", "Gracias por llamar.",
    "شكرا لك على الاتصال", "Спасибо за звонок", "The title of the subtitle setting is wrong on my TV.",
    "[I said that I want my money back and I want it now please]", "See you on Monday.",
    "Bitte die Untertitel einschalten.",
    "Titles are sent by mail.", "See you next time.", "Thanks for watching my dog.", "Please subscribe me to the list.",
    "Transcripts were sent by the university.", "Sous-titres, ça ne marche pas sur ma télé.",
    "Merci d'avoir regardé ça pour moi.", "Abonnez-vous mon fils aussi ?", "Subtítulos no aparecen en mi televisor.",
    "Gracias por ver mi caso.", "Untertitel fehlen seit gestern.", "Legendas não aparecem na minha TV.",
    "Субтитры не показываются на телевизоре.", "Продолжение следует из договора.", "شكرا على المساعدة",
    "شكرا لكم على الانتظار", "ترجمة العقد ما وصلتني بعد", "テレビの字幕を消したいです。", "字幕显示不出来怎么办",
    "구독 취소하고 싶어요", "구독을 해지해 주세요",
)  # fmt: skip


def fires(text: str) -> bool:
    asked = request(babble(2))
    result = SegmentResult(key="k", text=text, language=None)
    return annotation(heard(asked, result, measure(asked.samples, TrustGateSettings())), TrustGateSettings())


@pytest.mark.parametrize("text", NOT_SPEECH)
def test_notes_music_signs_and_credits_are_no_speech(text: str) -> None:
    assert fires(text)


@pytest.mark.parametrize("text", SPEECH)
def test_what_callers_say_is_speech(text: str) -> None:
    assert not fires(text)


def test_the_cases_of_the_reference_data_are_no_speech(pytestconfig: pytest.Config) -> None:
    path = Path(str(pytestconfig.getoption("--data"))) / "cases" / "annotations.json"
    if not path.is_file():
        pytest.skip(f"no reference data at {path}")
    assert all(fires(text) for text in json.loads(path.read_text(encoding="utf-8"))["not_speech"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[laughs] yes, please", "yes, please"),
        ("yes ♪ please", "yes please"),
        ("call (555) 123", "call (555) 123"),
        ("so it is", "so it is"),
        ("*sighs* no", "no"),
    ],
)
def test_notes_beside_words_are_taken_out(text: str, left: str) -> None:
    assert without_notes(text) == left
