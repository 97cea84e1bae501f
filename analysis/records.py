"""What analysis says about a call. A leaf: frozen records, no logic beyond their own invariants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.records import Role


class SentimentLabel(StrEnum):
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Three class probabilities that sum to 1; the label is their argmax, the confidence their maximum.

    Raises ValueError when a probability is outside 0..1 or the sum is off by more than 1e-6.
    """

    negative: float
    neutral: float
    positive: float

    def __post_init__(self) -> None:
        if not all(0.0 <= share <= 1.0 for share in self.shares) or abs(sum(self.shares) - 1.0) > 1e-6:
            raise ValueError(f"Sentiment: probabilities {self.shares} must lie in 0..1 and sum to 1")

    @property
    def shares(self) -> tuple[float, float, float]:
        """Negative, neutral, positive."""
        return self.negative, self.neutral, self.positive

    @property
    def label(self) -> SentimentLabel:
        """Argmax; on a tie the milder one: neutral, then negative."""
        order = (
            (self.neutral, SentimentLabel.NEUTRAL),
            (self.negative, SentimentLabel.NEGATIVE),
            (self.positive, SentimentLabel.POSITIVE),
        )
        return max(order, key=lambda pair: pair[0])[1]

    @property
    def confidence(self) -> float:
        return max(self.shares)

    @property
    def score(self) -> float:
        """Positive minus negative, in -1..1."""
        return self.positive - self.negative


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkSentiment:
    """Sentiment of one chunk; None, with a reason, when there is none."""

    channel: int
    ordinal: int
    sentiment: Sentiment | None
    reason: str | None = None


class Change(StrEnum):
    """Which way a mood turned."""

    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPlace:
    """Where a line of the call is found."""

    channel: int
    chunk: int
    """Ordinal within the channel."""
    start_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSentiment:
    """One role over the whole call (`analysis.sentiment.whole_call.mood_of`)."""

    role: Role
    sentiment: Sentiment | None
    reason: str | None = None
    quarters: tuple[float | None, ...] = ()
    """Mean score (-1..1) in each quarter of the call; None where the role is silent."""
    lowest_score: float | None = None
    lowest_at_s: float | None = None
    lowest_line: ChunkPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSentiment:
    """Payload of the steps `text`, `acoustic` and `fusion`."""

    roles: tuple[RoleSentiment, ...]
    chunks: tuple[ChunkSentiment, ...]
    mood_turned_by: Role | None = None
    """Whose turn came right before the client's mood changed for good; None when it did not change."""
    mood_turned_at_s: float | None = None
    mood_turned_to: Change | None = None
    mood_turned_line: ChunkPlace | None = None
    """The last line of that turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A verbatim quote, checked to be in the chunk it names."""

    quote: str
    channel: int
    ordinal: int
    start_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Payload of the step `topic`: a label of the glossary, never one outside it."""

    topic: str
    subtopic: str | None
    confidence: float | None
    """0..1; None when the provider gives no probability."""
    second_topic: str | None = None
    """Another topic of the same catalogue, where the client has two reasons."""
    second_subtopic: str | None = None
    second_confidence: float | None = None
    subtopic_missing: str | None = None
    """Why there is no subtopic; None where there is one, and where the glossary lists none for the topic."""
    second_subtopic_missing: str | None = None
    evidence: tuple[Evidence, ...] = ()
    catalogue: str | None = None
    """`b2b`, `b2c` or the glossary file's name."""
    glossary_hash: str | None = None
    proposed_terms: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """A promise made in the call. Unsaid is None."""

    what: str
    who: str | None = None
    by_when: str | None = None


