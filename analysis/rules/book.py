"""What a rule file may hold: the models it is checked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from analysis.rules.patterns import parse_phrase
from pipeline.config.base import Area, OneOrList
from pipeline.roles import Role

Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Who = Literal["agent", "client", "unknown", "any"]
Weight = Annotated[float, Field(gt=0, le=1000)]


Phrase = Annotated[OneOrList[tuple[str, ...]], Field(min_length=1, max_length=2000)]


class Phrases(Area):
    """Words to listen for."""

    any_of: Phrase | Annotated[Mapping[Language, Phrase], Field(min_length=1)]
    """Phrases, one of which is enough; or by language of the call (ISO 639-1): `en: [...]`, `fr: [...]`. Words are
    compared by their stems (`cancel` finds `cancelled`); `a/b` is either word, `=called` that form alone, `...` stands
    for up to three other words."""

    @field_validator("any_of")
    @classmethod
    def _readable(cls, value: tuple[str, ...] | Mapping[str, tuple[str, ...]]) -> object:
        for phrase in value if isinstance(value, tuple) else [phrase for own in value.values() for phrase in own]:
            parse_phrase(phrase)
        return value

    def phrases_in(self, language: str | None) -> tuple[str, ...]:
        """Those for a call in this language; where it is not known, all. Empty where there are none for it."""
        if isinstance(self.any_of, tuple):
            return self.any_of
        if language is None:
            return tuple(phrase for own in self.any_of.values() for phrase in own)
        return self.any_of.get(language, ())

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that have phrases of their own; empty where they are for any."""
        return () if isinstance(self.any_of, tuple) else tuple(self.any_of)


class Near(Phrases):
    """Phrases close to another one."""

    role: Who | None = None
    """Whose words; null for the same side's."""
    side: Literal["before", "after", "either"] = "either"
    """Where they stand."""
    within_words: Annotated[int, Field(ge=1, le=500)] | None = None
    """At most this many words of the same side between; null for `within_s` alone."""
    within_s: Seconds | None = None
    """At most this many seconds between; null for `within_words` alone."""

    @model_validator(mode="after")
    def _a_distance(self) -> Self:
        if (self.within_words is None) == (self.within_s is None):
            raise ValueError("say how near: either within_words or within_s")
        if self.within_words is not None and self.role is not None:
            raise ValueError("within_words counts the words of one side; with role say within_s")
        return self


class Said(Phrases):
    """Whether somebody says one of the phrases, or nobody does."""

    role: Who = "any"
    """Whose words."""
    first_s: Seconds | None = None
    """Only in the first seconds, counted from the first word of the call."""
    last_s: Seconds | None = None
    """Only in the last seconds, counted back from the last word."""
    first_share: Share | None = None
    """Only in this first part of the talk, 0..1."""
    last_share: Share | None = None
    """Only in this last part of the talk, 0..1."""
    missing: bool = False
    """true: holds where nobody says any of them."""
    at_least: Annotated[int, Field(ge=1, le=100)] = 1
    """How often."""
    apart_s: Seconds = 0.0
    """Moments closer than this count as one."""
    near: Near | None = None
    """Only where one of these phrases is close."""
    not_near: Near | None = None
    """Not where one of these phrases is close."""

    @model_validator(mode="after")
    def _one_part(self) -> Self:
        parts = [name for name in ("first_s", "last_s", "first_share", "last_share") if getattr(self, name) is not None]
        if len(parts) > 1:
            raise ValueError(f"{' and '.join(parts)}: name one part of the call")
        if self.missing and self.at_least > 1:
            raise ValueError("missing and at_least: a phrase that is missing is said 0 times; leave at_least out")
        return self


class Mood(Area):
    """The mood of one side over the call."""

    role: Role
    """Whose."""
    label: Literal["negative", "neutral", "positive"] = Field(alias="is")
    """Which."""
    confidence_at_least: Share = 0.0
    """Its least probability."""
    source: Literal["fusion", "text"] | None = None
    """From words and voice (fusion) or from words; null: fusion where there is one, else text."""


