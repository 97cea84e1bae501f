"""Every line and value of the forms of truth, whole and broken, by itself: read, or refused, as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.judging.truth import TrueCall, open_truth, read_json, read_references, read_rttm, read_stm
from tests.pinned import assert_pinned

TURN = {"channel": 1, "start_s": 2.5, "end_s": 4, "text": "yes [noise] please"}
JSON = (
    {"turns": [TURN]},
    {"turns": [TURN, {**TURN, "start_s": 0}, {**TURN, "start_s": 1, "text": "[noise]"}],
     "language": "en", "dual_mono": 1},
    {"turns": [{"channel": "0", "start": 1, "end": 2, "text": 5, "role": "Customer"}], "language": 7},
    *({"turns": [{**TURN, "role": role}]} for role in ("caller", "customer", "client", "agent", "bot", "", None)),
    {"turns": [{**TURN, "role": "agent", "speaker": "Ann"}]},
    {"turns": [{**TURN, "role": "agent", "speaker": ""}]},
    {"turns": [{**TURN, "words": [{"word": "yes", "start": 2.5, "end": "3"},
                                  {"text": "so", "start_s": 3, "end_s": 4}]}]},
    {"turns": [{**TURN, "words": None}]},
    {"turns": [{**TURN, "start": 9.0, "end": 9.5}]},
    *({"turns": [{name: value for name, value in TURN.items() if name != left}]} for left in TURN),
    {"turns": [{**TURN, "words": [{"word": "yes"}]}]},
    {"turns": {}}, {"turns": None}, {}, [], {"turns": [[]]},
)  # fmt: skip
STM = (
    "call A Ann 0.5 2 so be it", "call B Agent 3 4.25 <o,f0,male> yes", "call 1 customer 0 1", "call 2 x 0 1 <o,f0>",
    "call 3 x 0 1 <o> <noise> so", "call a x 0 1 so", "call A x 0 1 ignore_time_segment_in_scoring",
    "call A x 0 1 <,> IGNORE_TIME_SEGMENT_IN_SCORING", ";; A x 0 1 so", "", "   ", "call A x 0", "call A x zero 1 so",
    "call A x 0 1 <o,f0 so", "call A x 0 1 o,f0> so",
)  # fmt: skip
RTTM = (
    "SPEAKER call 1 0.5 2 <NA> <NA> ann <NA> <NA>", "SPEAKER other 1 0.5 2 <NA> <NA> ann", "SPKR-INFO call 1 0.5 2",
    "SPEAKER call 1 0.5 2 <NA> <NA>", "SPEAKER call 1 x 2 <NA> <NA> ann", "SPEAKER", "", "SPEAKER call",
)  # fmt: skip
REFERENCES: tuple[object, ...] = (
    {"a.wav": "so be it [noise]", "b.mp3": ["one", "two"], "c.wav": None, "d": ""}, {"a.wav": 5},
    {"a.wav": ["x", None]},
    ["a"], {}, "a", None,
)  # fmt: skip


def told(read: Callable[[], object], folder: Path) -> str:
    try:
        found = read()
    except ConfigurationError as error:
        return str(error).replace(str(folder), "…")
    if isinstance(found, TrueCall):
        return f"{found} spoken {len(found.spoken)} timed {found.timed} mono {found.on_one_channel().turns}"
    return str(found)


def lines_of_files(folder: Path) -> Iterable[str]:
    for content in JSON:
        (folder / "call.json").write_text(json.dumps(content), encoding="utf-8")
        yield f"{content}: {told(lambda: read_json(folder / 'call.json'), folder)}"
    for line in (*STM, "\n".join(STM[3::-1]), f"{STM[0]}\n\ncall A"):
        (folder / "call.stm").write_text(line, encoding="utf-8")
        yield f"{line!r}: {told(lambda: read_stm(folder / 'call.stm'), folder)}"
    for line in (*RTTM, f"SPEAKER call 1 4 1 <NA> <NA> bea\n{RTTM[0]}", f"{RTTM[0]}\nSPEAKER call"):
        (folder / "call.rttm").write_text(line, encoding="utf-8")
        yield f"{line!r}: {told(lambda: read_rttm(folder / 'call.rttm', 'call'), folder)}"
    for references in REFERENCES:
        (folder / "refs.json").write_text(json.dumps(references), encoding="utf-8")
        yield f"{references}: {told(lambda: read_references(folder / 'refs.json'), folder)}"
    (folder / "refs.json").write_bytes(b"\xff")
    for name in ("refs.json", "nowhere.json"):
        yield f"{name}: {told(lambda: read_references(folder / name), folder)}"  # noqa: B023
    for read in (read_json, read_stm, lambda path: read_rttm(path, "call")):
        for name in ("refs.json", "nowhere.json"):
            yield f"{name}: {told(lambda: read(folder / name), folder)}"  # noqa: B023


def lines_of_folders(folder: Path) -> Iterable[str]:
    """Which truth is taken where several files have a recording's name."""
    stm, rttm = "call A agent 0 1 by stm", "SPEAKER call 1 0 1 <NA> <NA> ann"
    contents = {
        "call.json": json.dumps({"turns": [{**TURN, "text": "by json"}]}),
        "call.stm": stm,
        "call.rttm": rttm,
        "refs.json": json.dumps({"call.wav": "by references", "other.wav": "words"}),
        "call.wav": "",
        "notes.txt": "",
    }
    names = list(contents)
    for number, left in enumerate(
        ((), *((name,) for name in names), names[:1], names[:2], names[:4], names[:5], names)
    ):
        place = folder / str(number)
        place.mkdir()
        for name in names:
            if name not in left:
                (place / name).write_text(contents[name], encoding="utf-8")
        try:
            truth = open_truth(place, "--against")
        except ConfigurationError as error:
            yield f"without {list(left)}: {str(error).replace(str(folder), '…')}"
            continue
        calls = {name: truth.of(name) for name in ("call", "other", "nobody")}
        found = {name: call and ([turn.text for turn in call.turns], call.speakers) for name, call in calls.items()}
        yield f"without {list(left)}: {sorted(truth.names)} recordings {truth.has_recordings} {found}"
    for name in ("call.json", "call.stm", "refs.json", "call.rttm", "notes.txt", "nowhere"):
        try:
            truth = open_truth(folder / "0" / name, "--against")
            yield f"{name}: {sorted(truth.names)} recordings {truth.has_recordings} {truth.of('call') is not None}"
        except ConfigurationError as error:
            yield f"{name}: {str(error).replace(str(folder), '…')}"


@pytest.mark.parametrize("lines", [lines_of_files, lines_of_folders])
def test_truth(tmp_path: Path, lines: Callable[[Path], Iterable[str]]) -> None:
    assert_pinned(f"truth_{lines.__name__}.txt", "\n".join(lines(tmp_path)))
