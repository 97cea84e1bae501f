"""Each gate fires on a case made for it, and is quiet on what people really said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import soxr

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ, Word
from pipeline.transcription.engine import Samples, SegmentResult
from pipeline.transcription.gates.activity import Activity, measure, quiet_cut
from pipeline.transcription.gates.annotations import without_notes
from pipeline.transcription.gates.trust import GATES, heard, suspicions
from tests.pipeline.transcription.fakes import babble, hiss, request, silence

SETTINGS = TrustGateSettings()
CONTEXT = "Visa, debit card, Harper Valley National Bank, branch, routing number, password, transfer"
SENTENCE = "i would like to order a new debit card please because i lost the old one on the train this morning"


def _fired(
    samples: Samples,
    text: str,
    language: str | None = "en",
    *,
    words: tuple[Word, ...] | None = None,
    flags: tuple[str, ...] = (),
    context: str = CONTEXT,
    confidence: float | None = None,
) -> tuple[str, ...]:
    result = SegmentResult(key="k", text=text, language=language, words=words, confidence=confidence, flags=flags)
    case = heard(request(samples, language=language, context=context), result, measure(samples, SETTINGS), 0.5)
    return suspicions(case, SETTINGS)


def _last_word(end_s: float) -> tuple[Word, ...]:
    return (Word(text="x", start_s=end_s - 0.2, end_s=end_s),)


CASES = [
    ("speech_without_text", {"samples": babble(4), "text": ""}),
    ("speech_without_text", {"samples": babble(4), "text": " … !"}),
    ("text_without_speech", {"samples": silence(4), "text": "thank you for watching"}),
    ("text_without_speech", {"samples": hiss(4), "text": "thank you for watching"}),
    ("text_without_speech", {"samples": hiss(4, level=0.0003), "text": "thank you"}),
    ("annotation", {"samples": babble(4), "text": "(upbeat music)"}),
    ("low_confidence", {"samples": babble(4), "text": "so it is", "confidence": 0.49}),
    ("context_echo", {"samples": babble(6), "text": "Visa, debit card, Harper Valley National Bank, branch"}),
    ("context_echo", {"samples": babble(6), "text": "debit card branch routing number and password"}),
    ("loop", {"samples": babble(20), "text": "no no no no no no no no"}),
    ("loop", {"samples": babble(20), "text": "and then I said " * 6}),
    ("loop", {"samples": babble(20), "text": "مرحبا بكم في البنك " * 6, "language": "ar"}),
    ("loop", {"samples": babble(20), "text": "谢谢谢谢谢谢谢谢谢谢", "language": "zh"}),
    ("truncation", {"samples": babble(6), "text": "i would like to", "flags": ("decode_truncated",)}),
    ("truncation", {"samples": babble(25), "text": "i would"}),
    ("truncation", {"samples": babble(14), "text": SENTENCE[:30], "words": _last_word(3.0)}),
    ("words_per_second", {"samples": babble(1), "text": SENTENCE}),
    (
        "words_per_second",
        {"samples": babble(1), "text": "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"},
    ),
    ("wrong_script", {"samples": babble(4), "text": "спасибо за просмотр"}),
    ("wrong_script", {"samples": babble(4), "text": "thank you very much", "language": "ar"}),
    ("wrong_script", {"samples": babble(4), "text": "谢谢观看 谢谢", "language": "fr"}),
]


HINDI_CALL = (
    "जी सर, मैं आपकी शिकायत दर्ज कर रहा हूँ। आपकी शिकायत का नंबर मैं आपको अभी बता रहा हूँ, कृपया आप नंबर लिख लीजिए। "
    "आपके खाते में पैसे सात दिन के अंदर वापस आ जाएंगे। अगर सात दिन के अंदर पैसे वापस नहीं आते हैं तो आप हमें वापस कॉल "
    "कर सकते हैं। क्या मैं आपकी और कोई सहायता कर सकता हूँ? जी नहीं, धन्यवाद।"
)
ARABIC_CALL = (
    "مرحبا بكم في خدمة الزبناء، كيف يمكنني مساعدتكم اليوم؟ أريد أن أسأل عن بطاقتي البنكية التي ضاعت مني في القطار أمس، "
    "ولم تصلني بعد البطاقة الجديدة. من فضلكم أعطوني رقم الحساب وتاريخ الازدياد لأتحقق من الطلب."
)
CHINESE_CALL = (
    "您好，这里是银行客服中心，请问有什么可以帮您？我的银行卡昨天在火车上丢了，想挂失。好的，请您提供一下身份证号码和姓名。"
    "您的卡已经挂失成功，新卡会在七个工作日内寄到您的地址，请问还有其他问题吗？没有了，谢谢您的帮助。"
)


@pytest.mark.parametrize(
    ("text", "language"),
    [(HINDI_CALL, "hi"), (ARABIC_CALL, "ar"), (CHINESE_CALL, "zh"), (SENTENCE * 2, "en")],
    ids=["Hindi", "Arabic", "Chinese", "English, said twice"],
)
def test_plain_speech_is_no_loop_in_any_script(text: str, language: str) -> None:
    assert _fired(babble(25), text, language) == ()


@pytest.mark.parametrize(
    ("phrase", "language"),
    [
        ("please hold on for a moment while i look up the balance of your account for you today ", "en"),
        ("वापस कॉल करने के लिए आपका बहुत बहुत धन्यवाद और आपका आज का दिन बहुत शुभ हो हमारे साथ ", "hi"),
        ("يرجى الانتظار لحظة من فضلكم بينما أتحقق لكم من رصيد حسابكم الجاري في البنك اليوم ", "ar"),
        ("请您稍等一下我现在就帮您查询一下您的账户余额好吗", "zh"),
    ],
)
def test_a_long_phrase_said_four_times_is_a_loop_in_any_script(phrase: str, language: str) -> None:
    assert len(phrase.split()) in {1, *range(13, 30)}, "too long for the counting of phrases: only zlib can tell"
    assert _fired(babble(28), phrase * 4, language) == ("loop",)


def test_more_letters_than_there_are_bytes_are_measured_all_the_same() -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    everything = "".join(map(chr, range(256))) + many
    assert "loop" not in _fired(babble(25), many, "zh")
    assert "loop" not in _fired(babble(25), everything, "zh")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("my card is four one one one one one one one one one one one one one one one", "en"),
        ("five one zero five one zero five one zero five one zero five one zero", "en"),
        ("4111 1111 1111 1111", "en"),
        ("meine Nummer ist null null null null null null null null sieben", "de"),
        ("je répète zéro zéro zéro zéro zéro zéro zéro zéro deux", "fr"),
    ],
)
def test_digits_dictated_are_no_loop(text: str, language: str) -> None:
    assert _fired(babble(14), text, language) == ()


def test_a_digit_said_more_often_than_a_card_has_any_is_a_loop() -> None:
    assert "loop" in _fired(babble(14), "one " * 17)


@pytest.mark.parametrize(("gate", "case"), CASES)
def test_fires_on_a_case_made_for_it(gate: str, case: dict[str, object]) -> None:
    assert gate in _fired(**case)  # type: ignore[arg-type]


def test_every_gate_has_a_case() -> None:
    assert {gate for gate, _ in CASES} == set(GATES)


@pytest.mark.parametrize(
    ("samples", "text", "language"),
    [
        (silence(3), "", "en"),
        (hiss(3), "", "en"),
        (babble(0.6), "", "en"),
        (babble(0.5), "yes", "en"),
        (babble(0.4), "no no no", "en"),
        (babble(2), "no no no no no", "en"),
        (babble(2), "my debit card", "en"),
        (babble(2), "debit card transfer", "en"),
        (babble(2), "Visa debit card", "en"),
        (babble(3), "it is a Visa debit card from the branch", "en"),
        (babble(3), "my routing number and my password for the transfer were lost", "en"),
        (babble(3), "four four four four one two", "en"),
        (babble(3), "c'est ça, l'été à Montréal", "fr"),
        (babble(4), "السلام عليكم، واش عندكم la carte", "ar"),
        (babble(4), "東京タワーへ", "ja"),
        (babble(4), "спасибо", None),
        (babble(4), "123 456", "ar"),
        (silence(0), "", "en"),
    ],
)
def test_quiet_on_plausible_texts(samples: Samples, text: str, language: str | None) -> None:
    assert _fired(samples, text, language) == ()


def _turns(data: Path) -> Iterator[tuple[str, Samples, str]]:
    for path in sorted((data / "calls" / "harper_valley").glob("*.json")):
        audio, rate = soundfile.read(path.with_suffix(".wav"), dtype="float32", always_2d=True)
        channels = [soxr.resample(audio[:, channel], rate, SAMPLE_RATE_HZ) for channel in (0, 1)]
        for turn in json.loads(path.read_text())["turns"]:
            begin, end = max(0.0, turn["start"] - 0.25), turn["end"] + 0.25
            cut = channels[turn["channel"]][round(begin * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)]
            yield path.stem, cut, turn["text"]
    folder = data / "speech" / "read_english"
    for name, text in json.loads((folder / "refs.json").read_text()).items():
        audio, rate = soundfile.read(folder / name, dtype="float32", always_2d=True)
        yield name, soxr.resample(audio[:, 0], rate, SAMPLE_RATE_HZ), text


@pytest.mark.data
def test_quiet_on_all_true_texts_and_loud_when_they_are_exchanged_for_silence(reference_data: Path) -> None:
    fired: Counter[str] = Counter()
    missed: list[str] = []
    count = 0
    for _, samples, noted in _turns(reference_data):
        text = without_notes(noted)
        if noted and not text:
            continue  # a transcriber's note of a noise
        count += 1
        fired.update(_fired(np.asarray(samples, dtype=np.float32), text))
        if text and "text_without_speech" not in _fired(hiss(samples.size / SAMPLE_RATE_HZ), text):
            missed.append(text)
    assert count > 100
    assert fired == Counter()
    assert missed == []


def test_the_cut_is_at_the_quietest_place() -> None:
    samples = np.concatenate([babble(2.0), silence(0.3), babble(2.0)])
    assert 2.0 <= quiet_cut(samples) / SAMPLE_RATE_HZ <= 2.3
    assert 0 < quiet_cut(babble(0.05)) < babble(0.05).size


@pytest.mark.parametrize(
    ("frames", "quiet", "cut"),
    [
        pytest.param(40, (12, 17), 14.5, id="within the middle half"),
        pytest.param(40, (0, 9), None, id="before the middle half"),
        pytest.param(40, (31, 40), None, id="after the middle half"),
        pytest.param(40, (10, 15), 12.5, id="where the middle half begins"),
        pytest.param(40, (25, 30), 27.5, id="where it ends"),
        pytest.param(8, (0, 3), 4.0, id="too short to search"),
        pytest.param(12, (3, 8), 5.5, id="just long enough"),
    ],
)
def test_a_cut_is_searched_for_in_the_middle_half(frames: int, quiet: tuple[int, int], cut: float | None) -> None:
    """In frames of 20 ms, a hum with five quiet ones; the cut is in the middle of them."""
    frame = SAMPLE_RATE_HZ // 50
    samples = np.full(frames * frame, 0.5, dtype=np.float32)
    samples[quiet[0] * frame : quiet[1] * frame] = 0.001
    found = quiet_cut(samples) / frame
    if cut is not None:
        assert found == cut
    else:
        assert 10 <= found <= 30


def test_a_segment_without_samples_is_silent() -> None:
    assert measure(silence(0), SETTINGS) == Activity(
        duration_s=0.0, active_s=0.0, loudest_dbfs=-120.0, dynamics_db=0.0, last_active_s=0.0
    )
