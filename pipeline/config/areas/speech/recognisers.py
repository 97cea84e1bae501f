"""Options of each recogniser except `mlx_qwen3`: config.yaml's `transcription.<engine>`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.config.areas.speech.prices import PaidByTheMinute
from pipeline.config.base import Area
from pipeline.config.influence import IDENTITY, NOTHING, TRANSCRIPT, VOCABULARY

Positive = Annotated[float, Field(gt=0)]


class SphinxOptions(Area):
    """PocketSphinx 5 with the English model in its wheel: a demonstration engine, weak on telephone speech."""

    model_dir: Annotated[Path | None, IDENTITY] = None
    """Folder with other acoustic weights (`en-us/`, `en-us.lm.bin`, `cmudict-en-us.dict`); null: those in the wheel."""
    beam: Annotated[float, Field(gt=0, lt=1)] = 1e-48
    """Relative likelihood under which a search path is dropped at each frame (PocketSphinx `beam`)."""
    word_beam: Annotated[float, Field(gt=0, lt=1)] = 7e-29
    """The same for word exits (PocketSphinx `wbeam`)."""
    language_weight: Annotated[float, Field(gt=0, le=50)] = 6.5
    """Weight of the language model against the acoustics (PocketSphinx `lw`)."""
    word_insertion_penalty: Annotated[float, Field(gt=0, le=10)] = 0.65
    """Factor on each new word; smaller gives fewer words (PocketSphinx `wip`)."""
    second_pass: bool = True
    """Search a second time over the words of the first (PocketSphinx `fwdflat`): better and slower."""


class ScriptedOptions(Area):
    """Replays given transcripts: for tests, and for measuring everything around a recogniser."""

    transcripts: Annotated[Path | None, IDENTITY] = None
    """A JSON file, or a folder of them (one per call, `<file stem>.json` or `<sha256>.json`); null: none."""
    missing: Literal["empty", "hash"] = "empty"
    """What a segment without a given transcript gets: no text, or words drawn by a hash of its samples."""
    words_per_s: Annotated[float, Field(gt=0, le=10), TRANSCRIPT.when("missing", "hash")] = 2.5
    """How many words per second of audio `hash` draws."""
    sleep_per_audio_s: Annotated[float, Field(ge=0, le=100), NOTHING] = 0.0
    """Seconds slept per second of audio: stands for a recogniser of that real-time factor."""
    load_sleep_s: Annotated[float, Field(ge=0, le=600), NOTHING] = 0.0
    """Seconds slept while loading."""
    crash_on: Annotated[tuple[str, ...], NOTHING] = ()
    """File-name patterns (`*bad*`) whose segments kill the process with SIGKILL: a planted native crash."""
    crash_once_marker: Annotated[Path | None, NOTHING] = None
    """With `crash_on`: crash only while this file does not exist; it is created just before."""
    hang_on: Annotated[tuple[str, ...], NOTHING] = ()
    """File-name patterns whose segments never end."""
    hang_while: Annotated[Path | None, NOTHING] = None
    """With `hang_on`: only while this file exists."""
    error_on: Annotated[tuple[str, ...], NOTHING] = ()
    """File-name patterns whose segments come back with an error."""
    out_of_memory_on: Annotated[tuple[str, ...], NOTHING] = ()
    """File-name patterns whose segments do not fit in memory, not even alone."""
    max_segment_s: Annotated[Positive, NOTHING] = 30.0
    """Longest segment taken, in seconds."""
    unavailable: Annotated[str, NOTHING] = ""
    """When not empty, loading fails with this message: stands for missing weights."""


class FasterWhisperOptions(Area):
    """Whisper on CTranslate2: CPU with int8, or CUDA."""

    model: Annotated[str, IDENTITY] = "Systran/faster-whisper-base"
    """A folder with a CTranslate2 Whisper model, or a hub repository. The default comes with `make setup`; small and
    medium are more accurate and take longer (`--model small`)."""
    revision: Annotated[str | None, IDENTITY] = "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"
    """Commit of the hub repository; ignored for a folder."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs; auto takes CUDA when CTranslate2 finds a GPU."""
    compute_type: Literal["auto", "int8", "int8_float16", "int8_float32", "float16", "bfloat16", "float32"] = "auto"
    """Arithmetic; auto: int8 on the CPU, float16 on CUDA."""
    cpu_threads: Annotated[int, Field(ge=0, le=256), NOTHING] = 0
    """Threads on the CPU; 0: CTranslate2's own choice."""
    batch_size: Annotated[int, Field(ge=1, le=128), NOTHING] = 8
    """Windows decoded together."""
    window_s: Annotated[float | None, Field(gt=0, le=30), TRANSCRIPT.when("word_times", True)] = 29.5
    """Segments of one channel are joined up to this many seconds and split again by word times, because Whisper hears
    30 s at a time whatever it is given. null, or `word_times: false`: each segment is decoded by itself."""
    beam_size: Annotated[int, Field(ge=1, le=20)] = 5
    """Hypotheses kept while decoding; 1 is greedy."""
    patience: Annotated[float, Field(gt=0, le=10)] = 1.0
    """Beam search patience (Kasai et al. 2022, arXiv 2204.05424)."""
    length_penalty: Annotated[float, Field(ge=0, le=5)] = 1.0
    """Exponent on the length when hypotheses are compared."""
    repetition_penalty: Annotated[float, Field(ge=1, le=5)] = 1.0
    """Values over 1 make tokens that already occurred less likely."""
    no_repeat_ngram_size: Annotated[int, Field(ge=0, le=20)] = 0
    """Token n-grams of this size are never repeated; 0: no limit."""
    max_new_tokens: Annotated[int, Field(ge=1, le=224)] = 224
    """Most tokens per segment; this also stops a decode that would not stop by itself. Whisper allows at most 224."""
    suppress_blank: bool = True
    """Allow no blank at the beginning of the text."""
    no_speech_threshold: Annotated[float, Field(ge=0, le=1)] = 0.6
    """A segment whose no-speech probability is above this, and whose mean log-probability is under
    `log_prob_threshold`, gives no text (Radford et al. 2022, section 4.5)."""
    log_prob_threshold: Annotated[float, Field(ge=-20, le=0)] = -1.0
    """Mean log-probability per token; see `no_speech_threshold`."""
    word_times: bool = True
    """Word times by cross-attention alignment; costs about a tenth more time."""
    language_detection_min_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A detected language less likely than this is reported as unknown."""
    low_confidence: Annotated[float | None, Field(ge=0, le=1), TRANSCRIPT.unless_default()] = 0.5
    """A segment whose words have less confidence than this (geometric mean) is doubtful; null: none is."""
    send_context: Annotated[bool, VOCABULARY] = False
    """Give Whisper the glossary's names and product words as hotwords. It then writes some of them where nobody says
    them; what is heard without them must support them (`trust_gates.support`)."""
    max_context_terms: Annotated[int, Field(ge=0, le=200), VOCABULARY] = 20
    """Most terms it is given."""


class TransformersCtcOptions(Area):
    """CTC checkpoints of Transformers (Wav2Vec2-BERT, Wav2Vec2, HuBERT, …): needs the extra with torch."""

    model: Annotated[str, IDENTITY] = ""
    """A folder with model and processor, or a hub repository; empty: the engine is not set up."""
    revision: Annotated[str | None, IDENTITY] = None
    """Commit of the hub repository; required for one, ignored for a folder."""
    language: str | None = None
    """ISO 639-1 code of the language it was trained on; null: any."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it runs; auto takes CUDA, then the CPU."""
    mixed_precision: Literal["auto", "off", "float16", "bfloat16"] = "auto"
    """Autocast on CUDA; auto: bfloat16 where the GPU has it, else float16. Always off on the CPU."""
    batch_size: Annotated[int, Field(ge=1, le=256), NOTHING] = 16
    """Most segments in a batch."""
    batch_audio_s: Annotated[float, Field(gt=0, le=3600), NOTHING] = 160.0
    """Most seconds of audio in a batch, padding included."""
    look_ahead: Annotated[int, Field(ge=1, le=4096), NOTHING] = 64
    """Requests gathered to sort by length before batches are cut."""
    cpu_threads: Annotated[int, Field(ge=0, le=256), NOTHING] = 0
    """Threads on the CPU; 0: torch's own choice."""
    max_segment_s: Annotated[float, Field(gt=0, le=120), NOTHING] = 30.0
    """Longest segment taken, in seconds."""
    word_times: bool = True
    """Word times from the CTC frame offsets."""
    punctuation_model: str = ""
    """Folder or hub repository of a token-classification model whose labels end in the punctuation mark to set; empty:
    none."""
    punctuation_revision: str | None = None
    """Commit of the punctuation model's hub repository."""
    punctuation_languages: tuple[str, ...] = ()
    """ISO 639-1 codes the punctuation model knows; empty: any."""


