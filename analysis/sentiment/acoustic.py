"""Acoustic sentiment: from the samples of a channel to three probabilities per chunk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from analysis.model_folder import check_pickle, load_scaler
from analysis.records import Sentiment
from analysis.sentiment.models_by_role import ModelsByRole
from analysis.sentiment.probabilities import DIGITS, to_sentiments
from analysis.sentiment.shipped_models import model_folder
from pipeline.config.areas.sentiment import AcousticEngine, AcousticSentimentSettings, Normalisation, SentimentSettings
from pipeline.config.influence import ACOUSTIC, Result, counted
from pipeline.encryption.here import mapped_samples
from pipeline.encryption.keys import FileDamaged
from pipeline.hashes import sha256_of
from pipeline.records import SAMPLE_RATE_HZ, ChannelAudio, Role

if TYPE_CHECKING:
    from analysis.sentiment.features import ChunkFeatures

Heard = tuple[Sentiment | None, str | None]

SHIPPED_VOICE = "voice"
NOISE_FRAME = 320
"""Samples of 16 kHz, 20 ms."""
NOISE_READ_S = 60.0
"""At most so much of a channel's pauses is read for the noise in it."""
NOISE_LEAST_S = 1.0
"""Less of pauses says nothing about the noise."""


def as_in_calls(sentiment: Sentiment, neutral_share: float) -> Sentiment:
    """Probabilities of a model calibrated for equally frequent classes, where neutral has `neutral_share` of all.

    Bayes' rule with another prior (Saerens et al. 2002).
    """
    other = (1.0 - neutral_share) / 2
    weighed = (sentiment.negative * other, sentiment.neutral * neutral_share, sentiment.positive * other)
    negative, positive = (round(weighed[index] / sum(weighed), DIGITS) for index in (0, 2))
    return Sentiment(negative, max(0.0, round(1.0 - negative - positive, DIGITS)), positive)


def pauses_db(samples: Any, spans: Sequence[tuple[float, float]]) -> float | None:
    """Median level of a channel where nobody speaks, dBFS; None where there are hardly any pauses.

    Args:
        samples: float32 mono 16 kHz, shape (samples,), a memory map; at most NOISE_READ_S of it is read.
    """
    import numpy as np

    frames: list[Any] = []
    position, left = 0, int(NOISE_READ_S * SAMPLE_RATE_HZ)
    for start_s, end_s in [*sorted(spans), (len(samples) / SAMPLE_RATE_HZ, 0.0)]:
        until = min(round(start_s * SAMPLE_RATE_HZ), len(samples), position + left)
        count = (until - position) // NOISE_FRAME
        if count > 0:
            pause = np.nan_to_num(np.asarray(samples[position : position + count * NOISE_FRAME], dtype=np.float64))
            frames.append((pause.reshape(count, NOISE_FRAME) ** 2).mean(axis=1))
            left -= count * NOISE_FRAME
        position = max(position, round(end_s * SAMPLE_RATE_HZ))
    if sum(map(len, frames)) * NOISE_FRAME < NOISE_LEAST_S * SAMPLE_RATE_HZ:
        return None
    return float(10 * np.log10(np.median(np.concatenate(frames)) + 1e-12))


class AcousticSentiment(Protocol):
    """Three probabilities for each stretch of one channel."""

    model: str

    def identity(self) -> str:
        """What results depend on: models and options. Cheap: read while planning."""
        ...

    def channel(self, samples: Any, spans: Sequence[tuple[float, float]], role: Role) -> list[Heard]:
        """Sentiment, or None with the reason, for each (start_s, end_s) of a channel.

        Args:
            samples: float32 mono 16 kHz, shape (samples,), a memory map.
            spans: stretches of one speaker of one call; they are normalised against each other.
        """
        ...

    def close(self) -> None: ...


def open_samples(audio: ChannelAudio) -> Any:
    """The channel's spooled samples as a memory map, or the reason (a str) why they cannot be read."""

    try:
        return mapped_samples(audio.samples_path, audio.samples)
    except (OSError, ValueError, FileDamaged) as error:
        return f"the decoded audio cannot be read: {error}"


