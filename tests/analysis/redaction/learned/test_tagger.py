"""What was learned, beside the rules: which words are read, from when on they are taken, and where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT, EncoderChoice, SentenceEncoder, Vectors
from analysis.redaction import Redactor, build_redactor
from analysis.redaction.learned.stretches import stretches_of
from analysis.redaction.learned.tagger import Tagger, is_english
from analysis.redaction.learned.weights import HARMLESS, NOTHING, Scores, Weights, loaded, saved, shipped
from analysis.redaction.talk import Talk
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import KINDS, RedactionSettings
from pipeline.roles import Role
from tests.analysis.encoder.conftest import real_encoder  # noqa: F401 - a fixture
from tests.analysis.redaction.test_exchanges import HOSTILE, steps

LANGUAGES = ("en", "fr", "de", "es")
CLASSES = ("ACCOUNT", "NAME", "REFERENCE", HARMLESS, NOTHING)
SURE = 8.0


class ListEncoder:
    """One dimension a class: a word that is on the list of a class is of it, every other word is nothing."""

    space = identity = "list"

    def __init__(self, **lists: str) -> None:
        """Words of the list `likely` may be names, and are likelier nothing."""
        self._lists = {name: set(words.split()) for name, words in lists.items()}
        self.read: list[Sequence[str]] = []

    def knows(self, language: str | None) -> bool:
        return True

    def encode(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        raise NotImplementedError

    def encode_words(self, words: Sequence[str]) -> Vectors:
        self.read.append(words)
        rows = np.zeros((len(words), len(CLASSES)), dtype=np.float32)
        for row, word in zip(rows, words, strict=True):
            classes = [place for place, name in enumerate(CLASSES) if word.casefold() in self._lists.get(name, ())]
            row[classes or [CLASSES.index(NOTHING)]] = SURE
            if word.casefold() in self._lists.get("likely", ()):
                row[CLASSES.index("NAME")] = SURE - 0.5
        return rows

    def close(self) -> None:
        self.read.clear()


def weights(space: str = "list") -> Weights:
    """The hidden layer is the word's own vector, and gives the classes as they are."""
    size = len(CLASSES)
    one, nothing = np.eye(size, dtype=np.float32), np.zeros((size, size), dtype=np.float32)
    return Weights(CLASSES, nothing[0], {}, nothing[:0], one, nothing, one, nothing[0], space)


def redactor(encoder: ListEncoder, **settings: object) -> Redactor:
    return Redactor(RedactionSettings.model_validate(settings), Tagger(encoder, weights()))


SPOKEN = ["what is the word on the tag", "it is the zebra one and you have two of them"]


@pytest.mark.parametrize(
    ("lists", "lines", "redacted"),
    [
        ({"NAME": "zebra"}, SPOKEN, [SPOKEN[0], "it is the [NAME_1] one and you have two of them"]),
        # What is likely enough goes with what it stands beside, and stays elsewhere.
        (
            {"NAME": "zebra", "likely": "quagga"},
            ["is it the quagga", "it is the zebra quagga you have"],
            ["is it the quagga", "it is the [NAME_1] you have"],
        ),
        # A dictated stretch is decided as one.
        ({"ACCOUNT": "two nine"}, ["and the thing", "it is the two nine"], ["and the thing", "it is the [ACCOUNT_1]"]),
        ({"ACCOUNT": "two"}, ["and the thing", "it is two nine seven"], ["and the thing", "it is two nine seven"]),
        # What an organisation is called is no person's, where no number of a house stands before.
        (
            {"NAME": "zebra hill"},
            ["this is the zebra hill national bank how can i help", "it is the zebra hill for you"],
            ["this is the zebra hill national bank how can i help", "it is the [NAME_1] for you"],
        ),
        (
            {"NAME": "orchard", "ACCOUNT": "twenty six"},
            ["and where is that for you", "it is at twenty six orchard bank you know"],
            ["and where is that for you", "it is at [ACCOUNT_1] bank you know"],
        ),
        # The words of a question are no answer.
        ({"NAME": "account number"}, ["what is your account number"], ["what is your account number"]),
        ({}, SPOKEN, SPOKEN),
    ],
)  # fmt: skip
def test_what_is_likely_enough_is_taken(lists: dict[str, str], lines: list[str], redacted: list[str]) -> None:
    assert redactor(ListEncoder(**lists)).redact_lines(lines)[0] == redacted


