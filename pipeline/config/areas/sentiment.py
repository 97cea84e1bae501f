"""Text, acoustic and fused sentiment: config.yaml's `sentiment`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.base import Area
from pipeline.config.influence import ACOUSTIC, FUSION, IDENTITY, MOOD, NOTHING, TEXT

LabelName = Literal["negative", "neutral", "positive"]
Share = Annotated[float, Field(ge=0, le=1)]

PICKLES = (".pkl", ".pickle", ".joblib")
"""Suffixes of model files whose loading runs code."""
SHIPPED = "shipped"
"""Stands for the folder of the model that comes with Earshot."""


class TextEngine(StrEnum):
    """How the words of a chunk become three probabilities."""

    SKLEARN = "sklearn"
    LEXICON = "lexicon"
    TRANSFORMERS = "transformers"
    OFF = "off"


class AcousticEngine(StrEnum):
    """How the voice of a chunk becomes three probabilities."""

    SKLEARN = "sklearn"
    OFF = "off"


class FusionMethod(StrEnum):
    """How text and voice are joined."""

    FIXED = "fixed"
    LEARNED = "learned"
    OFF = "off"


class Device(StrEnum):
    """Where a transformers model computes."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Normalisation(StrEnum):
    """What a chunk's acoustic features are measured against."""

    SPEAKER = "speaker"
    NONE = "none"


class LexiconSettings(Area):
    """VADER's compound score (-1..1) mapped to three probabilities by a softmax over (-k c, k t, k c)."""

    threshold: Share = 0.05
    """t: where neutral turns to positive or negative on the compound scale; VADER's authors publish 0.05."""
    steepness: Annotated[float, Field(gt=0, le=100)] = 6.0
    """k: how fast certainty grows with the compound score; the label does not depend on it."""


class TrainedTextSettings(Area):
    """Pipelines written by `run.py train text`, one per role; unknown speakers get the client's."""

    agent_model: str = SHIPPED
    """Folder of the trained model, or `shipped`."""
    client_model: str = SHIPPED
    """Folder of the trained model, or `shipped`."""


def _own_names() -> dict[str, LabelName]:
    return {"negative": "negative", "neutral": "neutral", "positive": "positive"}


class TransformersModel(Area):
    """One sequence classifier."""

    model: Annotated[str | None, IDENTITY] = None
    """Folder on disk, or id on the Hugging Face hub (then `revision` is required)."""
    revision: Annotated[str | None, IDENTITY] = None
    """Commit of the hub id, pinned so that the same input keeps giving the same result."""
    labels: dict[str, LabelName] = Field(default_factory=_own_names)
    """The model's label names (case is ignored) and the label each stands for; if several stand for one, their
    probabilities are added."""

    @model_validator(mode="after")
    def _pinned(self) -> TransformersModel:
        if self.model is not None and not self.is_folder and not self.revision:
            raise ValueError(
                f"revision: a hub id ({self.model}) needs the commit it is pinned to; a folder on disk needs none "
                "(write it with a leading ./ or /)"
            )
        return self

    @property
    def is_folder(self) -> bool:
        """Whether `model` means a folder on disk."""
        name = self.model or ""
        return name.startswith((".", "/", "~")) or Path(name).is_dir()


class TransformersSettings(Area):
    """Sequence classifiers of the `transformers` library, one per role; unknown speakers get the client's."""

    agent: TransformersModel = Field(default_factory=TransformersModel)
    """The agent's model."""
    client: TransformersModel = Field(default_factory=TransformersModel)
    """The client's model."""
    device: Annotated[Device, NOTHING] = Device.AUTO
    """auto (CUDA, then MPS, then CPU), cpu, cuda or mps."""
    batch_size: Annotated[int, Field(ge=1, le=4096), NOTHING] = 32
    """Chunks computed at once."""
    max_tokens: Annotated[int, Field(ge=8, le=32768)] = 256
    """Longer chunks are cut off after this many tokens."""
    languages: tuple[str, ...] | None = None
    """ISO 639-1 codes the models know; null for any."""
    hub_timeout_s: Annotated[float, Field(gt=0, le=600), NOTHING] = 8.0
    """Longest wait for the hub's first answer; the download itself has no limit."""


