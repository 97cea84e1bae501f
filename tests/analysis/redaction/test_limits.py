"""From how many digits a number is an account's, and addresses after a sign that has no name before it."""

from __future__ import annotations

import pytest

from analysis.redaction import build_redactor
from analysis.redaction.emails import find_addresses
from pipeline.config.areas.redaction import RedactionSettings


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("the policy 1234 was sold to me", "the policy 1234 was sold to me"),
        ("the policy 12345 was sold to me", "the policy [ACCOUNT_1] was sold to me"),
        ("the policy 123456 was sold to me", "the policy [ACCOUNT_1] was sold to me"),
        # Dictated as the number of an account, it is one from three digits.
        ("my account number is 123", "my account number is [ACCOUNT_1]"),
        ("my account number is 12", "my account number is 12"),
    ],
)
def test_a_number_near_a_word_for_accounts_counts_from_the_configured_length(text: str, redacted: str) -> None:
    assert build_redactor(RedactionSettings(min_account_digits=5)).redact(text).text == redacted


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("is it at gmail dot com", []),
        ("is it at gmail dot com no it is j dot doe at example dot com", ["j dot doe at example dot com"]),
        ("ada at gmail dot com or bo at gmail dot com", ["ada at gmail dot com", "bo at gmail dot com"]),
    ],
)
def test_a_domain_without_a_name_before_it_hides_no_address_after_it(text: str, addresses: list[str]) -> None:
    assert [text[span.start : span.end] for span in find_addresses(text)] == addresses