class TrainedAcousticSentiment:
    """Pipelines written by `run.py train acoustic`: one for agents, one for everybody else.

    Raises ModelUnavailable or UntrustedModel when a folder cannot be used; the weights are loaded at first use.
    """

    def __init__(self, settings: AcousticSentimentSettings, trusted: Sequence[str] = ()) -> None:
        # The feature list is needed to check the cards; it imports nothing heavier than NumPy.
        from analysis.sentiment.features import FEATURE_NAMES, FEATURE_VERSION

        self._settings = settings
        self._models = ModelsByRole(
            model_folder(settings.agent_model, SHIPPED_VOICE),
            model_folder(settings.client_model, SHIPPED_VOICE),
            kind="acoustic",
            features=FEATURE_NAMES,
            feature_version=FEATURE_VERSION,
            trusted=tuple(trusted),
        )
        self.model = self._models.names
        named = {Role.AGENT: settings.agent_scaler, Role.CLIENT: settings.client_scaler}
        named[Role.UNKNOWN] = named[Role.CLIENT]
        paths = {role: Path(name).expanduser() for role, name in named.items() if name is not None}
        for path in set(paths.values()):
            check_pickle(path, trusted)
        self._scaler_identities = [f"{role} scaler={sha256_of(path)}" for role, path in sorted(paths.items())]
        self._scalers = {role: partial(load_scaler, path, FEATURE_NAMES, trusted) for role, path in paths.items()}
        self._loaded_scalers: dict[Role, Any] = {}

    def identity(self) -> str:
        return self._identity

    @cached_property
    def _identity(self) -> str:
        parts = [*self._models.identities, *self._scaler_identities]
        options = counted(self._settings, Result.ACOUSTIC, inherited=ACOUSTIC)
        return f"{parts} {json.dumps(options, separators=(',', ':'), ensure_ascii=False)}"

    def channel(self, samples: Any, spans: Sequence[tuple[float, float]], role: Role) -> list[Heard]:
        import numpy as np

        from analysis.sentiment.features import RATE_HZ, chunk_features, to_8_khz

        chosen = self._settings
        found = []
        for start_s, end_s in spans:
            middle, half = (start_s + end_s) / 2, min(end_s - start_s, chosen.max_chunk_s) / 2
            first, last = max(0, round((middle - half) * SAMPLE_RATE_HZ)), round((middle + half) * SAMPLE_RATE_HZ)
            heard = np.nan_to_num(np.asarray(samples[first:last], dtype=np.float32), posinf=0.0, neginf=0.0)
            found.append(
                chunk_features(
                    to_8_khz(heard, SAMPLE_RATE_HZ) if heard.size >= SAMPLE_RATE_HZ // RATE_HZ * 16 else heard[:0],
                    silence_dbfs=chosen.silence_dbfs,
                    min_voiced_ms=chosen.min_voiced_ms,
                    min_ms=chosen.min_chunk_ms,
                )
            )
        found = self._audible(found, pauses_db(samples, spans))
        vectors = [features.values for features in found if features.values is not None]
        if self._baseline_too_small(len(vectors), role):
            least = chosen.min_speaker_chunks
            why = f"{len(vectors)} chunks of this speaker with voice: fewer than {least} are no baseline"
            return [(None, features.reason or why) for features in found]
        sentiments = iter(self._predict(np.stack(vectors), role) if vectors else ())
        return [(None, features.reason) if features.values is None else (next(sentiments), None) for features in found]

    def _audible(self, found: Sequence[ChunkFeatures], noise_db: float | None) -> list[ChunkFeatures]:
        """Without the values of chunks whose voice is hardly above the noise of the channel's pauses."""
        from analysis.sentiment.features import FEATURE_NAMES, ChunkFeatures

        if noise_db is None:
            return list(found)
        level, least = FEATURE_NAMES.index("level_db"), self._settings.min_above_noise_db

        def heard(features: ChunkFeatures) -> ChunkFeatures:
            above = None if features.values is None else float(features.values[level]) - noise_db
            if above is None or above >= least:
                return features
            return ChunkFeatures(None, f"voice only {above:.0f} dB above the noise", features.voiced_s)

        return [heard(features) for features in found]

    def _baseline_too_small(self, chunks: int, role: Role) -> bool:
        """Whether a speaker has too few chunks to be measured against; a pickle's scaler needs none."""
        measured = (
            self._settings.normalisation is Normalisation.SPEAKER and self._models.model_of(role).card is not None
        )
        return measured and chunks < self._settings.min_speaker_chunks

    def _predict(self, values: Any, role: Role) -> list[Sentiment]:
        """Shape (chunks, features) of one speaker to sentiments."""
        from analysis.sentiment.normalise import Averages, against_everybody, against_speaker

        loaded = self._models.model_of(role)
        if loaded.card is not None:
            averages = Averages.of_options(loaded.card.options)
            if self._settings.normalisation is Normalisation.SPEAKER:
                values = against_speaker(values, averages, self._settings.prior_chunks)
            else:
                values = against_everybody(values, averages)
        elif role in self._scalers:
            if role not in self._loaded_scalers:
                self._loaded_scalers[role] = self._scalers[role]()
            values = self._loaded_scalers[role].transform(values)
        heard = to_sentiments(loaded.pipeline.predict_proba(values), loaded.pipeline.classes_, loaded.card)
        return (
            heard if loaded.card is None else [as_in_calls(opinion, self._settings.neutral_share) for opinion in heard]
        )

    def close(self) -> None:
        self._models.close()
        self._loaded_scalers.clear()


def build_acoustic(settings: SentimentSettings) -> AcousticSentiment | None:
    """None when acoustic sentiment is off."""
    if settings.acoustic.engine is AcousticEngine.OFF:
        return None
    return TrainedAcousticSentiment(settings.acoustic, settings.trusted_models)