class TextSentimentSettings(Area):
    """What the words say."""

    engine: TextEngine = TextEngine.SKLEARN
    """sklearn (trained pipelines, one is shipped), lexicon (VADER), transformers, or off."""
    min_characters: Annotated[int, Field(ge=1, le=1000)] = 2
    """Chunks with fewer letters and digits have no text sentiment."""
    language_if_unknown: str | None = "en"
    """ISO 639-1 code used where neither recogniser nor metadata gives one; null leaves such chunks without a value."""
    lexicon: Annotated[LexiconSettings, TEXT.when_chosen_by("engine")] = Field(default_factory=LexiconSettings)
    """Of the lexicon engine."""
    sklearn: Annotated[TrainedTextSettings, IDENTITY.when_chosen_by("engine")] = Field(
        default_factory=TrainedTextSettings
    )
    """Of the sklearn engine."""
    transformers: Annotated[TransformersSettings, TEXT.when_chosen_by("engine")] = Field(
        default_factory=TransformersSettings
    )
    """Of the transformers engine."""

    @model_validator(mode="after")
    def _models_named(self) -> TextSentimentSettings:
        if self.engine is TextEngine.TRANSFORMERS:
            for role, chosen in (("agent", self.transformers.agent), ("client", self.transformers.client)):
                if chosen.model is None:
                    raise ValueError(
                        f"engine: transformers needs transformers.{role}.model (a folder, or a hub id with revision); "
                        "the other choices are sklearn, lexicon and off"
                    )
        return self


