"""Every codec comes out of the decoder with its channels apart and its tones in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.decoding.ingest import ingest
from pipeline.config.areas.audio import AudioSettings
from pipeline.records import SAMPLE_RATE_HZ
from tests.pipeline.sources.helpers import MEDIA
from tests.pipeline.sources.make_media import SECONDS, TONES_HZ


@pytest.mark.parametrize("name", sorted(path.name for path in MEDIA.iterdir()))
def test_decodes_each_channel_by_itself(tmp_path: Path, name: str) -> None:
    decoded = ingest(MEDIA / name, tmp_path, AudioSettings())
    assert decoded.duration_s == pytest.approx(SECONDS, abs=0.12)
    one_channel = len(decoded.channels) == 1
    for path, tone_hz in zip(decoded.paths, TONES_HZ, strict=not one_channel):
        samples = np.fromfile(path, dtype="<f4")[SAMPLE_RATE_HZ // 4 : -SAMPLE_RATE_HZ // 4]
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        frequencies = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
        assert frequencies[spectrum.argmax()] == pytest.approx(tone_hz, abs=5)
        others = [other for other in TONES_HZ if other != tone_hz]
        if name == "gsm.wav":  # made from both channels, mixed by the encoder
            continue
        for other in others:
            leaked = spectrum[np.abs(frequencies - other) < 5].max()
            assert leaked < spectrum.max() / 15  # Opus couples the channels at 24 kbit/s; the others stay under 1/50
