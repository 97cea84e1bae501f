"""Words that both channels have, and whose they are: decided with ears that hear what they are told to hear."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.channels.likeness import Copy, Sound
from pipeline.overheard.compare import Speech, place_of, tell_apart
from pipeline.overheard.said import said_in, timed
from pipeline.overheard.shared_words import Owner, whose
from pipeline.overheard.taken_out import OfOther, without
from pipeline.records import SegmentText, Word

CLIENT, AGENT = 0, 1


def copy(
    likeness: float,
    delay_s: float,
    louder_db: float | None,
    frames: int = 1000,
    *,
    own_until: int = 0,
    own_from: int | None = None,
    own_voice: slice | None = None,
) -> Copy:
    """A copy all of whose parts are as like as the whole, but for the frames up to `own_until` and from `own_from` on.

    In the frames `own_voice` the own channel is 6 dB louder than the other one.
    """
    own = np.ones((frames, 4))
    source = own * likeness
    source[:, ::2] += np.sqrt(max(0.0, 1 - likeness**2))
    source[:, 1::2] -= np.sqrt(max(0.0, 1 - likeness**2))
    source[:own_until] = (1.0, -1.0, 1.0, -1.0)
    if own_from is not None:
        source[own_from:] = (1.0, -1.0, 1.0, -1.0)
    level = np.full(frames, louder_db or 0.0)
    if own_voice is not None:
        level[own_voice] = -6.0
    return Copy(likeness, delay_s, louder_db, Sound(source, level), Sound(own, np.zeros(frames)))


@dataclass
class Echo:
    """The channel `own` hears the channel `source`, `delay_s` later and `louder_db` quieter, in these stretches."""

    source: int = AGENT
    own: int = CLIENT
    likeness: float = 0.6
    delay_s: float = 0.1
    louder_db: float = 8.0
    within: tuple[float, float] = (0.0, 1e9)
    own_voice: tuple[float, float] | None = None
    """Where somebody speaks over the echo."""
    asked: list[tuple[float, float]] = field(default_factory=list)

    def copy_of(self, source: int, own: int, start_s: float, end_s: float) -> Copy | None:
        self.asked.append((start_s, end_s))
        middle_s = (start_s + end_s) / 2
        if (source, own) == (self.source, self.own) and self.within[0] <= middle_s <= self.within[1]:
            frames = round((end_s - start_s) * 100)
            until, own_from = (max(0, round((min(at_s, end_s) - start_s) * 100)) for at_s in self.within)
            voice = self.own_voice and slice(*(max(0, round((at_s - start_s) * 100)) for at_s in self.own_voice))
            return copy(
                self.likeness, self.delay_s, self.louder_db, frames,
                own_until=until, own_from=own_from, own_voice=voice,
            )  # fmt: skip
        if (own, source) == (self.source, self.own) and self.within[0] <= middle_s + self.delay_s <= self.within[1]:
            return copy(self.likeness, -self.delay_s, -self.louder_db)
        return copy(0.05, 0.7, 1.0)


APART = Echo(likeness=0.05)
"""Two channels that have nothing to do with each other."""


def segment(channel: int, ordinal: int, start_s: float, text: str, *, timed: bool = True) -> SegmentText:
    """Words of 0.4 s, one after the other."""
    texts = text.split()
    words = tuple(
        Word(text=word, start_s=start_s + 0.4 * n, end_s=start_s + 0.4 * n + 0.35) for n, word in enumerate(texts)
    )
    return SegmentText(
        channel=channel,
        ordinal=ordinal,
        start_s=start_s - 0.25,
        end_s=start_s + 0.4 * len(texts) + 0.25,
        text=text,
        language="en",
        words=words if timed else None,
        confidence=0.9 if channel == AGENT else 0.8,
    )


def speech_of(*segments: SegmentText) -> Speech:
    return {place_of(s): ((s.start_s + 0.25, s.end_s - 0.25),) for s in segments}


def told(ears: Echo, *segments: SegmentText) -> dict[tuple[int, int], tuple[str, tuple[str, ...]]]:
    found = tell_apart(segments, speech_of(*segments), ears)
    return {place_of(s): (s.text, s.flags) for s in found.segments}


GREETING = "thank you for calling north star how can I help"


@pytest.mark.parametrize("timed", [True, False])
def test_an_echo_is_stored_once_under_the_side_that_said_it(timed: bool) -> None:
    agent = segment(AGENT, 0, 1.0, GREETING, timed=timed)
    heard = segment(CLIENT, 0, 1.1, GREETING, timed=timed)
    own = segment(CLIENT, 1, 8.0, "my card is gone", timed=timed)
    assert told(Echo(), agent, heard, own) == {
        (AGENT, 0): (GREETING, ()),
        (CLIENT, 0): ("", ("overheard",)),
        (CLIENT, 1): ("my card is gone", ()),
    }


def test_an_echo_heard_a_little_differently_goes_whole() -> None:
    agent = segment(AGENT, 0, 1.0, "I can see a fault in your street today")
    heard = segment(CLIENT, 0, 1.1, "I can see I've followed in your street two")
    assert told(Echo(), agent, heard)[CLIENT, 0] == ("", ("overheard",))


def test_an_echo_in_which_other_words_were_heard_goes_too() -> None:
    agent = segment(AGENT, 0, 1.0, "let me look at your line")
    heard = segment(CLIENT, 0, 1.1, "led bee book hat jaw nine")
    assert told(Echo(), agent, heard)[CLIENT, 0] == ("", ("overheard",))


def test_own_words_after_an_echo_stay_with_their_times_and_speech() -> None:
    agent = segment(AGENT, 0, 1.0, GREETING)
    heard = segment(CLIENT, 0, 1.1, f"{GREETING} my card is gone")
    left = tell_apart((agent, heard), speech_of(agent, heard), Echo(within=(0.0, 4.9)))
    (client,) = (s for s in left.segments if s.channel == CLIENT)
    assert (client.text, client.flags) == ("my card is gone", ("overheard",))
    assert [word.text for word in client.words or ()] == ["my", "card", "is", "gone"]
    assert client.words is not None
    assert client.start_s == pytest.approx(client.words[0].start_s - 0.25), "it begins with what is left"
    assert [round(edge, 3) for span in left.speech[CLIENT, 0] or () for edge in span] == [5.1, 6.7]
    assert left.speech[AGENT, 0] == speech_of(agent)[AGENT, 0]


@pytest.mark.parametrize(
    ("heard", "own", "left"),
    [
        pytest.param("is your name yes John Smith", (2.2, 2.6), "yes", id="in the midst of it"),
        pytest.param("yes", (1.0, 1.4), "yes", id="all that was understood"),
        pytest.param("is your name yes John Smith", None, "", id="a word misheard in the echo"),
        pytest.param("is your name John Smith", (1.4, 1.8), "your", id="a word that the other says, too"),
        pytest.param("is your name John Smith", (1.3, 1.5), "", id="a neighbour of own speech"),
    ],
)
def test_an_own_short_answer_in_an_echo_stays(heard: str, own: tuple[float, float] | None, left: str) -> None:
    """The client's "yes" while the agent's echo runs on the client's channel: louder there than the agent."""
    agent, client = segment(AGENT, 0, 0.9, "is your name John Smith"), segment(CLIENT, 0, 1.0, heard)
    assert told(Echo(own_voice=own), agent, client)[CLIENT, 0] == (left, () if left == heard else ("overheard",))


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        pytest.param((1.0, "yes"), (1.2, "yes"), id="both say yes"),
        pytest.param((1.0, "bye bye"), (1.1, "bye bye"), id="both say bye"),
        pytest.param((1.0, "four seven one one"), (1.8, "four seven one one"), id="a number read back at once"),
        pytest.param((1.0, "four seven one one"), (3.0, "four seven one one"), id="a number read back"),
        pytest.param((1.0, GREETING), (1.1, GREETING), id="in chorus"),
    ],
)
@pytest.mark.parametrize("timed", [True, False])
def test_the_same_words_honestly_said_by_both_stay(
    agent: tuple[float, str], client: tuple[float, str], timed: bool
) -> None:
    one, other = segment(AGENT, 0, *agent, timed=timed), segment(CLIENT, 0, *client, timed=timed)
    assert told(APART, one, other) == {(AGENT, 0): (agent[1], ()), (CLIENT, 0): (client[1], ())}


