"""Rule files: what is wrong with one is said with file, line, key and choices; the shipped one is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.rules.reader import load_rules
from pipeline.errors import ConfigurationError
from tests.house import PROJECT

RULE = """
rules:
  - name: one
    title: One
    when:
      said: {any_of: [word]}
"""


def card(rule: str = "one", good_when: str = "holds", other: str = "") -> str:
    item = f"{{rule: {rule}, question: Is it?, good_when: {good_when}}}"
    more = f", {other}" if other else ""
    return f"{RULE}scorecards:\n  - name: card\n    title: Card\n    items: [{item}{more}]\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_rules_are_read() -> None:
    book = load_rules(PROJECT / "rules" / "attention.yaml")
    assert len([rule for rule in book.rules if rule.attention]) >= 10


def test_no_file_means_no_rules() -> None:
    assert load_rules(None).rules == ()


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        ("rules: []\n", None, ["holds no rule"]),
        ("- a\n", None, ["must hold the keys", "rules"]),
        (RULE + "    wieght: 2\n", 7, ["rules.0.wieght", "did you mean weight?", "attention"]),
        (RULE.replace("any_of: [word]", "any_off: [word]"), 6, ["any_off", "did you mean any_of?", "missing"]),
        (RULE.replace("said:", "siad:"), 6, ["siad", "did you mean said?", "mood_fall", "not"]),
        (RULE.replace("[word]", "[word, '...']"), 6, ["rules.0.when.said.any_of", "holds no word"]),
        (RULE.replace("[word]", "word, role: boss"), 6, ["role", "'agent', 'client', 'unknown' or 'any'", "'boss'"]),
        (RULE.replace("[word]", "word, first_s: 3, last_s: 3"), 6, ["first_s and last_s: name one part"]),
        (RULE.replace("[word]", "word, near: {any_of: a}"), 6, ["within_words or within_s"]),
        (
            RULE.replace("[word]", "word, near: {any_of: a, within_s: 1, within_words: 1}"),
            6,
            ["within_words or within_s"],
        ),
        (RULE.replace("[word]", "word, near: {any_of: a, within_words: 1, role: any}"), 6, ["with role say within_s"]),
        (RULE.replace("[word]", "word, missing: true, at_least: 2"), 6, ["is said 0 times; leave at_least out"]),
        (RULE.replace("said: {any_of: [word]}", "silence: {}"), 6, ["silence", "longest_over_s, share_over"]),
        (RULE.replace("said: {any_of: [word]}", "{}"), 5, ["rules.0.when", "say at least one of", "doubts"]),
        (RULE.replace("name: one", "name: One!"), 3, ["rules.0.name", "One!"]),
        (RULE + RULE.replace("\nrules:\n", ""), 7, ["rules.1.name", "'one' is another one's name", ":3"]),
        (card(rule="on"), 10, ["items.0.rule", "did you mean one?", "the rules are: one"]),
        (card(other="{rule: one, question: Again?}"), 10, ["items.1.rule", "answers another item"]),
        (card(good_when="yes"), 10, ["good_when", "'holds' or 'fails'"]),
        (RULE + "    weight: -1\n", 7, ["rules.0.weight", "greater than 0", "-1"]),
        (RULE + "    languages: [english]\n", 7, ["rules.0.languages.0", "english"]),
    ],
)
def test_a_fault_is_told_with_line_key_and_choices(
    tmp_path: Path, text: str, line: int | None, parts: list[str]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigurationError) as raised:
        load_rules(path)
    said = str(raised.value)
    assert said.startswith(f"{path}:{line}:" if line else f"{path}:"), said
    for part in parts:
        assert part in said


def test_shared_lists_are_named_by_anchors(tmp_path: Path) -> None:
    text = RULE.replace("[word]", "*words").replace("\nrules:", "lists:\n  words: &words [hello, goodbye]\nrules:")
    (rule,) = load_rules(written(tmp_path, text)).rules
    assert rule.when.said is not None
    assert rule.when.said.any_of == ("hello", "goodbye")