class AcousticSentimentSettings(Area):
    """What the voice says."""

    engine: AcousticEngine = AcousticEngine.SKLEARN
    """sklearn (trained pipelines, two are shipped) or off."""
    agent_model: Annotated[str, IDENTITY] = SHIPPED
    """Folder of the model for agents, or `shipped`."""
    client_model: Annotated[str, IDENTITY] = SHIPPED
    """Folder of the model for clients and unknown speakers, or `shipped`."""
    agent_scaler: Annotated[str | None, IDENTITY] = None
    """File (.joblib, .pkl) of the scaler fitted with a .joblib or .pkl `agent_model`; null if the model scales its
    input itself. Both files must be among `sentiment.trusted_models`."""
    client_scaler: Annotated[str | None, IDENTITY] = None
    """The same for `client_model`."""
    normalisation: Normalisation = Normalisation.SPEAKER
    """speaker (against the speaker's other chunks in the call, so that a loud line is not an angry one) or none."""
    prior_chunks: Annotated[float, Field(ge=0, le=1000)] = 2.0
    """How many chunks of the speaker weigh as much as the training speakers' average when normalising."""
    neutral_share: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Share of neutral among the chunks of calls: only a voice that stands out clearly from the rest of its call gets
    another label. 0.333 labels as if all three were equally frequent, as in collections of acted speech."""
    min_speaker_chunks: Annotated[int, Field(ge=1, le=1000)] = 3
    """A speaker with fewer chunks with voice in the call has no acoustic sentiment (normalisation: speaker): there is
    nothing to measure against."""
    min_above_noise_db: Annotated[float, Field(ge=0, le=60)] = 10.0
    """Chunks whose voice is less than this above the noise in the channel's pauses have no acoustic sentiment."""
    min_chunk_ms: Annotated[int, Field(ge=50, le=10_000)] = 400
    """Shorter chunks have no acoustic sentiment."""
    max_chunk_s: Annotated[float, Field(ge=1, le=600)] = 60.0
    """From longer chunks only the middle part of this length is used."""
    silence_dbfs: Annotated[float, Field(ge=-120, le=0)] = -60.0
    """Chunks whose loudest tenth of frames stays below this level contain no voice."""
    min_voiced_ms: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Chunks with less voiced sound than this have no acoustic sentiment."""

    @model_validator(mode="after")
    def _scalers_have_their_models(self) -> AcousticSentimentSettings:
        for role in ("agent", "client"):
            scaler, model = getattr(self, f"{role}_scaler"), getattr(self, f"{role}_model")
            if scaler is not None and not model.lower().endswith(PICKLES):
                raise ValueError(
                    f"{role}_scaler belongs to your own {role}_model in a {', '.join(PICKLES)} file; {model} needs none"
                )
        return self


class FusionSettings(Area):
    """Words and voice joined."""

    method: FusionMethod = FusionMethod.FIXED
    """fixed (weighted mean of the two probability vectors), learned (`run.py train fusion`), or off."""
    agent_text_weight: Annotated[Share, FUSION.when("method", "fixed")] = 0.9
    """fixed: weight of the words for agents; the voice has the rest.

    High, because the shipped voice models learned acted speech; lower it for voice models trained on your own calls.
    """
    client_text_weight: Annotated[Share, FUSION.when("method", "fixed")] = 0.9
    """fixed: weight of the words for clients and unknown speakers; the voice has the rest."""
    agent_model: Annotated[str | None, IDENTITY] = None
    """learned: folder of the model for agents."""
    client_model: Annotated[str | None, IDENTITY] = None
    """learned: folder of the model for clients and unknown speakers."""

    @model_validator(mode="after")
    def _models_named(self) -> FusionSettings:
        if self.method is FusionMethod.LEARNED:
            for key, value in (("agent_model", self.agent_model), ("client_model", self.client_model)):
                if value is None:
                    raise ValueError(
                        f"{key}: method learned needs the folder of a model (run.py train fusion writes one); "
                        "the other choices are fixed and off"
                    )
        return self


class CallMoodSettings(Area):
    """Sentiment of the whole call, from its chunks."""

    neutral_s: Annotated[float, Field(gt=0, le=600)] = 2.0
    """Seconds of neutral speech that stand against the chunks that show a mood: a role's mood over the call is neutral
    unless such chunks, by their seconds and certainty, outweigh it."""
    longest_line_s: Annotated[float, Field(gt=0, le=600)] = 4.0
    """Seconds up to which a chunk counts for a role's mood: who explains a fault calmly for half a minute shows no more
    mood than who says it in a sentence."""
    lowest_min_s: Annotated[float, Field(ge=0, le=60)] = 1.0
    """Chunks shorter than this cannot be the lowest point, unless there are no others."""
    turn_min_change: Annotated[float, Field(gt=0, le=2)] = 0.4
    """How much the client's mean score (-1..1) must change from before the turn to after it."""
    turn_min_chunks: Annotated[int, Field(ge=1, le=100)] = 2
    """How many client chunks with a value are needed before the turn, and how many after it."""


class SentimentSettings(Area):
    """Text, acoustic and fused sentiment: config.yaml's `sentiment`."""

    text: Annotated[TextSentimentSettings, TEXT] = Field(default_factory=TextSentimentSettings)
    """What the words say."""
    acoustic: Annotated[AcousticSentimentSettings, ACOUSTIC] = Field(default_factory=AcousticSentimentSettings)
    """What the voice says."""
    fusion: Annotated[FusionSettings, FUSION] = Field(default_factory=FusionSettings)
    """Words and voice joined."""
    call: Annotated[CallMoodSettings, MOOD] = Field(default_factory=CallMoodSettings)
    """From chunks to the call: lowest point, who turned the mood."""
    trusted_models: tuple[str, ...] = ()
    """Paths or SHA-256 sums of pickle or joblib model files that may be loaded, although loading runs their code."""