def test_a_kind_that_is_not_wanted_stays() -> None:
    assert redactor(ListEncoder(NAME="zebra"), kinds=["card"]).redact_lines(SPOKEN)[0] == SPOKEN


def test_a_number_of_an_order_needs_more() -> None:
    """`Order number` is known to the rules: what was learned must be nearly sure to overrule them."""
    lines = ["what is the order number", "it is the nine two eight four one"]
    unsure = ListEncoder(ACCOUNT="nine two eight four one", harmless="nine two eight four one")
    assert redactor(unsure).redact_lines(lines)[0] == lines
    assert redactor(ListEncoder(ACCOUNT="nine two eight four one")).redact_lines(lines)[0] != lines


def test_a_reference_is_taken_where_its_kind_is_wanted() -> None:
    lines = ["what does it say on the slip", "it is the nine two eight four one"]
    encoder = ListEncoder(REFERENCE="nine two eight four one")
    assert redactor(encoder).redact_lines(lines)[0] == lines
    kinds = (*KINDS, "reference")
    assert redactor(encoder, kinds=kinds).redact_lines(lines)[0] == [lines[0], "it is the [REFERENCE_1]"]


def test_a_short_number_that_is_surely_harmless_is_given_back() -> None:
    """The rules take `four four one nine` for a PIN and a card for its check digits."""
    lines = ["What's your PIN?", "four four one nine", "and the card that you have", "4539 1488 0343 6467"]
    digits = "four one nine 4539 1488 0343 6467"
    by_rules = ["What's your PIN?", "[CARD_1]", "and the card that you have", "[CARD_2]"]
    assert redactor(ListEncoder(ACCOUNT=digits)).redact_lines(lines)[0] == by_rules
    assert redactor(ListEncoder(harmless=digits)).redact_lines(lines)[0] == [*lines[:3], "[CARD_1]"]


@pytest.mark.parametrize(
    ("lines", "english"),
    [
        (SPOKEN, True),
        (["Votre nom de famille ?", "C'est le zèbre, je suis dans la rue"], False),
        (["رقم البطاقة", "هذا هو الرقم الذي تريده"], False),
        (["zebra tango"], False),
    ],
)
def test_only_english_talk_is_read(lines: list[str], english: bool) -> None:
    text = "".join(f"\n#{number} client: {line}" for number, line in enumerate(lines))
    encoder = ListEncoder(NAME="zebra zèbre")
    assert is_english(Talk(text, LANGUAGES)) == english
    redactor(encoder).redact(text)
    assert bool(encoder.read) == english


def test_only_turns_that_may_hold_something_are_read() -> None:
    lines = ["so that is all done for you then", "that is good to hear from you", "it is the four seven one you have"]
    text = "".join(f"\n#{number} client: {line}" for number, line in enumerate(lines))
    (stretch,) = stretches_of(Talk(text, LANGUAGES))
    assert [text[start : start + 2] for start in stretch.starts if start >= 0][:3] == ["it", "is", "th"]
    assert stretch.pieces[: stretch.first][-2:] == ("from", "you")


def test_every_word_of_a_long_turn_is_read_once() -> None:
    text = "\n#1 client: " + "it is four of the seven " * 60
    found = list(stretches_of(Talk(text, LANGUAGES)))
    starts = [start for stretch in found for start in stretch.starts if start >= 0]
    assert starts == sorted(set(starts))
    assert len(starts) == 360
    assert max(len(stretch.pieces) for stretch in found) <= 110


def test_lines_that_are_no_transcript_are_not_read() -> None:
    encoder = ListEncoder(NAME="zebra")
    assert (
        redactor(encoder).redact("It is the zebra that you have, Anna.").text
        == "It is the zebra that you have, [NAME_1]."
    )
    assert not encoder.read


def test_a_stretch_that_comes_again_is_encoded_once() -> None:
    encoder = ListEncoder(NAME="zebra")
    both = redactor(encoder)
    assert both.redact_lines(SPOKEN) == both.redact_lines(SPOKEN)
    assert len(encoder.read) == 1


