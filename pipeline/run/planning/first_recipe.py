"""What recipes contained before settings were marked by their influence (2026-11).

Today's recipes are hashed in the shape of the first ones, so that transcripts of that time keep their keys. Some
settings of the first recipes are now marked as changing nothing, or are not in use. They are hashed with the value
written here: the default of that time, whatever they say today.
"""

from __future__ import annotations

from typing import Any

PREPARATION: dict[str, Any] = {
    "audio": {"block_s": 8.0, "max_channels": 8},
    "voice_activity": {
        "strict": False,
        "silero": {
            "model_path": None,
            "model_sha256": "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
            "windows_per_run": 256,
            "idle_below_dbfs": -70.0,
            "idle_margin_ms": 1000.0,
        },
        "energy": {
            "floor_percentile": 15.0,
            "floor_window_s": 20.0,
            "margin_db": 12.0,
            "slope_db": 2.0,
            "min_level_dbfs": -55.0,
        },
    },
    "redaction": None,
}

REDACTED_KINDS = ("card", "phone", "email", "iban", "national_id", "account_number")
"""`redaction.kinds` of that time, its default too. Further kinds are taken out of stored text, which needs no audio."""

PYANNOTE_DETECTOR: dict[str, Any] = {
    "model": "pyannote/speaker-diarization-community-1",
    "revision": "3533c8cf8e369892e6b79ff1bf80f7b0286a54ee",
    "window_step_share": 0.5,
    "windows_per_run": 8,
}
"""`voice_activity.pyannote`, where the detectors list it."""

TEXT: dict[str, Any] = {
    "text_rules": {
        "compared": {
            "default": ["unicode_form", "lower_case", "strip_punctuation", "spaces"],
            "en": [
                "unicode_form",
                "lower_case",
                "expand_contractions",
                "digits_to_words",
                "strip_punctuation",
                "drop_fillers",
                "spaces",
            ],
            "fr": [
                "unicode_form",
                "lower_case",
                "digits_to_words",
                "strip_punctuation",
                "strip_accents",
                "drop_fillers",
                "spaces",
            ],
            "ar": [
                "unicode_form",
                "arabic_digits",
                "lower_case",
                "digits_to_words",
                "arabic_letters",
                "strip_punctuation",
                "drop_fillers",
                "spaces",
            ],
        }
    },
}

ENGINES: dict[str, dict[str, Any]] = {
    "mlx_qwen3": {
        "quantize_encoder_bits": 8,
        "quantize_group_size": 64,
        "max_segment_s": 30.0,
        "aligner_model": "Qwen/Qwen3-ForcedAligner-0.6B",
        "aligner_revision": "c7cbfc2048c462b0d63a45797104fc9db3ad62b7",
        "word_silence_db": 45.0,
        "word_min_ms": 20,
    },
    "transformers_ctc": {"max_segment_s": 30.0},
    "openai_audio": {"max_segment_s": 30.0},
    "sphinx": {"model_dir": None},
    "scripted": {"transcripts": None, "words_per_s": 2.5, "max_segment_s": 30.0},
}
