"""Every form of truth, and what is said about a file of another form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.judging.truth import SpeakerSpan, TrueWord, open_truth, read_json, read_references, read_rttm, read_stm


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_json_with_either_name_of_times_roles_and_words(tmp_path: Path) -> None:
    turns = [
        {"channel": 1, "role": "agent", "start": 3.0, "end": 4.0, "text": "[noise] hello"},
        {"channel": 0, "role": "caller", "start_s": 0.0, "end_s": 1.0, "text": "hi", "words": [
            {"word": "hi", "start": 0.1, "end": 0.4}]},
    ]  # fmt: skip
    call = read_json(written(tmp_path / "a.json", json.dumps({"turns": turns, "language": "fr", "dual_mono": True})))
    assert [(turn.channel, turn.role, turn.start_s, turn.text) for turn in call.turns] == [
        (0, "client", 0.0, "hi"),
        (1, "agent", 3.0, "hello"),
    ]
    assert call.turns[0].words == (TrueWord("hi", 0.1, 0.4),)
    assert (call.language, call.dual_mono, call.timed) == ("fr", True, True)


def test_stm_with_letters_numbers_labels_and_comments(tmp_path: Path) -> None:
    text = (
        ";; a comment\n"
        "call A x 5 6 IGNORE_TIME_SEGMENT_IN_SCORING\n"
        "call A caller 1.0 2.0 [noise]\n"
        "call B agent 0.5 0.9 <o,f0,unknown> hello there\n"
        "call 1 Diane 3 4 yes <unk> please\n"
    )
    call = read_stm(written(tmp_path / "call.stm", text))
    assert [(turn.channel, turn.role, turn.speaker, turn.text) for turn in call.turns] == [
        (1, "agent", "agent", "hello there"),
        (0, "client", "caller", ""),
        (0, None, "Diane", "yes please"),
    ]
    assert [turn.text for turn in call.spoken] == ["hello there", "yes please"]


def test_rttm_of_several_recordings_gives_the_one_asked_for(tmp_path: Path) -> None:
    text = (
        "SPEAKER one 1 2.0 1.5 <NA> <NA> agent <NA> <NA>\n"
        "SPEAKER two 1 0.0 9.0 <NA> <NA> other <NA> <NA>\n"
        "SPEAKER one 1 0.5 0.5 <NA> <NA> caller <NA> <NA>\n"
    )
    spans = read_rttm(written(tmp_path / "one.rttm", text), "one")
    assert spans == (SpeakerSpan("caller", 0.5, 1.0), SpeakerSpan("agent", 2.0, 3.5))


def test_references_of_mono_and_stereo_recordings_and_unknown_ones(tmp_path: Path) -> None:
    calls = read_references(
        written(tmp_path / "refs.json", '{"a.wav": "one", "b.wav": ["two", "three"], "c.wav": null}')
    )
    assert {name: [(turn.channel, turn.text) for turn in call.turns] for name, call in calls.items()} == {
        "a": [(0, "one")],
        "b": [(0, "two"), (1, "three")],
    }
    assert not calls["a"].timed


def test_a_folder_takes_json_before_stm_and_speakers_from_rttm(tmp_path: Path) -> None:
    written(tmp_path / "a.json", '{"turns": [{"channel": 0, "start": 0, "end": 1, "text": "json"}]}')
    written(tmp_path / "a.stm", "a A x 0 1 stm\n")
    written(tmp_path / "a.rttm", "SPEAKER a 1 0 1 <NA> <NA> x <NA> <NA>\n")
    written(tmp_path / "b.stm", "b A x 0 1 stm\n")
    written(tmp_path / "c.rttm", "SPEAKER c 1 0 1 <NA> <NA> x <NA> <NA>\n")
    written(tmp_path / "refs.json", '{"d.wav": "reference"}')
    truth = open_truth(tmp_path)
    assert truth.names == {"a", "b", "d"}, "speakers alone are no words"
    found = {name: truth.of(name) for name in truth.names}
    assert {name: call.turns[0].text for name, call in found.items() if call} == {
        "a": "json",
        "b": "stm",
        "d": "reference",
    }
    assert found["a"] is not None
    assert found["a"].speakers == (SpeakerSpan("x", 0.0, 1.0),)
    assert truth.of("nobody") is None


def test_recordings_beside_the_truth_are_found(tmp_path: Path) -> None:
    written(tmp_path / "refs.json", '{"d.wav": "reference"}')
    written(tmp_path / "other.wav", "")
    assert not open_truth(tmp_path).has_recordings
    written(tmp_path / "d.wav", "")
    assert open_truth(tmp_path).has_recordings
    assert open_truth(tmp_path / "refs.json").has_recordings


def test_one_file_is_a_truth_too(tmp_path: Path) -> None:
    assert open_truth(written(tmp_path / "a.stm", "a A x 0 1 words\n")).names == {"a"}
    assert open_truth(written(tmp_path / "refs.json", '{"d.wav": "words"}')).names == {"d"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("call.json", '{"turns": [{"channel": 0}]}', r"call\.json: not a truth file"),
        ("call.json", "[]", r"call\.json: not a truth file"),
        ("call.json", "no json", r"call\.json: not a truth file"),
        ("call.stm", "call A x 0 1 fine\ncall A x zero 1 words", r"call\.stm, line 2: not a line of an STM file"),
        ("call.stm", "call C x 0 1 words", r"call\.stm, line 1"),
        ("refs.json", '{"a.wav": 3}', r"refs\.json: not a file of references"),
        ("refs.json", "[1]", r"refs\.json: not a file of references"),
        ("words.txt", "hello", "a folder, refs.json, a .json or an .stm file is expected"),
    ],
)
def test_a_truth_of_another_form_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = written(tmp_path / name, content)
    with pytest.raises(ConfigurationError, match=message):
        open_truth(path).of("call")


def test_an_rttm_line_that_is_cut_short_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"a\.rttm, line 1"):
        read_rttm(written(tmp_path / "a.rttm", "SPEAKER a 1 0.5"), "a")


def test_an_absent_and_an_empty_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        open_truth(tmp_path / "none")
    with pytest.raises(ConfigurationError, match="holds no truth"):
        open_truth(tmp_path)
