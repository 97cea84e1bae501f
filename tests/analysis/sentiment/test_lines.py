"""What a text engine is given of each chunk: the whole sentence it is part of, and what it answers."""

from __future__ import annotations

import pytest

from analysis.sentiment.lines import lines_of
from pipeline.records import Role, TranscriptChunk

A, C = Role.AGENT, Role.CLIENT
Said = tuple[Role, float, float, str]


def chunks_of(*said: Said) -> list[TranscriptChunk]:
    return [
        TranscriptChunk(
            channel=int(role is Role.AGENT), ordinal=place, role=role, start_s=start_s, end_s=end_s, text=text
        )
        for place, (role, start_s, end_s, text) in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        # A sentence that was cut at a pause is judged as a whole, also around a listener's word.
        (
            [(C, 0, 2, "The light came on,"), (C, 2.5, 3, "and died down."), (C, 4, 5, "Thanks.")],
            ["The light came on, and died down.", "The light came on, and died down.", "Thanks."],
        ),
        (
            [(C, 0, 2, "It was the, uh"), (A, 2, 2.4, "Mm-hm."), (C, 2.5, 3, "blue one.")],
            ["It was the, uh blue one.", "Mm-hm.", "It was the, uh blue one."],
        ),
        # The other side's turn, a long pause and a finished sentence end it.
        (
            [(C, 0, 2, "So I"), (A, 2, 3, "Let me look it up."), (C, 3, 4, "was told.")],
            ["So I", "Let me look it up.", "was told."],
        ),
        ([(C, 0, 2, "So I"), (C, 6, 7, "was told.")], ["So I", "was told."]),
        ([(C, 0, 2, "I called."), (C, 2.2, 3, "Nobody came.")], ["I called.", "Nobody came."]),
        # Text without punctuation does not tell where a sentence ends.
        ([(C, 0, 2, "so i called"), (C, 2.2, 3, "nobody came")], ["so i called", "nobody came"]),
    ],
)
def test_the_chunks_of_one_sentence_get_the_whole_sentence(said: list[Said], texts: list[str]) -> None:
    assert [line.text for line in lines_of(chunks_of(*said))] == texts


def test_a_long_run_on_is_cut() -> None:
    said = [(C, float(place), place + 0.9, "and then we went on and on,") for place in range(40)]
    texts = [line.text for line in lines_of(chunks_of(*said, (C, 40.0, 41.0, "Right.")))]
    assert max(len(text.split()) for text in texts) <= 60


def test_a_line_has_the_others_words_before_it() -> None:
    found = lines_of(chunks_of((A, 0, 2, "How long?"), (C, 2.1, 3, "Two hours.")))
    assert [line.before for line in found] == [None, "How long?"]
