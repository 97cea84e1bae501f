"""When a transcript is not trusted: config.yaml's `transcription.trust_gates`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area
from pipeline.config.influence import TRANSCRIPT


class TrustGateSettings(Area):
    """Checks on every segment's text. If one triggers, the segment is recognised again, then flagged: a segment of a
    window by itself, any other without context and then split in two."""

    enabled: bool = True
    """Run the checks."""
    support: Annotated[bool, TRANSCRIPT.unless_default()] = True
    """Decode without vocabulary; where something sounds like a term of it, once more with it, and keep only terms that
    sound like what was heard without."""
    alone: Annotated[bool, TRANSCRIPT.unless_default()] = True
    """Remedy for a segment of a window: recognise it by itself, without vocabulary."""
    retry_without_context: bool = True
    """First remedy: recognise the segment again without vocabulary."""
    split: bool = True
    """Second remedy: recognise its two halves, cut at the quietest place."""
    split_min_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    """Segments shorter than this are not split."""
    silence_dbfs: Annotated[float, Field(ge=-120, le=0)] = -60.0
    """20 ms frames under this level hold no speech. Telephone speech lies at -36 to -16 dBm0 (ITU-T P.56, G.223)."""
    speech_over_floor_db: Annotated[float, Field(ge=0, le=60)] = 9.0
    """Frames this far over the segment's own floor (its 5th percentile) count as active."""
    min_dynamics_db: Annotated[float, Field(ge=0, le=60)] = 6.0
    """The level of speech varies; a segment whose 5th and 95th percentile of frame levels are closer than this is
    steady noise. Measured on the reference recordings: see docs/decisions.md."""
    speech_without_text_min_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Active speech of at least this many seconds without a word is suspicious."""
    max_words_per_s: Annotated[float, Field(gt=0, le=50)] = 7.0
    """Fast English conversation runs at 5 to 6 words per second (Yuan, Liberman and Cieri 2006)."""
    max_letters_per_s: Annotated[float, Field(gt=0, le=200)] = 35.0
    """The same in letters, for scripts without spaces and languages with long words."""
    rate_grace_s: Annotated[float, Field(ge=0, le=5)] = 0.4
    """Seconds added to the duration before rates are computed, so that a clipped short word does not count as too
    fast."""
    max_repeats: Annotated[int, Field(ge=2, le=100)] = 6
    """A word said more often than this in a row is a loop."""
    max_phrase_repeats: Annotated[int, Field(ge=2, le=100)] = 4
    """A phrase of two to twelve words said more often than this in a row is a loop."""
    max_compression_ratio: Annotated[float, Field(gt=1, le=50)] = 2.4
    """A text with a zlib compression ratio above this repeats itself (Radford et al. 2022, section 4.5)."""
    compression_min_chars: Annotated[int, Field(ge=1, le=10_000)] = 80
    """Shorter texts skip the compression test."""
    echo_min_terms: Annotated[int, Field(ge=1, le=100)] = 3
    """A text that consists of context terms is an echo from this many terms on."""
    echo_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of the text's words that must be context terms."""
    truncation_tail_s: Annotated[float, Field(gt=0, le=60)] = 3.0
    """If there is more active speech than this after the end of the last word, text is missing (where word times are
    known)."""
    truncation_min_words_per_s: Annotated[float, Field(ge=0, le=5)] = 0.25
    """Fewer words per second of active speech than this, in a segment over `truncation_min_s`, means that the text was
    cut short."""
    truncation_min_s: Annotated[float, Field(gt=0, le=60)] = 8.0
    """Active speech a segment needs before its rate can be too low."""
    wrong_script_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A text with a larger share of letters outside the language's scripts is not in that language."""
    mixed_script_share: Annotated[float, Field(gt=0, le=0.5), TRANSCRIPT.unless_default()] = 0.4
    """Where the language is not known: a text with a larger share of letters outside its main script is in none."""
    other_language_probability: Annotated[float, Field(gt=0.5, le=1), TRANSCRIPT.unless_default()] = 0.9
    """A doubtful segment in which another language than the call's is heard with at least this probability is flagged
    `other_language`. Where the call's language was heard too, it is recognised again in the other one."""
    other_language_min_s: Annotated[float, Field(gt=0, le=30), TRANSCRIPT.unless_default()] = 1.0
    """In shorter segments no other language is looked for."""
    wrong_script_min_letters: Annotated[int, Field(ge=1, le=1000)] = 4
    """Shorter texts skip the script test."""
    scripts: dict[str, tuple[str, ...]] = Field(default_factory=lambda: dict(_SCRIPTS))
    """Scripts by ISO 639-1 code, as the first word of the letters' Unicode names; languages not named are LATIN."""


_SCRIPTS: dict[str, tuple[str, ...]] = {
    "ar": ("ARABIC",),
    "fa": ("ARABIC",),
    "ur": ("ARABIC",),
    "he": ("HEBREW",),
    "el": ("GREEK",),
    "hy": ("ARMENIAN",),
    "ka": ("GEORGIAN",),
    "th": ("THAI",),
    "hi": ("DEVANAGARI",),
    "bn": ("BENGALI",),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "ru": ("CYRILLIC",),
    "uk": ("CYRILLIC",),
    "bg": ("CYRILLIC",),
    "mk": ("CYRILLIC",),
    "sr": ("CYRILLIC", "LATIN"),
    "kk": ("CYRILLIC", "LATIN"),
    "zh": ("CJK",),
    "yue": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
    "ko": ("HANGUL", "CJK"),
}
