"""What a statement is beside the sentences of a call: like them, and what is denied, announced and promised there."""

from __future__ import annotations

import pytest

from analysis.summary.support.evidence import CallEvidence
from analysis.summary.support.likeness import LIKENESS, Likeness
from analysis.summary.support.wording import exchanged, wording_of
from pipeline.records import Role
from tests.analysis.calls import call
from tests.analysis.encoder.conftest import HashEncoder

ROOF = call(
    ("client", "A tree fell on the roof last night."),
    ("agent", "I am sorry. I'll send you the claim form today."),
    ("client", "The tiles are broken. I have not touched the tree."),
    ("agent", "Did you lose any power?"),
    ("client", "No."),
    ("agent", "You will have to take forty photos of the roof."),
)


def likeness(statement: str, encoder: HashEncoder | None = None) -> Likeness:
    found = CallEvidence(ROOF.transcript.chunks, wording_of("en"), encoder).likeness(statement)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("statement", "field", "least", "most"),
    [
        ("A tree fell on the roof last night.", "said", 1.0, 1.0),
        ("The window was painted green.", "said", 0.0, 0.0),
        ("A tree fell on the roof.", "aligned", 1.0, 1.0),
        ("A tree fell on the window.", "aligned_least", 0.0, 0.0),
        ("A tree fell on the window.", "unlike", 0.3, 0.4),
        ("The agent touched the tree.", "denied_there", 0.5, 1.0),
        ("The client has not touched the tree.", "denial_lost", 0.0, 0.0),
        ("The client has touched the tree.", "denial_lost", 0.5, 1.0),
        ("The tiles are not broken.", "denial_added", 0.5, 1.0),
        ("The client lost power.", "answered_no", 1.0, 1.0),
        ("The agent sent the claim form.", "announced_there", 0.5, 1.0),
        ("The agent has sent the claim form.", "perfect_announced", 0.5, 1.0),
        ("The agent will send the claim form.", "perfect", 0.0, 0.0),
        ("The agent will send the claim form.", "plan", 1.0, 1.0),
        ("The agent will send the claim form.", "committed_by_side", 0.3, 1.0),
        ("The client will send the claim form.", "committed_by_side", -1.0, -0.3),
        ("The client will take photos of the roof.", "committed_by_side", 0.3, 1.0),
        ("The agent asked for forty photos.", "number_elsewhere", 0.0, 0.0),
        ("A tree fell on the roof forty years ago.", "number_elsewhere", 1.0, 1.0),
        ("The client has broken tiles.", "own_there", 0.6, 1.0),
        ("The agent has broken tiles.", "own_there", 0.0, 0.4),
        ("The client has broken tiles.", "said_by_side", 0.1, 1.0),
        ("The agent has broken tiles.", "aligned_by_side", -1.0, -0.1),
        ("A tree fell on the roof and the agent painted a window.", "clause", 0.0, 0.2),
    ],
)
def test_by_words_alone(statement: str, field: str, least: float, most: float) -> None:
    assert least <= getattr(likeness(statement), field) <= most


def test_with_an_encoder_the_nearest_sentence_is_the_likest() -> None:
    found = likeness("The client says: A tree fell on the roof last night.", HashEncoder())
    assert found.sentence == pytest.approx(1.0, abs=1e-5)
    assert found.exchanged < 0.0
    assert likeness("The agent says: A tree fell on the roof last night.", HashEncoder()).exchanged > 0.0


def test_nobody_says_anything() -> None:
    silent = call(("agent", "[noise]"))
    assert CallEvidence(silent.transcript.chunks, wording_of("en"), None).likeness("The client lost a card.") is None


def test_a_call_of_one_sentence_is_compared_with_it_alone() -> None:
    short = CallEvidence(call(("client", "I lost my card.")).transcript.chunks, wording_of("en"), HashEncoder())
    found = short.likeness("The client lost a card.")
    assert found is not None
    assert found.pair == pytest.approx(found.sentence)
    assert set(LIKENESS) == set(Likeness.__slots__)


def test_of_a_long_call_the_sentences_with_its_words_are_compared_wherever_they_stand() -> None:
    said = [("client", f"I have a question about matter {number}.") for number in range(200)]
    encoder = HashEncoder()
    about = CallEvidence(
        call(*said, ("agent", "I painted the fence green.")).transcript.chunks, wording_of("en"), encoder
    )
    found = about.likeness("The agent painted the fence green.")
    assert found is not None
    assert found.aligned == pytest.approx(1.0)
    assert len({text for text in encoder.asked if text.startswith("I have a question")}) < 200


def test_sides_are_exchanged_with_their_names() -> None:
    assert exchanged("The client told Ruth that the agent is late.", {"ruth": Role.AGENT}) == (
        "The agent told the client that the client is late."
    )
