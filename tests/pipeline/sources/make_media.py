"""Makes the tiny recordings in `media/`, one of each codec: 2 s, 440 Hz on channel 0 and 1,000 Hz on channel 1.

apt-get install ffmpeg          (for GSM, which PyAV's wheels can read but not write)
.venv/bin/python tests/pipeline/sources/make_media.py
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np

MEDIA = Path(__file__).resolve().parent / "media"
SECONDS = 2.0
TONES_HZ = (440.0, 1000.0)

WANTED: dict[str, tuple[str, int, int, dict[str, str]]] = {
    "pcm_u8.wav": ("pcm_u8", 8_000, 2, {}),
    "pcm_s16.wav": ("pcm_s16le", 8_000, 2, {}),
    "pcm_s24.wav": ("pcm_s24le", 8_000, 2, {}),
    "pcm_f32.wav": ("pcm_f32le", 8_000, 2, {}),
    "mulaw.wav": ("pcm_mulaw", 8_000, 2, {}),
    "alaw.wav": ("pcm_alaw", 8_000, 2, {}),
    "adpcm_ima.wav": ("adpcm_ima_wav", 8_000, 2, {}),
    "adpcm_ms.wav": ("adpcm_ms", 8_000, 2, {}),
    "opus.ogg": ("libopus", 16_000, 2, {"b": "24k"}),
    "opus.opus": ("libopus", 16_000, 2, {"b": "24k"}),
    "mp3.mp3": ("libmp3lame", 16_000, 2, {"b": "32k", "joint_stereo": "0"}),
    "flac.flac": ("flac", 16_000, 2, {}),
    "aac.m4a": ("aac", 16_000, 2, {"b": "32k"}),
    "wma.wma": ("wmav2", 16_000, 2, {"b": "32k"}),
    "amr.amr": ("libopencore_amrnb", 8_000, 1, {"b": "12200"}),
}
"""File name: FFmpeg encoder, rate in Hz, channels, options."""


def main() -> None:
    MEDIA.mkdir(exist_ok=True)
    for name, wanted in WANTED.items():
        write(MEDIA / name, *wanted)
    source, target = MEDIA / "pcm_s16.wav", MEDIA / "gsm.wav"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-i",
        str(source),
        "-ac",
        "1",
        "-c:a",
        "libgsm_ms",
        "-bitexact",
        str(target),
    ]
    subprocess.run(command, check=True)


def write(path: Path, codec: str, rate: int, channels: int, options: dict[str, str]) -> None:
    time_s = np.arange(int(SECONDS * rate)) / rate
    tones = np.stack([0.25 * np.sin(2 * np.pi * tone * time_s) for tone in TONES_HZ[:channels]])
    layout = "stereo" if channels == 2 else "mono"
    interleaved = np.ascontiguousarray((tones.T * 32767).astype(np.int16).reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(interleaved, "s16", layout)
    frame.sample_rate = rate
    container: Any
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options={"flags": "+bitexact", **options})
        formats = stream.codec.audio_formats
        stream.format = formats[0].name if formats else "s16"
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


if __name__ == "__main__":
    main()
