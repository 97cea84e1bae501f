"""Calls in which the names of the shipped glossaries are said, by espeak-ng's voices over a telephone line.

Real calls do not say the names of a made-up company. The voices are harder to understand than people; what is compared
is the same recogniser with the vocabulary and without.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]
import soxr

RATE_HZ = 8000
_PAUSE_S = 0.8
_SPEECH_DBFS = -22.0
_VOICES = ("en-us", "en-us+f3", "en-us+m3", "en-gb", "en-gb+f2", "en-gb-x-rp+m7", "en-gb-scotland", "en-029+f4")

WITH_NAMES = (
    "Thank you for calling Earshot Telecom, how can I help you?",
    "My SmartBox has a red light and the internet is down.",
    "We have HomeFibre since last March.",
    "Please put a new SIM into the phone.",
    "Could you give me the IBAN of your account?",
    "This is Earshot Business, you are speaking with Anna.",
    "The SmartBox Pro in our office restarts every morning.",
    "Our SLA says four hours, and we have waited for two days.",
    "I will send you the PO by the end of the week.",
    "The SKU on the box is not the one we ordered.",
    "The VPN does not connect from home.",
)
WITHOUT_NAMES = (
    "There was a small box at the door this morning.",
    "She has a business in town and a phone at home.",
    "I have seen the fibre of this cloth before.",
    "A telephone call came while we were out.",
    "He is a professional, and he came by on Monday.",
)
"""Words that sound like parts of the names, where a vocabulary must not speak."""


def make_spoken_names(folder: Path) -> bool:
    """Write a recording per voice, and `refs.json` beside them. False where espeak-ng is not installed."""
    if shutil.which("espeak-ng") is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    order = [*WITH_NAMES[:6], *WITHOUT_NAMES, *WITH_NAMES[6:]]
    references = {}
    for number, voice in enumerate(_VOICES):
        sentences = order[number:] + order[:number]
        pause = np.zeros(round(_PAUSE_S * RATE_HZ), dtype=np.float32)
        pieces = [piece for sentence in sentences for piece in (_spoken(voice, sentence), pause)]
        name = f"names_{voice.replace('+', '_')}.wav"
        soundfile.write(folder / name, np.concatenate([pause, *pieces]), RATE_HZ, subtype="PCM_16")
        references[name] = " ".join(sentences)
    (folder / "refs.json").write_text(json.dumps(references), encoding="utf-8")
    return True


def _spoken(voice: str, text: str) -> npt.NDArray[np.float32]:
    said = subprocess.run(["espeak-ng", "-v", voice, "-s", "145", "--stdout", text], capture_output=True, check=True)
    with wave.open(io.BytesIO(said.stdout)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float32) / 32768
        narrow = np.asarray(soxr.resample(samples, file.getframerate(), RATE_HZ), dtype=np.float32)
    level = 10 ** (_SPEECH_DBFS / 20) / max(float(np.sqrt(np.mean(np.square(narrow)))), 1e-6)
    loud: npt.NDArray[np.float32] = np.clip(narrow * np.float32(level), -1, 1).astype(np.float32)
    return loud
