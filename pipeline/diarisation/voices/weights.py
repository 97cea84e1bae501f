"""Which weights the voice encoder wants; imports no numerics."""

from __future__ import annotations

from pipeline.config.areas.speech.diarisation import VoicesSettings
from pipeline.weights.hub import WeightsWanted

SETTING = "diarisation.voices"
CHECKPOINT = "pretrained.pt"


def encoder_weights(settings: VoicesSettings) -> WeightsWanted:
    return WeightsWanted(
        model=settings.model,
        revision=settings.revision,
        patterns=(CHECKPOINT,),
        required=(CHECKPOINT,),
        setting=f"{SETTING}.model",
    )