class MoodFall(Area):
    """How far the mood of one side falls from its best quarter of the call to a later one."""

    role: Role
    """Whose."""
    by: Annotated[float, Field(gt=0, le=2)]
    """Least fall; mood runs from -1 to 1."""
    to_at_most: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Where it falls to."""
    source: Literal["fusion", "text"] | None = None
    """As for mood."""


class _AtLeastOne(Area):
    @model_validator(mode="after")
    def _a_bound(self) -> Self:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"say at least one of: {', '.join(type(self).model_fields)}")
        return self


class Silence(_AtLeastOne):
    """Time in which nobody speaks: a hold, music, a search."""

    longest_over_s: Seconds | None = None
    """One silence longer than this, between the first word and the last."""
    share_over: Share | None = None
    """More than this share of the call."""


class Overtalk(_AtLeastOne):
    """Both speaking at once."""

    over_s: Seconds | None = None
    """More seconds than this in all."""
    share_over: Share | None = None
    """More than this share of the call."""


class Interruptions(Area):
    """How often one side cuts in."""

    role: Literal["agent", "client"]
    """Who cuts in."""
    over: Annotated[int, Field(ge=0)]
    """More often than this."""


class TopicIs(Area):
    """What the call is about."""

    any_of: Annotated[OneOrList[tuple[str, ...]], Field(min_length=1)]
    """Topics of the glossary: `Billing`, or `Billing > Refund`."""


class Length(_AtLeastOne):
    """How long the recording is."""

    over_s: Seconds | None = None
    """Longer than this."""
    under_s: Seconds | None = None
    """Shorter than this."""


class Doubts(_AtLeastOne):
    """How far the transcript can be believed."""

    share_over: Share | None = None
    """More than this share of its chunks with words is in doubt (not what was said, perhaps)."""
    any_flag: OneOrList[tuple[str, ...]] | None = None
    """One of these flags of the call, its transcript or a chunk."""


class Condition(Area):
    """What must hold. Several keys: all of them."""

    model_config = ConfigDict(populate_by_name=False)

    said: Said | None = None
    mood: Mood | None = None
    mood_fall: MoodFall | None = None
    silence: Silence | None = None
    overtalk: Overtalk | None = None
    interruptions: Interruptions | None = None
    topic: TopicIs | None = None
    length: Length | None = None
    doubts: Doubts | None = None
    all_of: Annotated[tuple[Condition, ...], Field(min_length=1)] | None = Field(default=None, alias="all")
    any_of: Annotated[tuple[Condition, ...], Field(min_length=1)] | None = Field(default=None, alias="any")
    not_so: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.parts:
            choices = (info.alias or name for name, info in type(self).model_fields.items())
            raise ValueError(f"is empty; say at least one of: {', '.join(choices)}")
        return self

    @property
    def parts(self) -> list[str]:
        """The fields that are given."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]


class Rule(Area):
    """One reason to look at a call."""

    name: Name
    """How tables and scorecards call it."""
    title: Title
    """What people read."""
    weight: Weight = 1.0
    """How much it counts beside other rules."""
    critical: bool = False
    """true: to be looked at whatever else there is."""
    attention: bool = True
    """false: for scorecards only; a call that matches needs no attention."""
    notify: bool = False
    """true: whoever `attention.notify` names is told, once a call."""
    languages: tuple[Language, ...] | None = None
    """Languages (ISO 639-1) of calls it is for; null for the file's."""
    applies_when: Condition | None = None
    """Where this does not hold, the rule is not judged; null: it always is."""
    when: Condition
    """Holds for a call that needs attention."""


class Item(Area):
    """One item of a scorecard."""

    rule: Name
    """The rule that answers it."""
    question: Title
    """What people who score the call are asked; yes is good."""
    good_when: Literal["holds", "fails"] = "holds"
    """Whether the answer is yes where the rule holds, or where it does not."""
    weight: Weight = 1.0
    """How much it counts beside other items."""
    critical: bool = False
    """true: with a no here the call fails, whatever its score."""


class Scorecard(Area):
    """Items that together say how well a call was handled."""

    name: Name
    """How tables call it."""
    title: Title
    """What people read."""
    pass_mark: Share = 0.8
    """Least score of a call that passes."""
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]
    """In the order of the sheet."""


class RuleFile(Area):
    """A rule file."""

    languages: tuple[Language, ...] = ()
    """Languages of calls that the rules are for; empty for any."""
    lists: Mapping[str, tuple[str, ...] | Mapping[Language, tuple[str, ...]]] = Field(default_factory=dict)
    """Lists of phrases, by language or not, that several rules share by YAML's anchors: `&name` here, `*name` there."""
    rules: tuple[Rule, ...] = ()
    """In the order in which matches are listed."""
    scorecards: tuple[Scorecard, ...] = ()
    """Weighted sets of the rules."""