def test_a_synthetic_voice_that_reads_back_is_no_echo() -> None:
    """The very same sound, as loud, and after the other had said it."""
    one, other = segment(AGENT, 0, 1.0, "one one"), segment(CLIENT, 0, 1.9, "one one")
    repeated = Echo(likeness=1.0, delay_s=0.9, louder_db=0.0)
    assert {text for text, _ in told(repeated, one, other).values()} == {"one one"}


def test_a_mix_on_one_side_is_told_apart_by_the_side_that_has_nothing_else() -> None:
    mix = Echo(delay_s=0.0, louder_db=0.0, likeness=0.7)
    agent = segment(AGENT, 0, 1.0, GREETING)
    on_client = segment(CLIENT, 0, 1.0, GREETING)
    own = segment(CLIENT, 1, 8.0, "my card is gone I want a new one please do")
    quiet = Echo(source=AGENT, own=CLIENT, delay_s=mix.delay_s, louder_db=0.0, likeness=0.7, within=(0.0, 7.0))
    assert told(quiet, agent, on_client, own) == {
        (AGENT, 0): (GREETING, ()),
        (CLIENT, 0): ("", ("overheard",)),
        (CLIENT, 1): (own.text, ()),
    }


def test_a_mono_copy_stays_once_and_says_that_its_side_is_uncertain() -> None:
    copies = Echo(delay_s=0.0, louder_db=2.9, likeness=0.4)
    said = [segment(c, n, at, text) for c in (0, 1) for n, (at, text) in enumerate([(1.0, GREETING), (9.0, "my card")])]
    found = told(copies, *said)
    assert {place: found[place] for place in ((AGENT, 0), (AGENT, 1))} == {
        (AGENT, 0): (GREETING, ("side_uncertain",)),
        (AGENT, 1): ("my card", ("side_uncertain",)),
    }, "the channel that is understood better keeps them"
    assert found[CLIENT, 0] == found[CLIENT, 1] == ("", ("overheard",))


