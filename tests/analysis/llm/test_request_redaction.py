"""What of a request leaves the machine: nothing that any of its texts, or its source, shows to be personal data."""

from __future__ import annotations

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
