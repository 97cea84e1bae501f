"""Numbers of orders, bookings and claims, where their kind is wanted."""

from __future__ import annotations

import pytest

from analysis.redaction import build_redactor
from pipeline.config.areas.redaction import KINDS, RedactionSettings
from pipeline.roles import Role

ROLES = (Role.AGENT, Role.CLIENT)
WANTED = build_redactor(RedactionSettings(kinds=(*KINDS, "reference")))


@pytest.mark.parametrize(
    ("lines", "redacted"),
    [
        (["Can I have the order number?", "Four four one seven nine oh."], "[REFERENCE_1]."),
        (["Your booking reference?", "K K 7 P, 2 W"], "[REFERENCE_1]"),
        (["Is there a claim number?", "CL-40817, from March."], "[REFERENCE_1], from March."),
        (["What's the tracking number?", "Hold on, J D 0 1 4 6, I think."], "Hold on, [REFERENCE_1], I think."),
        (["Numéro de dossier ?", "C'est le 4 8 1 2 0 7."], "C'est le [REFERENCE_1]."),
        (["Wie ist die Bestellnummer?", "Das ist die 4 8 1 2 0 7."], "Das ist die [REFERENCE_1]."),
        (["¿Cuál es el número de pedido?", "Es el 481207."], "Es el [REFERENCE_1]."),
        # What is no number of an order stays: an amount, a day, a count, a model, a flight.
        (["Your order number?", "It was £44.90 on the 3rd of May."], "It was £44.90 on the 3rd of May."),
        (["What's the order number?", "I ordered 3 chairs."], "I ordered 3 chairs."),
        (["What's the model number?", "W X 5 2 0 0"], "W X 5 2 0 0"),
        (["Which flight number?", "B A 1 4 8 2"], "B A 1 4 8 2"),
    ],
)
def test_what_is_asked_for_as_a_reference_is_taken(lines: list[str], redacted: str) -> None:
    assert WANTED.redact_lines(lines, ROLES)[0][1] == redacted


def test_a_reference_stays_by_default() -> None:
    lines = ["Can I have the order number?", "Four four one seven nine oh."]
    assert "reference" not in KINDS
    assert build_redactor(RedactionSettings()).redact_lines(lines, ROLES)[0] == lines


def test_what_is_read_back_goes_too() -> None:
    lines = ["Your order number?", "4 4 1 7 9 0", "4 4 1 7 9 0, thank you."]
    roles = (*ROLES, Role.AGENT)
    assert WANTED.redact_lines(lines, roles)[0][1:] == ["[REFERENCE_1]", "[REFERENCE_1], thank you."]
