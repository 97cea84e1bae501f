from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config.areas.speech.recognisers import ScriptedOptions
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engine import SegmentPlace, SegmentRequest, SegmentResult
from pipeline.transcription.engines.scripted import ScriptedTranscriber, draw_text
from tests.conftest import PROJECT
from tests.pipeline.transcription.fakes import babble, request

TURNS = {
    "turns": [
        {"channel": 0, "start": 0.0, "end": 2.0, "text": "one two three four"},
        {"channel": 1, "start_s": 1.0, "end_s": 2.0, "text": "other side"},
        {"channel": 0, "start": 3.0, "end": 4.0, "text": "five"},
    ]
}


def _place(file_name: str = "call.wav", channel: int = 0, start_s: float = 0.0) -> SegmentPlace:
    return SegmentPlace(file_name=file_name, audio_sha256="f" * 64, channel=channel, start_s=start_s)


def _ask(engine: ScriptedTranscriber, place: SegmentPlace | None, seconds: float = 2.0) -> SegmentResult:
    asked = SegmentRequest(key="k", samples=babble(seconds), language="en", place=place)
    return next(engine.transcribe(iter([asked])))


def _engine(**options: object) -> ScriptedTranscriber:
    engine = ScriptedTranscriber(ScriptedOptions.model_validate(options))
    engine.load()
    return engine


@pytest.mark.parametrize("name", ["call.json", "call.wav.json", f"{'f' * 64}.json", "all"])
def test_transcripts_are_found_by_name_stem_or_content(tmp_path: Path, name: str) -> None:
    path = tmp_path
    if name == "all":
        path = tmp_path / "all.json"
        path.write_text(json.dumps({"calls": {"call.wav": TURNS}}))
    else:
        (tmp_path / name).write_text(json.dumps(TURNS))
    engine = _engine(transcripts=path)
    assert _ask(engine, _place()).text == "one two three four"
    assert _ask(engine, _place(channel=1)).text == "other side"
    assert _ask(engine, _place(start_s=1.0), 3.0).text == "three four five"
    assert _ask(engine, _place("else.wav"), 2.5).text == ("" if len(name) < 60 else "one two three four")


def test_words_are_timed_from_the_segments_start(tmp_path: Path) -> None:
    (tmp_path / "call.json").write_text(json.dumps(TURNS))
    answer = _ask(_engine(transcripts=tmp_path), _place(start_s=1.0), 1.0)
    assert answer.words is not None
    assert [(word.text, word.start_s, word.end_s) for word in answer.words] == [("three", 0.0, 0.5), ("four", 0.5, 1.0)]
    assert answer.confidence == 1.0


def test_drawn_text_hangs_on_the_samples_alone() -> None:
    engine = _engine(missing="hash", words_per_s=2.0)
    one, other = babble(3.0, seed=1), babble(3.0, seed=2)
    assert draw_text(one, 2.0) == draw_text(one.copy(), 2.0) != draw_text(other, 2.0)
    assert len(_ask(engine, None, 3.0).text.split()) == 6
    assert _ask(engine, _place("unknown.wav"), 3.0).text == _ask(engine, None, 3.0).text


def test_the_model_revision_changes_with_the_transcripts(tmp_path: Path) -> None:
    def revision() -> str | None:
        return ScriptedTranscriber(ScriptedOptions(transcripts=tmp_path)).load().revision

    (tmp_path / "call.json").write_text(json.dumps(TURNS))
    before = revision()
    (tmp_path / "call.json").write_text(json.dumps({"turns": []}))
    assert revision() != before


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"calls": {"a": {}}}', '{"calls": {"a": {"turns": [{"channel": 0}]}}}']
)
def test_unreadable_transcripts(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    with pytest.raises(ModelUnavailable, match=r"scripted\.transcripts"):
        _engine(transcripts=path)


def test_planted_errors_and_missing_weights() -> None:
    answer = _ask(_engine(error_on=["call*"]), _place())
    assert (answer.text, answer.error) == ("", "planted error (error_on)")
    assert _ask(_engine(error_on=["other*"]), _place()).error is None
    with pytest.raises(ModelUnavailable, match="no weights today"):
        _engine(unavailable="no weights today")


def test_a_planted_crash_kills_the_process_and_once_is_once(tmp_path: Path) -> None:
    code = (
        "import numpy as np\n"
        "from pipeline.config.areas.speech.recognisers import ScriptedOptions\n"
        "from pipeline.transcription.engines.scripted import ScriptedTranscriber\n"
        "from pipeline.transcription.engine import SegmentPlace, SegmentRequest\n"
        f"e = ScriptedTranscriber(ScriptedOptions(crash_on=('bad*',), crash_once_marker={str(tmp_path / 'm')!r}))\n"
        "p = SegmentPlace(file_name='bad.wav', audio_sha256='0', channel=0, start_s=0.0)\n"
        "r = SegmentRequest(key='k', samples=np.zeros(9, np.float32), language=None, place=p)\n"
        "print(len(list(e.transcribe([r]))))\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
        for _ in range(2)
    ]
    assert [run.returncode for run in runs] == [-9, 0]
    assert runs[1].stdout.strip() == "1"


def test_without_a_place_nothing_is_looked_up() -> None:
    engine = _engine(crash_on=["*"], hang_on=["*"])
    assert next(engine.transcribe([request(babble(1))])).text == ""
