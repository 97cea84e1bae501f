"""A text as a talk: its turns, with the phrases and the dictated stretches in each, found once for all who look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from analysis.redaction.questions import Phrase, phrases_in
from analysis.redaction.runs import Run, runs_of
from analysis.redaction.the_number import resolved
from analysis.redaction.turns import Turn, plain_marks, turns_of


@dataclass(frozen=True)
class Talk:
    """Of one text; places are those of the text itself."""

    original: str
    languages: Sequence[str]

    @cached_property
    def text(self) -> str:
        return plain_marks(self.original)

    @cached_property
    def lines(self) -> Sequence[Turn]:
        """All lines that hold words."""
        return turns_of(self.text)

    @cached_property
    def turns(self) -> Sequence[Turn]:
        """The lines of the transcript in the text; all lines where none is marked as one.

        What a prompt says around a transcript (`Password reset: the customer …`) asks nobody for anything.
        """
        return [turn for turn in self.lines if turn.spoken] or self.lines

    @cached_property
    def _phrases(self) -> dict[str, list[list[Phrase]]]:
        return {
            language: resolved(
                self.turns, [list(phrases_in(self.text, turn.start, turn.end, language)) for turn in self.turns]
            )
            for language in self.languages
        }

    @cached_property
    def _runs(self) -> dict[str, list[list[Run]]]:
        questions = [
            sorted(
                {(phrase.start, phrase.end) for language in self.languages for phrase in self.phrases(language)[number]}
            )
            for number in range(len(self.turns))
        ]
        return {
            language: [
                runs_of(self.text, turn, language, asked) for turn, asked in zip(self.turns, questions, strict=True)
            ]
            for language in self.languages
        }

    @cached_property
    def main_language(self) -> str:
        """The one whose phrases are found most often; of equal ones the first."""
        return max(self.languages, key=lambda language: sum(map(len, self.phrases(language))), default="")

    def phrases(self, language: str) -> Sequence[Sequence[Phrase]]:
        """Of each turn, by the phrases of this language."""
        return self._phrases.get(language) or [[] for _ in self.turns]

    def runs(self, language: str) -> Sequence[Sequence[Run]]:
        """Of each turn, by the number words of this language."""
        return self._runs.get(language) or [[] for _ in self.turns]