def table(numbers: npt.ArrayLike) -> Scores:
    return np.asarray(numbers, dtype=np.float32)


def test_words_decided_together_share_what_their_mean_tells() -> None:
    """Two of a stretch, one by itself: the mean of the first two is of class 1, each one's own vector tells nothing."""
    out, nothing, none = table([[1, 0], [0, 1]]), table([[0, 0], [0, 0]]), table([0, 0])
    held = Weights((HARMLESS, "NAME"), none, {"capital": 0}, table([[0, 3]]), nothing, out, out, none, "list")
    parts = held.of_vectors(table([[0, 4], [2, 0], [2, 0]]))
    found = held.shares([(), (), ()], parts, [0, 2])
    assert found.argmax(axis=1).tolist() == [1, 0]
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert held.shares([(), (), ("capital", "unknown")], parts, [0, 2]).argmax(axis=1).tolist() == [1, 1]


def test_weights_are_read_as_they_were_written(tmp_path: Path) -> None:
    columns = {"capital": 0, "run mark after £": 1}
    features, vector, together, out = (
        table(np.full(size, number)) for number, size in enumerate(((2, 2), (3, 2), (3, 2), (2, len(CLASSES))))
    )
    constants = table([0.5, 0]), table(range(len(CLASSES)))
    written = Weights(CLASSES, constants[0], columns, features, vector, together, out, constants[1], "list")
    saved(written, tmp_path / "weights.npz")
    read = loaded(tmp_path / "weights.npz")
    assert (read.classes, dict(read.columns), read.space) == (written.classes, dict(written.columns), "list")
    for name in ("constant", "features", "vector", "together", "out", "out_constant"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))


def test_weights_of_another_encoder_are_refused() -> None:
    with pytest.raises(ValueError, match="the weights are for"):
        Tagger(ListEncoder(), weights("another"))


def test_without_the_encoder_of_the_weights_the_rules_serve() -> None:
    lines = ["and what comes up on your screen", "it is my zebra"]
    alone = build_redactor(RedactionSettings()).redact_lines(lines)
    other = EncoderChoice(encoder=ListEncoder(NAME="zebra"), expected="list")
    assert build_redactor(RedactionSettings(), other).redact_lines(lines) == alone
    assert build_redactor(RedactionSettings(), WITHOUT).redact_lines(lines) == alone


@pytest.mark.parametrize(
    "unit", [*HOSTILE, "it is the 4 ", "card number the ", "\n#1 agent: is it? the one\n#2 client: the "]
)
def test_work_grows_with_the_length_of_a_hostile_text(unit: str) -> None:
    """Steps of our own code; the encoder's are bounded by a stretch."""
    begin = "\n#1 agent: is it the one that you have with you\n#2 client: "
    short, long = begin + unit * (150 // len(unit)), begin + unit * (600 // len(unit))
    redactor(ListEncoder()).find(short)  # tables are made on first use
    first, second = redactor(ListEncoder()), redactor(ListEncoder())
    assert steps(lambda: second.find(long)) <= 7 * steps(lambda: first.find(short))


ROLES = (Role.AGENT, Role.CLIENT)
UNKNOWN_WORDINGS = [
    (["and what does your partner go by", "zaharina"], "zaharina"),
    (["and the little grey box in the app shows you something", "eight four one one it is"], "eight four one one"),
    (["and where about is that", "its kirkby tarn"], "kirkby tarn"),
]


def test_shipped_weights_find_what_no_rule_knows(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    settings = RedactionSettings()
    with_both = build_redactor(settings, EncoderChoice(encoder=real_encoder, expected=real_encoder.identity))
    rules = build_redactor(settings)
    for lines, personal in UNKNOWN_WORDINGS:
        assert personal in rules.redact_lines(lines, ROLES)[0][1]
        assert personal not in with_both.redact_lines(lines, ROLES)[0][1]


def test_shipped_weights_are_for_the_default_encoder(real_encoder: SentenceEncoder) -> None:  # noqa: F811
    assert shipped().space == real_encoder.space
    assert open_encoder(EncoderSettings(engine="off")).encoder is None
    assert set(shipped().classes) >= {"CARD", "NAME", "ADDRESS", HARMLESS, NOTHING}