class SummaryPart(StrEnum):
    """What a sentence of the call says to its summary."""

    REASON = "reason"
    DETAIL = "detail"
    """An answer that the reason needs: which card, what amount."""
    DONE = "done"
    OUTCOME = "outcome"
    PROMISE = "promise"
    OPEN = "open"
    LINE = "line"
    """It sums the call up; what it says is not told apart (other languages, no sentence encoder)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEvidence:
    """A sentence of the call that a part of its summary rests on."""

    part: SummaryPart
    text: str
    """Verbatim, without what was said around it in its chunk."""
    role: Role
    start_s: float
    """By the times of its words; of its chunk where the recogniser gave none."""
    end_s: float
    channel: int
    chunk: int
    """Ordinal of the chunk it begins in, within the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Payload of the step `summary`."""

    text: str
    reason: str | None = None
    done: str | None = None
    outcome: str | None = None
    key_points: tuple[str, ...] = ()
    action_items: tuple[ActionItem, ...] = ()
    next_step: str | None = None
    evidence: tuple[SummaryEvidence, ...] = ()
    language: str | None = None
    template: str | None = None
    check: str | None = None
    """In words, what comparing a model's statements with the call came to: `verified`, or `not verified: 2 of 5
    statements`; None for the call's own sentences."""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkQuarter:
    """The talk in a quarter of the call. A turn and an interruption count where they begin."""

    start_s: float
    end_s: float
    agent_talk_s: float | None
    client_talk_s: float | None
    silence_s: float
    overtalk_s: float
    agent_interruptions: int | None
    client_interruptions: int | None
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Payload of the step `conversation`: metrics of the talk itself. Shares are of the call's duration, 0..1.

    Talk is speech without the padding the recogniser is given around it. Times are None where that is not known.
    """

    agent_talk_s: float | None
    client_talk_s: float | None
    agent_talk_share: float | None
    client_talk_share: float | None
    silence_s: float | None
    silence_share: float | None
    longest_silence_s: float | None
    overtalk_s: float | None
    agent_interruptions: int | None
    """Times the agent began while the client was talking, at least half a second before the end, and went on after.
    What a listener says ("mm-hm", "okay") is no interruption and no turn."""
    client_interruptions: int | None
    turns: int
    """Changes of speaker, the first turn included."""
    agent_words_per_minute: float | None
    client_words_per_minute: float | None
    agent_longest_turn_s: float | None
    client_longest_turn_s: float | None
    first_response_s: float | None
    """From the end of the client's first turn to the agent's answer; None when not applicable."""
    extra: Mapping[str, float] = field(default_factory=dict)
    quarters: tuple[TalkQuarter, ...] | None = None
    """The trend of the talk; None where the times are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMatch:
    """A rule that holds for a call: why, and the moment that shows it."""

    rule: str
    title: str
    reason: str
    """What was found, in words."""
    weight: float
    critical: bool
    quote: str | None = None
    """The sentence of the first moment; None where nothing that was said shows it."""
    role: Role | None = None
    """Whose words or mood it is; None where it is nobody's."""
    start_s: float | None = None
    """With `end_s`: the first moment; None where it is the whole call."""
    end_s: float | None = None
    occurrences: int = 1


class Answer(StrEnum):
    """Of an item of a scorecard."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "n/a"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardAnswer:
    """One item of a scorecard."""

    item: str
    """The rule that answers it."""
    question: str
    """Yes is good."""
    answer: Answer
    weight: float
    critical: bool
    reason: str
    quote: str | None = None
    role: Role | None = None
    start_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardResult:
    """A call by one scorecard."""

    scorecard: str
    title: str
    score: float | None
    """Weight of the items answered yes over the weight of those that apply, 0..1; None where none applies."""
    passed: bool | None
    """Whether the score reaches the pass mark and no critical item is answered no."""
    failed_critical: tuple[str, ...]
    """Critical items answered no."""
    answers: tuple[ScorecardAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Payload of the step `rules`."""

    matches: tuple[RuleMatch, ...] = ()
    """In the order of the rule file."""
    not_judged: Mapping[str, str] = field(default_factory=dict)
    """Rule to why it could not be judged in this call."""
    not_judged_in_language: int = 0
    """How many of those that ask for attention could not, because they are not for the language of the call."""
    scorecards: tuple[ScorecardResult, ...] = ()
