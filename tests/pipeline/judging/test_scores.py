"""Figures of one call, on transcripts whose faults are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.judging.scores import FIGURES, CallScore, HeardCall, order_agreement, score_call
from pipeline.judging.truth import SpeakerSpan, TrueCall, TrueTurn, TrueWord
from pipeline.records import Role, TranscriptChunk, Word

ROLES = {0: Role.CLIENT, 1: Role.AGENT}


def turn(channel: int, start_s: float, text: str = "word", end_s: float | None = None) -> TrueTurn:
    role = ROLES[channel].value
    return TrueTurn(
        channel=channel,
        role=role,
        start_s=start_s,
        end_s=start_s + 1 if end_s is None else end_s,
        text=text,
        speaker=role,
    )


def chunk(
    channel: int, start_s: float, text: str = "word", *flags: str, words: tuple[Word, ...] | None = None
) -> TranscriptChunk:
    return TranscriptChunk(
        channel=channel, ordinal=0, role=ROLES[channel], start_s=start_s, end_s=start_s + 1, text=text, words=words,
        flags=flags,
    )  # fmt: skip


def heard(*chunks: TranscriptChunk, flags: tuple[str, ...] = ()) -> HeardCall:
    return HeardCall(
        name="call",
        duration_s=20.0,
        language="en",
        flags=flags,
        chunks=chunks,
        engine="scripted",
        model="m",
        revision=None,
    )


TRUTH = TrueCall(
    name="call",
    turns=(
        turn(1, 0, "Good morning, North Star."),
        turn(0, 2, "My card is lost."),
        turn(1, 4, "Okay."),
        turn(0, 6, "Yes."),
    ),
)


def rate(score: CallScore, name: str) -> float | None:
    part, whole = score.figures[name]
    return part / whole if whole else None


def test_a_perfect_transcript_has_no_errors_on_either_side() -> None:
    score = score_call(
        heard(*(chunk(t.channel, t.start_s or 0, t.text) for t in TRUTH.turns)), TRUTH, "en", ["North Star"]
    )
    wanted = {
        "wer": 0, "cer": 0, "wer_agent": 0, "wer_client": 0, "names": 1, "short_answers": 1, "speech_f1": 1,
        "turn_order": 1, "idle_chunks": 0, "word_time_s": 0, "der": 0,
    }  # fmt: skip
    assert {name: rate(score, name) for name in wanted} == pytest.approx(wanted)
    assert all(side.role_right for side in score.sides)
    assert set(score.figures) == set(FIGURES)


def test_errors_are_counted_for_the_side_that_has_them() -> None:
    score = score_call(
        heard(chunk(1, 0, "Good morning, North Star."), chunk(0, 2, "My cart is lost now."), chunk(1, 4, "Okay.")),
        TRUTH,
        "en",
    )
    assert rate(score, "wer_agent") == 0
    assert rate(score, "wer_client") == pytest.approx(2 / 5), "cart, and now for yes"
    assert score.words.substitutions == 2
    assert rate(score, "short_answers") == pytest.approx(1 / 2)


def test_a_name_counts_only_where_all_of_it_is_heard() -> None:
    score = score_call(
        heard(chunk(1, 0, "Good morning, North Start."), chunk(0, 2, "Star")), TRUTH, "en", ["North Star", "Elsewhere"]
    )
    assert score.figures["names"] == (0, 1)


def test_a_chunk_where_nobody_speaks_counts_unless_it_carries_a_warning() -> None:
    idle = chunk(0, 10, "Thank you.")
    cured = chunk(0, 12, "Thank you.", "echo_cured")
    flagged = chunk(0, 14, "Thank you.", "low_confidence")
    beside = chunk(0, 3.2, "lost.")
    score = score_call(heard(idle, cured, flagged, beside), TRUTH, "en")
    assert score.idle_chunks == (idle, cured)


def test_noise_is_no_speech_and_no_word() -> None:
    truth = replace(TRUTH, turns=(*TRUTH.turns, turn(0, 12, "")))
    score = score_call(heard(chunk(0, 12, "Hm")), truth, "en")
    assert [one.text for one in score.idle_chunks] == ["Hm"]
    assert score.sides[0].speech_precision == 0


def test_padding_around_speech_is_neither_speech_nor_beside_it() -> None:
    padded = replace(chunk(0, 1), end_s=4.0, speech=((2.0, 3.0),))
    score = score_call(heard(padded), replace(TRUTH, turns=(turn(0, 2, "word"),)), "en")
    assert (score.sides[0].speech_precision, score.sides[0].speech_recall) == (1.0, 1.0)
    far = replace(padded, speech=((1.0, 1.5),))
    assert score_call(heard(far), replace(TRUTH, turns=(turn(0, 2, "word"),)), "en").idle_chunks == (far,)


def test_words_of_a_doubled_channel_are_judged_once_and_without_roles() -> None:
    turns = [chunk(t.channel, t.start_s or 0, t.text) for t in TRUTH.turns]
    both = [replace(one, channel=channel) for one in turns for channel in (0, 1)]
    score = score_call(heard(*sorted(both, key=lambda c: c.start_s), flags=("dual_mono",)), TRUTH, "en")
    assert rate(score, "wer") == 0
    assert [(side.role, side.role_right) for side in score.sides] == [("channel 0", None)]


def test_a_mono_call_whose_speakers_were_told_apart_is_judged_as_one() -> None:
    turns = [chunk(1 - t.channel, t.start_s or 0, t.text) for t in TRUTH.turns]
    score = score_call(heard(*turns, flags=("diarised",)), TRUTH, "en")
    assert rate(score, "wer") == 0


def test_the_second_speaker_of_a_doubled_recording_is_judged() -> None:
    """His words counted as left out: his channel was taken for the copy of the first."""
    turns = [chunk(1 - t.channel, t.start_s or 0, t.text) for t in TRUTH.turns]
    score = score_call(heard(*turns, flags=("diarised", "dual_mono")), TRUTH, "en")
    assert (rate(score, "wer"), rate(score, "der")) == (0, 0)


def test_speech_on_the_wrong_channel_is_confused_and_a_turn_left_out_is_missed() -> None:
    said = [chunk(1, 0, "Good morning."), chunk(0, 2, "My card is lost."), chunk(0, 4, "Okay.")]
    assert score_call(heard(*said), TRUTH, "en").figures["der"] == pytest.approx((0.5 + 0.5, 2.0)), "collars left out"


def test_the_speakers_of_an_rttm_file_count_before_those_of_the_turns() -> None:
    one = replace(TRUTH, speakers=(SpeakerSpan("a", 0, 1), SpeakerSpan("b", 4, 5)))
    found = score_call(heard(chunk(0, 0), chunk(1, 4)), one, "en")
    assert found.figures["der"] == pytest.approx((0, 1))
    alone = score_call(heard(chunk(0, 0)), replace(TRUTH, speakers=(SpeakerSpan("a", 0, 1),)), "en")
    assert (alone.figures["der"], alone.reasons["der"]) == ((0, 0), "the truth names fewer than two speakers")


def test_a_number_over_the_border_of_two_turns_hides_no_short_answer() -> None:
    turns = (turn(0, 0, "It is twenty"), turn(0, 2, "five"), turn(0, 4, "yes"), turn(0, 6, "all right"))
    said = [chunk(0, one.start_s or 0, one.text) for one in turns[:3]]
    score = score_call(heard(*said), TrueCall(name="call", turns=turns), "en")
    assert score.figures["short_answers"] == (1, 2)


def test_turn_times_give_the_error_at_the_edges_of_turns() -> None:
    late = replace(chunk(0, 2.25, "My card is lost."), end_s=3.5)
    score = score_call(heard(late), TRUTH, "en")
    assert score.figures["word_time_s"] == pytest.approx((0.25 + 0.5, 2))


def test_word_times_give_the_error_of_every_word_that_is_right() -> None:
    words = (TrueWord("my", 2.0, 2.2), TrueWord("card", 2.2, 2.6))
    truth = TrueCall(name="call", turns=(replace(turn(0, 2, "my card", 2.6), words=words),))
    said = chunk(
        0, 2, "my cart", words=(Word(text="My", start_s=2.1, end_s=2.2), Word(text="cart", start_s=2.2, end_s=2.6))
    )
    assert score_call(heard(said), truth, "en").figures["word_time_s"] == pytest.approx((0.1, 2))


def test_words_without_times_have_no_time_figures() -> None:
    truth = TrueCall(name="call", turns=(TrueTurn(channel=0, role=None, start_s=None, end_s=None, text="my card"),))
    score = score_call(heard(chunk(0, 2, "my card"), flags=("mono",)), truth, "en")
    assert {name: rate(score, name) for name in ("speech_f1", "turn_order", "idle_chunks", "word_time_s", "wer")} == {
        "speech_f1": None, "turn_order": None, "idle_chunks": None, "word_time_s": None, "wer": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        ([chunk(0, 0), chunk(1, 2), chunk(0, 4)], (3, 3)),
        ([chunk(1, 2), chunk(0, 0), chunk(0, 4)], (2, 3)),
        ([], None),
    ],
)
def test_order_counts_turns_that_do_not_step_back(chunks: list[TranscriptChunk], found: tuple[int, int] | None) -> None:
    assert order_agreement([turn(0, 0), turn(1, 2), turn(0, 4)], chunks) == found
