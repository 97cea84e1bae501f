"""Which of two speakers is the agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.areas.speech.diarisation import RoleSettings
from pipeline.diarisation.phrases import KINDS, SHIPPED, longest_said, plain, read_phrases
from pipeline.diarisation.roles import Said, guess_roles
from pipeline.errors import ConfigurationError
from pipeline.records import Direction, Role

SETTINGS = RoleSettings()
Lines = list[tuple[int, str]]


def chunks(lines: Lines, language: str | None = "en") -> list[Said]:
    return [
        Said(speaker=speaker, start_s=float(n), text=text, language=language) for n, (speaker, text) in enumerate(lines)
    ]


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", [(0, "Good morning, thank you for calling, how can I help?"), (1, "Hi, I lost my card.")]),
        ("en", [(1, "hello"), (0, "this is the garage what can i do for you"), (1, "i'm calling about my car")]),
        ("fr", [(0, "Bonjour, en quoi puis-je vous aider ?"), (1, "Bonjour, j’ai un problème avec ma facture.")]),
        ("de", [(1, "Hallo?"), (0, "Was kann ich für Sie tun?"), (1, "Ich hätte gern eine neue Karte.")]),
        ("ar", [(0, "مرحبا، كيف يُمكنني مساعدتك؟"), (1, "أُريد بطاقة جديدة، فقدت بطاقتي")]),
        (None, [(0, "Was kann ich für Sie tun?"), (1, "I lost my card")]),
        ("nl", [(0, "thank you for calling"), (1, "i have a problem")]),
    ],
)
def test_the_agent_is_found_whoever_is_counted_first(language: str | None, lines: Lines) -> None:
    guess = guess_roles(chunks(lines, language), SETTINGS)
    assert guess.roles == (Role.AGENT, Role.CLIENT)
    assert guess.confidence > 0.8
    turned = guess_roles(chunks([(1 - speaker, text) for speaker, text in lines], language), SETTINGS)
    assert turned.roles == (Role.CLIENT, Role.AGENT)
    assert turned.confidence == pytest.approx(guess.confidence)


@pytest.mark.parametrize(
    ("direction", "agent", "sureness"),
    [(Direction.INBOUND, 0, 0.668), (Direction.OUTBOUND, 1, 0.668), (None, 0, 0.587), (Direction.INTERNAL, None, 0.5)],
)
def test_who_speaks_first_counts_by_direction(direction: Direction | None, agent: int | None, sureness: float) -> None:
    guess = guess_roles(chunks([(0, "hello"), (1, "hello")]), SETTINGS, direction)
    assert [n for n in (0, 1) if guess.roles[n] is Role.AGENT] == ([] if agent is None else [agent])
    assert guess.confidence == pytest.approx(sureness, abs=1e-3)
    said = "unknown" if direction is None else direction.value
    told = f"speaker 0 speaks first ({'direction ' if direction is None else ''}{said})"
    assert guess.evidence == (() if direction is Direction.INTERNAL else (told,))


@pytest.mark.parametrize(
    "lines",
    [[], [(0, "thank you for calling")], [(0, "thank you for calling"), (1, " … ")], [(1, ""), (0, "")]],
    ids=["nothing", "one speaker", "the other says nothing", "no words"],
)
def test_one_side_alone_is_nobody(lines: Lines) -> None:
    guess = guess_roles(chunks(lines), SETTINGS)
    assert (guess.roles, guess.confidence) == ((Role.UNKNOWN, Role.UNKNOWN), 0.5)


def test_what_both_say_says_nothing() -> None:
    lines = [(0, "thank you for calling"), (1, "thank you for calling")]
    assert guess_roles(chunks(lines), SETTINGS, Direction.INTERNAL).confidence == 0.5


def test_a_greeting_late_in_the_call_is_none() -> None:
    talk = [(n % 2, "yes") for n in range(8)]
    early = guess_roles(chunks([(1, "how can i help"), *talk]), SETTINGS, Direction.INTERNAL)
    late = guess_roles(chunks([*talk, (1, "how can i help")]), SETTINGS, Direction.INTERNAL)
    assert early.confidence > 0.9 > late.confidence


def test_asking_counts_also_without_question_marks() -> None:
    lines = [(0, "what was that"), (1, "seven"), (0, "can you spell that"), (1, "a b c")]
    guess = guess_roles(chunks(lines), SETTINGS, Direction.INTERNAL)
    assert guess.roles[0] is Role.AGENT
    assert guess.evidence == ("questions: 100% of speaker 0, 0% of speaker 1",)


def test_one_chunk_is_one_witness_of_a_kind() -> None:
    once = guess_roles(chunks([(0, "i would like to"), (1, "yes")]), SETTINGS, Direction.INTERNAL)
    again = guess_roles(
        chunks([(0, "i would like to i'd like to i want to my card"), (1, "yes")]), SETTINGS, Direction.INTERNAL
    )
    assert again.confidence == pytest.approx(once.confidence)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.text(max_size=40)), max_size=12),
    st.sampled_from([None, *Direction]),
    st.sampled_from([None, "en", "ar", "xx"]),
)
def test_any_words_give_a_probability_and_turn_round_with_the_speakers(
    lines: Lines, direction: Direction | None, language: str | None
) -> None:
    guess = guess_roles(chunks(lines, language), SETTINGS, direction)
    turned = guess_roles(chunks([(1 - s, text) for s, text in lines], language), SETTINGS, direction)
    assert 0.5 <= guess.confidence <= 0.998
    assert turned.roles == guess.roles[::-1]
    assert turned.confidence == pytest.approx(guess.confidence)
    assert set(guess.roles) in ({Role.AGENT, Role.CLIENT}, {Role.UNKNOWN})


# --------------------------------------------------------------------------------------------- phrases


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("thank you for calling us", "thank you for calling"),
        ("thank you for cooling us", "thank you for calling"),
        ("this unfairly", None),
        ("my card", "my card"),
        ("my cards", None),
        ("", None),
    ],
)
def test_long_phrases_forgive_the_recogniser_short_ones_do_not(text: str, found: str | None) -> None:
    assert longest_said(text, ("thank you for calling", "my card", "fair"), 0.88) == found


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("J’ai  été, déçu!", "jai ete decu"),
        ("Können Sie …", "konnen sie"),
        ("أُريدُ بطاقةً", "اريد بطاقه"),
        ("مستشفى", "مستشفي"),
        ("ـــ", ""),
    ],
)
def test_plain(text: str, form: str) -> None:
    assert plain(text) == form


def test_the_shipped_phrases_have_every_kind_and_no_phrase_in_two() -> None:
    phrases = read_phrases(SHIPPED)
    assert {"en", "fr", "de", "ar"} <= set(phrases)
    for language, kinds in phrases.items():
        assert all(len(kinds[kind]) >= 5 for kind in KINDS), language
        assert not set(kinds["client"]) & (set(kinds["greeting"]) | set(kinds["service"])), language


@pytest.mark.parametrize(
    "content",
    [
        None,
        "- a list",
        "en: [1]",
        "en: {farewell: [bye]}",
        "en: {greeting: [}",
        "en: {greeting: 3}",
        "en: {greeting: hello}",
        b"\xff",
    ],
)
def test_a_phrases_file_that_will_not_do_is_named(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "phrases.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match=r"diarisation\.roles\.phrases_file"):
        read_phrases(path)


def test_own_phrases_take_the_place_of_the_shipped(tmp_path: Path) -> None:
    path = tmp_path / "phrases.yaml"
    path.write_text("en: {greeting: [ahoy there sailor]}", encoding="utf-8")
    lines = [(0, "hello"), (1, "Ahoy there, sailor!")]
    guess = guess_roles(chunks(lines), RoleSettings(phrases_file=path), Direction.INTERNAL)
    assert guess.roles == (Role.CLIENT, Role.AGENT)