@pytest.mark.parametrize("timed", [True, False])
def test_what_a_side_says_before_and_after_the_other_are_two_turns(timed: bool) -> None:
    """Both sides on the client's channel, without a pause: voice activity finds one segment."""
    agent = segment(AGENT, 0, 2.6, "what is your name please sir", timed=timed)
    mixed = segment(CLIENT, 0, 1.0, "I lost my card what is your name please sir my name is Smith", timed=timed)
    mix = Echo(delay_s=0.0, louder_db=0.0, within=(2.6, 5.0))
    found = tell_apart((agent, mixed), speech_of(agent, mixed), mix)
    first, second = (s for s in found.segments if s.channel == CLIENT)
    assert [s.text for s in (first, second)] == ["I lost my card", "my name is Smith"]
    assert first.end_s < second.start_s
    assert (first.ordinal, second.ordinal) == (0, 1)
    assert [len(found.speech[place_of(s)] or ()) for s in (first, second)] == [1, 1]


@pytest.mark.parametrize(
    ("ears", "spoken"),
    [
        pytest.param(Echo(within=(1.4, 5.9)), [(1.0, 1.4), (6.0, 6.4)], id="the agent's echo"),
        pytest.param(APART, [(1.0, 3.7), (3.7, 6.4)], id="own sound, though no words"),
        pytest.param(Echo(louder_db=2.0, within=(1.4, 5.9)), [(1.0, 3.7), (3.7, 6.4)], id="as loud as the agent"),
        pytest.param(Echo(delay_s=-0.1, within=(1.4, 5.9)), [(1.0, 3.7), (3.7, 6.4)], id="before the agent"),
    ],
)
def test_an_echo_for_which_no_words_were_written_is_no_speech(ears: Echo, spoken: list[tuple[float, float]]) -> None:
    agent = segment(AGENT, 0, 1.5, "do you want to leave on the ninth of May")
    words = (Word(text="hello", start_s=1.0, end_s=1.4), Word(text="yes", start_s=6.0, end_s=6.4))
    client = replace(segment(CLIENT, 0, 1.0, "hello yes"), words=words, end_s=6.65)
    found = tell_apart((agent, client), speech_of(agent, client), ears)
    left = [s for s in found.segments if s.channel == CLIENT]
    assert [(s.text, s.flags) for s in left] == [("hello", ()), ("yes", ())]
    edges = [edge for s in left for span in found.speech[place_of(s)] or () for edge in span]
    assert edges == pytest.approx([edge for span in spoken for edge in span], abs=0.2)


