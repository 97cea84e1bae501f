"""Acoustic sentiment: from the samples of a channel to three probabilities per chunk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from analysis.model_folder import check_pickle, load_scaler, sha256_of
from analysis.records import Sentiment
from analysis.sentiment.models_by_role import ModelsByRole
from analysis.sentiment.probabilities import to_sentiments
from analysis.sentiment.shipped_models import model_folder
from pipeline.config.areas.sentiment import AcousticEngine, AcousticSentimentSettings, Normalisation, SentimentSettings
from pipeline.config.influence import ACOUSTIC, Result, counted
from pipeline.records import SAMPLE_RATE_HZ, ChannelAudio, Role

Heard = tuple[Sentiment | None, str | None]

SHIPPED_AGENT = "acoustic_agent"
SHIPPED_CLIENT = "acoustic_client"


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
    import numpy as np

    try:
        size = audio.samples_path.stat().st_size // 4
        if size == 0:
            return np.zeros(0, dtype=np.float32)
        return np.memmap(audio.samples_path, dtype="<f4", mode="r", shape=(min(size, audio.samples),))
    except (OSError, ValueError) as error:
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
            model_folder(settings.agent_model, SHIPPED_AGENT),
            model_folder(settings.client_model, SHIPPED_CLIENT),
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
        vectors = [features.values for features in found if features.values is not None]
        sentiments = iter(self._predict(np.stack(vectors), role) if vectors else ())
        return [(None, features.reason) if features.values is None else (next(sentiments), None) for features in found]

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
        return to_sentiments(loaded.pipeline.predict_proba(values), loaded.pipeline.classes_, loaded.card)

    def close(self) -> None:
        self._models.close()
        self._loaded_scalers.clear()


def build_acoustic(settings: SentimentSettings) -> AcousticSentiment | None:
    """None when acoustic sentiment is off."""
    if settings.acoustic.engine is AcousticEngine.OFF:
        return None
    return TrainedAcousticSentiment(settings.acoustic, settings.trusted_models)