class OpenAiAudioOptions(PaidByTheMinute):
    """Any server with `/v1/audio/transcriptions`. The key is read from the environment, never from here."""

    base_url: Annotated[str, NOTHING] = ""
    """Address up to and including `/v1`; empty: the engine is not set up."""
    model: Annotated[str, IDENTITY] = "whisper-1"
    """Name of the model on the server."""
    revision: Annotated[str | None, IDENTITY] = None
    """Text to record as the model's revision; the server is not asked for it."""
    api_key_env: Annotated[str, NOTHING] = "OPENAI_API_KEY"
    """Environment variable that holds the key; a server without keys needs none."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes the model knows; empty: any."""
    response_format: Literal["json", "verbose_json"] = "json"
    """verbose_json also gives log-probabilities and times, if the server supports it."""
    word_times: bool = False
    """Ask for word times (needs verbose_json)."""
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Sampling temperature."""
    send_context: bool = True
    """Send the vocabulary as `prompt`."""
    connect_timeout_s: Annotated[float, Field(gt=0, le=60), NOTHING] = 5.0
    """Longest wait for a connection."""
    max_attempts: Annotated[int, Field(ge=1, le=10), NOTHING] = 4
    """Attempts per segment, the first included."""
    backoff_initial_s: Annotated[float, Field(ge=0, le=60), NOTHING] = 0.5
    """First wait between attempts; it doubles each time, with full jitter."""
    backoff_max_s: Annotated[float, Field(ge=0, le=300), NOTHING] = 20.0
    """Longest wait between attempts."""
    breaker_failures: Annotated[int, Field(ge=1, le=1000), NOTHING] = 5
    """After this many failed segments in a row nothing is sent to the server for `breaker_pause_s`; their calls fail as
    transient and are processed by a later run."""
    breaker_pause_s: Annotated[float, Field(ge=0, le=3600), NOTHING] = 30.0
    """How long nothing is sent to it, in seconds."""
    concurrency: Annotated[int, Field(ge=1, le=64), NOTHING] = 4
    """Most requests in progress at once."""
    max_segment_s: Annotated[float, Field(gt=0, le=600), NOTHING] = 30.0
    """Longest segment sent, in seconds."""
