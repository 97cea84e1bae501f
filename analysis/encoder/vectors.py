"""What an encoder is to the steps that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""Shape (texts, dimensions); each row has length 1, so that the inner product of two is their cosine."""

NO_ENCODER = "none"


class SentenceEncoder(Protocol):
    """Texts to vectors. The same text gives the same bits, whatever it is encoded together with."""

    @property
    def space(self) -> str:
        """Weights and options: what every vector depends on. A model trained on vectors fits those of one space."""
        ...

    @property
    def identity(self) -> str:
        """The space, and the languages it serves: what steps depend on. Cheap: read while planning."""
        ...

    def knows(self, language: str | None) -> bool:
        """Whether texts in this language (ISO 639-1, `en-GB` is `en`) mean something to it; True for None."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row per text, in order; shape (0, 0) for no texts. Raises ModelUnavailable when it cannot be loaded."""
        ...

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        """As `encode`, for phrases that are the same at every start: the program's, a glossary's. They may be kept on
        disk; never for what somebody said."""
        ...

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """One row per word of one stretch of text, in order: what the encoder makes of it among the others, not brought
        to length 1; shape (0, 0) for no words. For stretches of about a hundred words: what is beyond the graph's own
        limit has rows of zeros. Raises ModelUnavailable when it cannot be loaded."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderChoice:
    """The encoder that serves, or why none does."""

    encoder: SentenceEncoder | None
    expected: str
    """Identity of the encoder the configuration asks for, whether or not its weights are here."""
    expected_space: str = NO_ENCODER
    """Its space."""
    reason: str | None = None
    """Why there is none; None where one serves."""

    @property
    def identity(self) -> str:
        """Of what serves, for a step's fingerprint: a row made without an encoder is redone when one has come."""
        return self.encoder.identity if self.encoder else NO_ENCODER

    @property
    def accepted(self) -> tuple[str, ...]:
        """Identities whose stored results stand, today's first: one that is missing today made better rows before."""
        return tuple(dict.fromkeys((self.identity, self.expected)))

    def for_language(self, language: str | None) -> SentenceEncoder | None:
        """The encoder, where it knows the language."""
        return self.encoder if self.encoder is not None and self.encoder.knows(language) else None


WITHOUT = EncoderChoice(encoder=None, expected=NO_ENCODER, reason="switched off (encoder.engine: off)")
