"""Where in a call the words of a statement were said, and by whom."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.summary.support.heard import Utterance
from analysis.summary.support.wording import Wording
from pipeline.records import Role

OTHER_SIDE = {Role.CLIENT: Role.AGENT, Role.AGENT: Role.CLIENT}
_REACH = 1
"""Utterances on either side that belong to a place."""
_MOST = 0.5
_LIKE = 0.9
"""A like word counts for so much of the word itself."""


class Places:
    """The utterances of a call, ready to be searched."""

    def __init__(self, utterances: Sequence[Utterance], wording: Wording) -> None:
        self.utterances, self.wording = utterances, wording
        self._phrases = [self._phrases_of(utterance) for utterance in utterances]
        self.groups = frozenset().union(*self._phrases)
        """Of like words that were said anywhere."""

    def _phrases_of(self, utterance: Utterance) -> frozenset[int]:
        """Groups of like words in an utterance, phrases of up to three words included."""
        found: set[int] = set()
        for length in (1, 2, 3):
            for index in range(len(utterance.stems) - length + 1):
                found |= self.wording.same.get(" ".join(utterance.stems[index : index + length]), frozenset())
        return frozenset(found)

    def groups_of(self, number: int) -> frozenset[int]:
        """Of the like words in an utterance."""
        return self._phrases[number]

    def has(self, number: int, stem: str) -> float:
        """How well an utterance holds a word: 1 itself, less a like one."""
        if stem in self.utterances[number].stems:
            return 1.0
        return _LIKE if self.wording.same.get(stem, frozenset()) & self._phrases[number] else 0.0

    def share(self, places: Sequence[int], content: Sequence[str]) -> float:
        """Of the content in these utterances together; 0 of no content."""
        if not content or not places:
            return 0.0
        return sum(max(self.has(number, stem) for number in places) for stem in content) / len(content)

    def around(self, number: int, reach: int = _REACH) -> range:
        return range(max(0, number - reach), min(len(self.utterances), number + reach + 1))

    def shares(self, content: Sequence[str]) -> list[float]:
        """For each utterance, the share of the content in it and its neighbours."""
        return [self.share(self.around(number), content) for number in range(len(self.utterances))]

    def answered_no(self, content: Sequence[str]) -> bool:
        """Whether what says most of it is questions, and each is answered with no."""
        shares = [self.share([utterance.number], content) for utterance in self.utterances]
        top = max(shares, default=0.0)
        holding = [utterance for utterance, share in zip(self.utterances, shares, strict=True) if share >= top - 0.01]
        return top >= _MOST and all(utterance.refused for utterance in holding)

    def side_share(self, content: Sequence[str], role: Role, *, asking: bool | None, questions: bool = False) -> float:
        """Largest share of the content in an utterance of this side and the neighbours of the same kind.

        Args:
            asking: only what asks, only what does not, or either.
            questions: only questions ask, and requests do not.
        """

        def fits(utterance: Utterance) -> bool:
            asks = utterance.question or (utterance.request and not questions)
            return utterance.role is role and (asking is None or asks is asking)

        best = 0.0
        for utterance in self.utterances:
            if fits(utterance):
                around = [number for number in self.around(utterance.number, 2) if fits(self.utterances[number])]
                best = max(best, self.share(around, content))
        return best

    def reply_to(self, number: int) -> list[Utterance]:
        """What the other side says right after it; empty where the speaker goes on."""
        speaker = self.utterances[number].role
        rest = self.utterances[number + 1 :]
        last = next((index for index, utterance in enumerate(rest) if utterance.role is speaker), len(rest))
        return list(rest[:last])
