"""What people mistype at `run.py train` and `evaluate sentiment`: a clear message, exit 2 or 3, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app
from tests.commands.run.test_run import command

GOOD = "text,label,group\n" + "".join(
    f"{words} {at},{label},g{at % 6}\n"
    for at in range(12)
    for words, label in (("awful late", "negative"), ("a question about", "neutral"), ("thanks great", "positive"))
)


@pytest.mark.parametrize(
    ("labels", "arguments", "code", "message"),
    [
        (None, ("train", "text"), 2, "no such file; give --labels"),
        ("words,label\nx,neutral\n", ("train", "text"), 2, "no column 'text'; there are: words, label"),
        (GOOD, ("train", "text", "--group-by", "call"), 2, "no column 'call'"),
        (GOOD.replace("positive", "happy"), ("train", "text"), 2, "label 'happy' must be one of negative"),
        (GOOD, ("train", "text", "--model", "bert"), 2, "must be one of words, cues, plain"),
        (GOOD, ("train", "text", "--model", "plain", "--folds", "9"), 2, "9 is more than the 6 groups"),
        (
            "path,label,group\nx.wav,neutral,a\n",
            ("train", "acoustic"),
            2,
            "row 2: recording x.wav is not there",
        ),
        (GOOD, ("evaluate", "sentiment", "--set", "sentiment.text.sklearn.client_model=old.pkl"), 3, "no such file"),
        (GOOD, ("evaluate", "sentiment", "--set", "sentiment.text.sklearn.client_model={pickle}"), 3, "can run code"),
    ],
)
def test_mistakes_are_told_with_their_exit_code(
    tmp_path: Path, labels: str | None, arguments: tuple[str, ...], code: int, message: str
) -> None:
    path = tmp_path / "labels.csv"
    if labels is not None:
        path.write_text(labels, encoding="utf-8")
    (tmp_path / "old.pkl").write_bytes(b"\x80\x04.")
    out = ("--out", str(tmp_path / "model")) if arguments[0] == "train" else ()
    chosen = [one.replace("{pickle}", str(tmp_path / "old.pkl")) for one in arguments]
    done = command(*chosen, "--labels", str(path), *out)
    told = " ".join((done.stderr + done.stdout).split())
    assert done.returncode == code, told
    assert message in told
    assert "Traceback" not in told


@pytest.mark.parametrize(("typed", "hint"), [("txt", "did you mean text?"), ("fussion", "did you mean fusion?")])
def test_a_mistyped_kind_is_told_the_near_one(typed: str, hint: str) -> None:
    result = CliRunner().invoke(app, ["train", typed, "--labels", "a.csv", "--out", "b"])
    assert result.exit_code == 2
    assert hint in " ".join(result.output.replace("│", " ").split())
