"""Every figure of calls with many kinds of faults, and of all of them together, as they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random

from pipeline.judging.pooled import pooled
from pipeline.judging.scores import FIGURES, CallScore, HeardCall, score_call
from pipeline.judging.truth import SpeakerSpan, TrueCall, TrueTurn, TrueWord
from pipeline.judging.word_error import confusions
from pipeline.records import Role, TranscriptChunk, Word
from tests.pinned import assert_pinned

ROLES = (Role.CLIENT, Role.AGENT)
SAID = (
    "good morning", "my card is lost", "okay", "please give me your number", "one two three four", "yes", "thank you",
    "north star bank", "no", "the parcel was damaged when it came", "i will send a new one", "goodbye",
)  # fmt: skip


def said(seed: int) -> TrueCall:
    chance, at_s, turns = Random(seed), 0.5, list[TrueTurn]()
    for place in range(14):
        text, channel = chance.choice(SAID), place % 2
        words = text.split()
        step_s = chance.choice((0.2, 0.3, 0.4))
        times = [(at_s + step_s * number, at_s + step_s * (number + 0.8)) for number in range(len(words))]
        turns.append(
            TrueTurn(
                channel=channel,
                role=ROLES[channel].value,
                start_s=at_s,
                end_s=times[-1][1],
                text=text,
                speaker=ROLES[channel].value,
                words=tuple(TrueWord(word, *span) for word, span in zip(words, times, strict=True)),
            )
        )
        at_s = times[-1][1] + chance.choice((-0.2, 0.3, 1.5))
    return TrueCall(name=f"call {seed}", turns=tuple(sorted(turns, key=lambda turn: turn.start_s or 0.0)))


def misheard(call: TrueCall, seed: int) -> Iterator[TranscriptChunk]:
    chance = Random(1000 + seed)
    for ordinal, turn in enumerate(call.turns):
        if chance.random() < 0.1:
            continue  # a turn that is not heard at all
        words = []
        for word in turn.words:
            kind = chance.random()
            if kind < 0.1:
                continue
            text = "bird" if kind < 0.2 else word.text
            late_s = chance.choice((0.0, 0.02, -0.05, 0.4))
            words.append(Word(text=text, start_s=word.start_s + late_s, end_s=word.end_s + late_s))
            if kind > 0.95:
                words.append(Word(text="well", start_s=word.end_s + late_s, end_s=word.end_s + late_s))
        channel = turn.channel if chance.random() < 0.9 else 1 - turn.channel
        start_s, end_s = (turn.start_s or 0.0) - 0.1, (turn.end_s or 0.0) + chance.choice((0.1, 1.0))
        yield TranscriptChunk(
            channel=channel,
            ordinal=ordinal,
            role=ROLES[channel],
            start_s=start_s,
            end_s=end_s,
            text=" ".join(word.text for word in words),
            words=tuple(words) if seed % 3 else None,
            speech=((start_s + 0.1, end_s - 0.1),) if seed % 2 else None,
        )
    yield TranscriptChunk(channel=0, ordinal=99, role=Role.CLIENT, start_s=70.0, end_s=71.0, text="thanks for watching")


CALLS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "both sides": (1, ()),
    "words without times": (3, ()),
    "another one": (4, ()),
    "one channel": (5, ("mono",)),
    "a doubled channel": (7, ("dual_mono",)),
    "told apart": (8, ("mono", "diarised")),
    "speakers by a file": (10, ()),
}


def scores() -> Iterator[tuple[str, CallScore]]:
    for name, (seed, flags) in CALLS.items():
        truth = said(seed)
        heard = HeardCall(
            name=truth.name, duration_s=75.0, language="en", flags=flags,
            chunks=tuple(sorted(misheard(truth, seed), key=lambda chunk: chunk.start_s)),
            engine="some", model="m", revision=None,
        )  # fmt: skip
        if name == "speakers by a file":
            spans = tuple(
                SpeakerSpan(turn.speaker, turn.start_s or 0.0, (turn.end_s or 0.0) + 0.3) for turn in truth.turns
            )
            truth = replace(truth, speakers=spans)
        yield name, score_call(heard, truth, "en", ("north star", "parcel", "card"))


def test_figures_are_as_before() -> None:
    lines, made = [], list(scores())
    for name, score in made:
        lines.append(f"{name}: turn order {score.turn_order}, {dict(score.reasons)}")
        lines += [f"  {figure} {part:.3f} of {whole:.3f}" for figure, (part, whole) in score.figures.items()]
        for side in score.sides:
            words, characters = side.words, side.characters
            lines.append(
                f"  {side.role}: {words.errors} of {words.reference_words} words, {characters.errors} of "
                f"{characters.reference_words} characters, role right {side.role_right}, "
                f"precision {side.speech_precision}, recall {side.speech_recall}, f1 {side.speech_f1}"
            )
        lines += [f"  idle at {chunk.start_s:.1f}: {chunk.text}" for chunk in score.idle_chunks]
    for figure in FIGURES:
        lines.append(f"all, {figure}: {pooled((score for _, score in made), figure, 7)}")
    alignments = [(name, side.alignment) for name, score in made for side in score.sides]
    lines += [str(confusion) for confusion in confusions(alignments, 8)]
    assert_pinned("figures.txt", "\n".join(lines))
