"""What of a request leaves the machine: nothing that any of its texts, or its source, shows to be personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from analysis.llm.provider import Message
from analysis.llm.request_redaction import redact_request, restore
from analysis.redaction import build_redactor
from pipeline.config.areas.redaction import RedactionSettings
from tests.analysis.llm.conftest import ask

SECRETS = build_redactor(
    RedactionSettings.model_validate({"patterns": [{"name": "CASE", "pattern": r"case (?P<value>[a-z]+-\d+)"}]})
)
SAID = "\n".join(
    ("#1 client: my account number is 445566", "#2 agent: this is case blue-77", "#3 client: call me on 06 12 34 56 78")
)


@pytest.mark.parametrize(
    ("user", "sent"),
    [
        ("He gave 445566 and wants a loan.", "He gave [ACCOUNT_1] and wants a loan."),
        ("He gave 44 55-66.", "He gave [ACCOUNT_1]."),
        ("It is about blue-77, Blue-77.", "It is about [CASE_1], [CASE_1]."),
        ("Row 44556 and row X445566 are others.", "Row 44556 and row X445566 are others."),
    ],
)
def test_what_the_transcript_shows_to_be_personal_is_taken_out_of_notes_from_it(user: str, sent: str) -> None:
    assert redact_request(ask(user=user), SECRETS)[0].user == user, "nothing in the notes themselves tells it"
    request, originals = redact_request(ask(user=user, source=SAID), SECRETS)
    assert request.user == sent
    assert request.source == "", "the source is not sent"
    assert ("445566" in restore({"a": sent}, originals)["a"]) == ("ACCOUNT" in sent or "X445566" in sent)


def test_the_transcript_itself_tells_for_an_account_beside_it_and_for_what_the_model_said() -> None:
    user = f"<transcript>\n{SAID}\n</transcript>\n<account>\n445566 is the one of case blue-77.\n</account>"
    request = replace(ask(user=user), follow_up=(Message(role="assistant", text="445566?"),))
    sent, _ = redact_request(request, SECRETS)
    whole = sent.user + "".join(message.text for message in sent.follow_up)
    assert not any(secret in whole for secret in ("445566", "blue-77", "06 12 34 56 78"))
    assert sent.user.count("[ACCOUNT_1]") == 2


class Knows:
    """Finds nothing by itself: it was told what stands where."""

    def __init__(self, **originals: str) -> None:
        self._originals = {f"[{mark}]": value for mark, value in originals.items()}

    def redact(self, text: str) -> tuple[str, Mapping[str, str]]:
        return text, self._originals


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("445566", "[A]"),
        ("X445566, 445566X, 0445566, 4455660", None),
        ("_445566, 445566_, [445566", None),
        ("(445566) -445566 445566] 445566,", "([A]) -[A] [A]] [A],"),
        ("4 4 5 5 6 6 or 44, 55, 66 or 44.55/66 or 44-55’66", "[A] or [A] or [A] or [A]"),
        ("44\n\n\n5566 and 44...5566", "[A] and 44...5566"),
        ("445566445566 and 445566 445566", "445566445566 and [A] [A]"),
        ("BLUE 77, blue, 77, blue - 77 and blueish 77", "[B], [B], blue - 77 and blueish 77"),
        ("Blue-77 88 and blue-77", "[C] and [B]"),
        ("Anna called, and An na", None),
        ("a1b2 a1 b 2 A1B2", "[E] [E] [E]"),
        ("4455 and 44556", None),
        (f"{'x' * 81} and {'y' * 80}", f"{'x' * 81} and [G]"),
        ("", ""),
        ("Straße1, STRAẞE1", "[H], [H]"),
    ],
)
def test_what_is_known_is_found_as_whole_words_however_it_is_spaced(said: str, sent: str | None) -> None:
    """Of two that begin alike the longer one; nothing of under four letters, or too long to be worth a look."""
    known = Knows(
        A="44 55 66", B="blue-77", C="blue 77 88", D="Ann", E="a1b2", F="x" * 81, G="y" * 80, H="straße 1", I="--"
    )
    request = replace(ask(user=said), follow_up=(Message(role="assistant", text=said),))
    cleaned, _ = redact_request(request, known)
    assert cleaned.user == (said if sent is None else sent)
    assert [message.text for message in cleaned.follow_up] == [cleaned.user]


def test_marks_are_restored_wherever_they_stand() -> None:
    originals = {"[A_1]": "one", "[A_11]": "eleven", "[B_1]": "[A_1]"}
    data = {"x": ["[A_1], [A_11]", {"y": "[B_1][C_1]"}], "n": 3, "none": None}
    assert restore(data, originals) == {"x": ["one, eleven", {"y": "[A_1][C_1]"}], "n": 3, "none": None}
    assert restore(data, {}) is data
