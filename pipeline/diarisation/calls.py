"""A prepared mono call becomes one with two speakers. Runs in the decoder process, after voice activity detection."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.choice import DIARISERS, Builder
from pipeline.diarisation.diariser import SPEAKERS, DiarisationGivenUp, Diariser
from pipeline.diarisation.recut import by_speaker
from pipeline.errors import ModelUnavailable, described
from pipeline.records import OTHER_SIDE_MISSING, PreparedCall, PreparedChannel, Role, SpeechSegment

logger = logging.getLogger(__name__)

DIARISED = "diarised"
NOT_DIARISED = "not_diarised"


class CallDiariser:
    """Keeps the diariser, built with the first call that needs it."""

    def __init__(self, settings: DiarisationSettings, builders: Mapping[str, Builder] = DIARISERS) -> None:
        self._settings = settings
        self._builders = builders
        self._diariser: Diariser | None = None
        self._unavailable: str | None = None

    def apply(self, call: PreparedCall, left_s: float | None = None) -> PreparedCall:
        """The call with a channel per speaker and the flag `diarised`, where both sides are on one channel.

        Any other call is returned as it is. A mono call that cannot be diarised keeps its one channel of unknown
        role, with the flag `not_diarised` and the reason in `notes`. Never raises for a call: its transcript does not
        depend on this.

        Args:
            left_s: seconds that the caller can wait; None for no limit but `diarisation.time_limit_s`.
        """
        channel = both_sides(call)
        if channel is None:
            return call
        began = time.perf_counter()
        pieces, reason = self._pieces(call, channel, left_s)
        served = self._diariser.name if self._diariser is not None else None
        timings = {**call.timings_s, "diarise": time.perf_counter() - began}
        if reason is not None:
            return replace(
                call,
                flags=tuple(sorted({*call.flags, NOT_DIARISED})),
                notes={**call.notes, NOT_DIARISED: reason},
                timings_s=timings,
            )
        speakers = tuple(
            replace(
                channel,
                channel=speaker,
                segments=segments,
                speech_s=sum(segment.duration_s - segment.overlap_s for segment in segments),
            )
            for speaker, segments in enumerate(pieces)
        )
        flags = tuple(sorted({*call.flags, DIARISED}))
        return replace(call, channels=speakers, flags=flags, diariser=served, timings_s=timings)

    def _pieces(
        self, call: PreparedCall, channel: PreparedChannel, left_s: float | None
    ) -> tuple[tuple[tuple[SpeechSegment, ...], ...], str | None]:
        """Segments of each speaker, or the reason why there are none."""
        settings = self._settings
        longest_s = settings.max_duration_min * 60
        if call.duration_s > longest_s:
            return (), f"longer than {settings.max_duration_min:g} minutes (diarisation.max_duration_min)"
        diariser = self._built()
        if diariser is None:
            return (), self._unavailable
        limit_s = settings.time_limit_s if left_s is None else min(settings.time_limit_s, left_s)
        try:
            turns = diariser.diarise(channel.samples_path, channel.samples, channel.segments, limit_s)
        except DiarisationGivenUp as error:
            return (), str(error)
        except Exception as error:
            # The last line of defence: no fault of a diariser may cost a call its transcript.
            logger.warning("diarisation failed", exc_info=True)
            return (), f"{diariser.name} failed: {described(error)}"
        pieces = by_speaker(channel.segments, turns, settings)
        if len([part for part in pieces if part]) < SPEAKERS:
            return (), f"{diariser.name} tells fewer than two speakers apart"
        return pieces, None

    def _built(self) -> Diariser | None:
        if self._diariser is None and self._unavailable is None:
            try:
                self._diariser = self._builders[self._settings.engine](self._settings)
            except ModelUnavailable as error:
                self._unavailable = str(error)
        return self._diariser


def both_sides(call: PreparedCall) -> PreparedChannel | None:
    """The only channel of a call (not counting its copies), when it holds speech and nothing says whose it is."""
    if OTHER_SIDE_MISSING in call.flags:
        return None
    own = [channel for channel in call.channels if channel.same_as_channel is None]
    if len(own) != 1 or own[0].role is not Role.UNKNOWN or not own[0].segments:
        return None
    return own[0]