@pytest.mark.parametrize(
    ("pause_s", "answer", "parted"),
    [
        pytest.param(0.9, (3.05, "no"), True, id="an answer in a pause"),
        pytest.param(0.05, (2.65, "no"), False, id="too short a pause to tell"),
        pytest.param(0.9, (3.05, "no there was none at all"), False, id="who speaks on talks at the same time"),
        pytest.param(0.9, (9.0, "no"), False, id="nobody answers in it"),
    ],
)
@pytest.mark.parametrize("timed", [True, False])
def test_who_goes_on_after_an_answer_begins_a_turn(
    pause_s: float, answer: tuple[float, str], parted: bool, timed: bool
) -> None:
    """Voice activity joins speech over pauses of up to half a second and its padding."""
    first, second = segment(AGENT, 0, 1.0, "was there a note"), segment(AGENT, 0, 2.95 + pause_s, "then I send it")
    agent = replace(
        first,
        text=f"{first.text} {second.text}",
        words=(*(first.words or ()), *(second.words or ())) if timed else None,
        end_s=second.end_s,
    )
    pause = (first.end_s - 0.25, second.start_s + 0.25)
    client = segment(CLIENT, 0, *answer)
    spoken = ((1.0, pause[0]), (pause[1], agent.end_s - 0.25))
    speech = {place_of(agent): spoken, **speech_of(client)}
    found = tell_apart((agent, client), speech, APART)
    left = [(s.text, s.flags, found.speech[place_of(s)]) for s in found.segments if s.channel == AGENT]
    if parted and timed:
        assert left == [(first.text, (), spoken[:1]), (second.text, (), spoken[1:])]
    else:
        assert left == [(agent.text, (), spoken)]


@pytest.mark.parametrize(
    ("delay_s", "louder_db", "duration_s", "owner"),
    [
        (0.04, 6.0, 2.0, Owner.OTHER),
        (1.0, 6.0, 2.0, Owner.OTHER),
        (1.0, 6.0, 0.5, Owner.OTHER),
        (0.0, 6.0, 2.0, Owner.OTHER),
        (0.2, -4.0, 2.0, Owner.OTHER),  # the channel is recorded louder: a copy is never early
        (-0.04, -6.0, 2.0, Owner.OWN),
        (0.0, -6.0, 2.0, Owner.OWN),
        (0.0, 2.9, 2.0, Owner.UNCLEAR),
        (0.01, -2.0, 2.0, Owner.UNCLEAR),
        (0.6, 1.0, 1.0, None),
        (-0.6, 1.0, 1.0, None),
    ],
)
def test_the_earlier_or_louder_one_is_the_original(
    delay_s: float, louder_db: float, duration_s: float, owner: Owner | None
) -> None:
    assert whose(copy(0.5, delay_s, louder_db), duration_s) is owner


def test_nothing_is_heard_again_where_nothing_is_shared() -> None:
    ears = Echo()
    told(ears, segment(AGENT, 0, 1.0, GREETING), segment(CLIENT, 0, 8.0, "my card is gone"))
    assert ears.asked == []


def test_a_third_channel_overhears_too() -> None:
    agent, third = segment(AGENT, 0, 1.0, GREETING), segment(2, 0, 1.1, GREETING)
    assert told(Echo(own=2), agent, third)[2, 0] == ("", ("overheard",))


SAID = ["yes", "no", "one", "two", "three", "right", "okay", "thanks"]
WORDS = st.lists(st.sampled_from(SAID), min_size=1, max_size=8)
TALK = st.lists(st.tuples(st.sampled_from([CLIENT, AGENT]), st.floats(0, 30), WORDS, st.booleans()), max_size=8)


def segments_of(talk: list[tuple[int, float, list[str], bool]]) -> list[SegmentText]:
    counts: dict[int, int] = {}
    made = []
    for channel, start_s, words, with_times in talk:
        made.append(segment(channel, counts.get(channel, 0), start_s, " ".join(words), timed=with_times))
        counts[channel] = counts.get(channel, 0) + 1
    return made


