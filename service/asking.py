"""Answering for whoever asks, within the calls that exist for them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from analysis.questions.asking import Asker
from analysis.questions.choice import open_asker
from analysis.questions.records import Answer
from db.connection import Database
from db.queries.chosen import CallFilter
from db.queries.passages import PostgresPassages
from pipeline.config.root import Settings
from pipeline.errors import ServiceUnavailable

AT_ONCE = 4
"""Questions answered at the same time; each keeps a processor busy, or a language model."""
PATIENCE_S = 20.0
"""How long one more waits for its turn."""


@dataclass(slots=True)
class AskingRoom:
    """Opens the encoder and the language model at the first question, and keeps them."""

    database: Database
    settings: Settings
    patience_s: float = PATIENCE_S
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    _asker: Asker | None = None

    def ask(self, question: str, chosen: CallFilter) -> Answer:
        """Raises QuestionUnusable, and ServiceUnavailable where too many ask."""
        if not self._turns.acquire(timeout=self.patience_s):
            raise ServiceUnavailable(f"{AT_ONCE} other questions are being answered; ask again in a moment")
        try:
            finds = PostgresPassages(database=self.database, chosen=chosen, timezone=self.settings.input.timezone)
            return self._opened().ask(question, finds)
        finally:
            self._turns.release()

    def close(self) -> None:
        if self._asker is not None:
            self._asker.close()

    def _opened(self) -> Asker:
        with self._opening:
            if self._asker is None:
                self._asker = open_asker(self.settings)
            return self._asker
