"""The diariser that needs nothing but a small package: who speaks when, in a recording of one or two voices."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.config.areas.speech.diarisation import VoicesSettings
from pipeline.diarisation.diariser import DiarisationGivenUp, SpeakerTurn
from pipeline.diarisation.voices.encoder import VoiceEncoder
from pipeline.diarisation.voices.two_voices import Labels, divide, evidence, speakers
from pipeline.diarisation.voices.weights import SETTING, encoder_weights
from pipeline.diarisation.voices.windows import Loudness, Windows, encode
from pipeline.encryption.here import mapped_samples
from pipeline.records import SpeechSegment
from pipeline.weights.hub import Hub

_FEW, _ENOUGH = 30, 45
"""Windows; 12 and 18 s of speech."""
_MORE_FOR_FEW = 0.11
_REACH_S = 0.2
"""How far beyond the two windows of a change its pause is looked for."""


class VoicesDiariser:
    """`Diariser` over one loaded encoder. The same samples and segments give the same turns."""

    name = "voices"

    def __init__(self, settings: VoicesSettings, hub: Hub | None = None) -> None:
        """Raises ModelUnavailable."""
        self._settings = settings
        found = (hub or Hub(allow_download=False, timeout_s=1.0)).find(encoder_weights(settings))
        self._encoder = VoiceEncoder(found.folder)

    def diarise(
        self, samples_path: Path, samples: int, segments: Sequence[SpeechSegment], limit_s: float
    ) -> tuple[SpeakerTurn, ...]:
        deadline = time.monotonic() + limit_s

        def check_time() -> None:
            if time.monotonic() > deadline:
                raise DiarisationGivenUp(f"not finished after {limit_s:.0f} s (diarisation.time_limit_s)")

        speech_s = sum(segment.duration_s - segment.overlap_s for segment in segments)
        self._enough(speech_s)
        mapped = mapped_samples(samples_path, samples)
        # One thread: decoders run side by side, and a product's last bits depend on how many share it.
        with threadpool_limits(limits=1):
            windows, loudness = encode(mapped, segments, self._encoder.vectors, check_time)
            audible = windows.audible()
            self._enough(speech_s * len(audible.centre_s) / max(1, len(windows.centre_s)))
            voices = divide(audible.vectors)
            if voices is None:
                raise DiarisationGivenUp("one voice is heard")
            found = evidence(audible, voices)
            needed = self._settings.min_evidence * surely(len(audible.centre_s))
            if found.total < needed:
                raise DiarisationGivenUp(
                    f"one voice is heard: evidence of two {found.total:.1f}, under {needed:.1f} "
                    f"({SETTING}.min_evidence)"
                )
            return turns(segments, windows, of_nearest(windows, audible, speakers(audible, voices)), loudness)

    def _enough(self, speech_s: float) -> None:
        if speech_s < self._settings.min_speech_s:
            raise DiarisationGivenUp(f"{speech_s:.1f} s of speech are too few to tell one voice from two")


def of_nearest(windows: Windows, audible: Windows, labels: Labels) -> Labels:
    """The speaker of each window: a quiet one has that of the audible one nearest to it in time."""
    between_s = (audible.centre_s[1:] + audible.centre_s[:-1]) / 2
    given: Labels = labels[np.searchsorted(between_s, windows.centre_s)]
    return given


def surely(windows: int) -> float:
    """How much more evidence of two voices a short recording needs: chance alone divides few windows well.

    Evidence of one voice reached 4.8 in 30 windows and 4.2 in 70.
    """
    return 1.0 + _MORE_FOR_FEW * min(1.0, max(0.0, (_ENOUGH - windows) / (_ENOUGH - _FEW)))


def turns(
    segments: Sequence[SpeechSegment], windows: Windows, labels: Labels, loudness: Sequence[Loudness]
) -> tuple[SpeakerTurn, ...]:
    """The windows as turns: a change inside a segment lies where it is quietest between the two windows."""
    found: list[SpeakerTurn] = []
    for index, segment in enumerate(segments):
        start_s = segment.start_s + segment.overlap_s
        of_segment = np.flatnonzero(windows.segment == index)
        for this, following in itertools.pairwise(of_segment):
            if labels[this] == labels[following]:
                continue
            from_s = max(start_s, float(windows.centre_s[this]) - _REACH_S)
            end_s = loudness[index].quietest_s(from_s, float(windows.centre_s[following]) + _REACH_S)
            found.append(SpeakerTurn(start_s, end_s, int(labels[this])))
            start_s = end_s
        found.append(SpeakerTurn(start_s, segment.end_s, int(labels[of_segment[-1]])))
    numbers: dict[int, int] = {}
    return tuple(
        SpeakerTurn(turn.start_s, turn.end_s, numbers.setdefault(turn.speaker, len(numbers))) for turn in found
    )