@given(TALK)
def test_no_word_is_lost_where_the_channels_are_independent(talk: list[tuple[int, float, list[str], bool]]) -> None:
    segments = segments_of(talk)
    speech = speech_of(*segments)
    found = tell_apart(segments, speech, APART)
    assert (found.segments, found.speech) == (tuple(segments), speech)


@given(TALK, st.sampled_from([0.05, 0.4, 1.0]))
def test_the_side_that_is_overheard_keeps_every_word(
    talk: list[tuple[int, float, list[str], bool]], delay_s: float
) -> None:
    segments = segments_of(talk)
    found = tell_apart(segments, speech_of(*segments), Echo(delay_s=delay_s))
    assert [s for s in found.segments if s.channel == AGENT] == [s for s in segments if s.channel == AGENT]
    whole = [replace(was, ordinal=0) for was in segments]
    for left in found.segments:
        if left.channel == AGENT or replace(left, ordinal=0) in whole:  # numbered anew behind a segment in parts
            continue
        assert "overheard" in left.flags
        speech = found.speech[place_of(left)] or ()
        assert all(start_s < end_s for start_s, end_s in speech)
        assert any(
            was.start_s <= left.start_s <= left.end_s <= was.end_s
            and all(was.start_s <= start_s and end_s <= was.end_s for start_s, end_s in speech)
            for was in segments
            if was.channel == CLIENT
        )
        if left.words is not None:
            assert " ".join(word.text for word in left.words) == left.text


def test_flags_of_the_recogniser_stay() -> None:
    agent = segment(AGENT, 0, 1.0, GREETING)
    heard = replace(segment(CLIENT, 0, 1.1, GREETING), flags=("loop_cured",))
    assert told(Echo(), agent, heard)[CLIENT, 0][1] == ("loop_cured", "overheard")


def test_words_the_recogniser_takes_apart_keep_their_times() -> None:
    texts = [("It", 1.0), ("is", 1.4), ("15", 1.8), ("%.", 2.2), ("That", 6.0), ("suits", 6.4), ("me.", 6.8)]
    times = tuple(Word(text=text, start_s=start, end_s=start + 0.3) for text, start in texts)
    made = replace(segment(CLIENT, 0, 1.0, "It is 15%. That suits me."), words=times)
    assert timed(made)
    assert [(word.key, word.start_s, word.end_s) for word in said_in(made, None)][2] == ("15", 1.8, 2.5)
    ((left, _),) = without(made, said_in(made, None), {0, 1, 2}, OfOther(), None)
    assert (left.text, left.words) == ("That suits me.", times[4:])
    other = replace(made, words=(Word(text="something", start_s=1.0, end_s=2.0),))
    assert not timed(other)
    assert said_in(other, [(1.0, 7.0)])[0].start_s == 1.0


@pytest.mark.parametrize(
    ("text", "likeness", "goes"),
    [(GREETING, 0.16, True), ("yes please", 0.16, False), ("yes please", 0.22, True), (GREETING, 0.12, False)],
)
def test_many_shared_words_need_less_likeness_than_few(text: str, likeness: float, goes: bool) -> None:
    found = told(Echo(likeness=likeness), segment(AGENT, 0, 1.0, text), segment(CLIENT, 0, 1.1, text))
    assert found[CLIENT, 0] == (("", ("overheard",)) if goes else (text, ()))


@pytest.mark.parametrize(
    ("text", "places", "left"),
    [
        pytest.param("", [], ("", 0.4, ()), id="nothing was written"),
        pytest.param("hello there", [0, 1], ("", None, ("overheard",)), id="all of it is the other side's"),
    ],
)
def test_a_segment_without_words_of_its_own_believes_in_none(
    text: str, places: list[int], left: tuple[str, float | None, tuple[str, ...]]
) -> None:
    one = replace(segment(0, 0, 1.0, text), confidence=0.4)
    ((found, spoken),) = without(one, said_in(one, None), places, OfOther(), None)
    assert (found.text, found.confidence, found.flags) == left
    assert found.words == (None if places else one.words)
    assert (spoken is None) is (not places)
