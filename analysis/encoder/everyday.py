"""Cosines of any encoder on the scale of the default one, on which the thresholds of the steps were chosen.

Of some encoders all vectors point about one way (Ethayarajh 2019), so that any two texts have a high cosine: everyday
sentences 0.79 in multilingual-e5-small, 0.09 in MiniLM. Theirs are stretched: everyday sentences come to MiniLM's
place and equal texts stay at 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import SentenceEncoder

Cosines = npt.NDArray[np.floating]

EVERYDAY = (
    "It rained all night and the garden is full of leaves.",
    "My brother is learning to play the guitar.",
    "Okay, let me have a look.",
    "Yes, that is right.",
    "Thank you very much, have a nice day.",
    "One moment please.",
    "We had pasta with tomatoes for dinner.",
    "The children are at their grandmother's.",
    "Could you say that again, please?",
    "It is on the second shelf behind the door.",
    "The meeting begins at half past nine.",
    "I read a good book about the sea.",
    "She has two cats and an old dog.",
    "The number is seven four one nine.",
    "He lives near the station.",
    "That was all for today.",
    "The train leaves from platform three.",
    "What time is it where you are?",
    "I will be there in ten minutes.",
    "Our team won the match on Sunday.",
    "The painting in the hall is by my aunt.",
    "It was warm and the beach was crowded.",
    "I have no idea what to cook tonight.",
    "Please spell your last name for me.",
    "The museum opens again in spring.",
    "You are welcome.",
    "There is a bakery around the corner.",
    "Good morning, how are you?",
    "We moved the sofa to the other wall.",
    "The bird sings before sunrise.",
    "I would rather walk than take the bus.",
    "The film was longer than I thought.",
)
"""Sentences that ask for nothing a glossary lists."""

DEFAULT = 0.09
"""What two everyday sentences reach in the default encoder."""
CONE = 0.45
"""Above this all vectors point about one way; below it cosines stay as they are."""


def everyday_likeness(encoder: SentenceEncoder) -> float:
    """The mean cosine of two everyday sentences."""
    rows = encoder.encode_fixed(EVERYDAY).astype(np.float64)
    cosines = rows @ rows.T
    return float((cosines.sum() - np.trace(cosines)) / (len(rows) * (len(rows) - 1)))


class Scale:
    """Of one encoder; asks it for the everyday sentences at first use."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder = encoder
        self._everyday: float | None = None

    def of(self, cosines: Cosines) -> Cosines:
        """Cosines of this encoder as MiniLM's would be."""
        everyday = self._measured()
        return cosines if everyday <= CONE else DEFAULT + (cosines - everyday) * ((1 - DEFAULT) / (1 - everyday))

    def cosine_of(self, threshold: float) -> float:
        """The cosine of this encoder that comes to a threshold."""
        everyday = self._measured()
        return threshold if everyday <= CONE else everyday + (threshold - DEFAULT) * ((1 - everyday) / (1 - DEFAULT))

    def _measured(self) -> float:
        if self._everyday is None:
            self._everyday = everyday_likeness(self._encoder)
        return self._everyday
