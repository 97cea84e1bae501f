"""Labels: every fault is told with its row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.training.labelled.labels import LabelFile, check_trainable, read_labels
from analysis.training.labelled.splits import grouped_splits
from pipeline.errors import ConfigurationError


def write(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "needs", "message"),
    [
        (
            "text,label,group\nhi,angry,a\n",
            ("text",),
            "row 2: label 'angry' must be one of negative, neutral, positive",
        ),
        ("text,label,group\nhi,,a\n", ("text",), "row 2: label ''"),
        ("text,label,group\nhi,neutral,a\n ,neutral,a\n", ("text",), "row 3: no text"),
        ("text,label,group\nhi,neutral,\n", ("text",), "row 2: no group"),
        ("path,label,group\ngone.wav,neutral,a\n", ("audio",), "row 2: recording gone.wav is not there"),
        ("path,label,group\n,neutral,a\n", ("audio",), "row 2: no recording named"),
        ("text,label,group,start_s\nhi,neutral,a,x\n", ("text",), "row 2: start_s 'x' is not a number"),
        ("text,label,group,start_s,end_s\nhi,neutral,a,2,1\n", ("text",), "row 2: end_s (1.0) must be after"),
        ("text,label\nhi,neutral\n", ("text",), "no column 'group'"),
        ("words,label,group\nhi,neutral,a\n", ("text",), "no column 'text'; there are: words, label, group"),
        ("text,text,label,group\nhi,hi,neutral,a\n", ("text",), "two columns are named 'text'"),
        ("text,label,group,role\nhi,neutral,a,boss\n", ("text",), "row 2: role 'boss' must be one of agent, client"),
        ("text,label,group,channel\nhi,neutral,a,0.5\n", ("text",), "row 2: channel 0.5 must be a whole number"),
        ("path,label,group\ns3://b/k.wav,neutral,a\n", ("audio",), "row 2: recording s3://b/k.wav is not a file"),
        (
            "text,label,group\n" + "hi,angry,a\n" * 7 + "hi,sad,a\n",
            ("text",),
            "rows 2, 3, 4, 5, 6 and 2 more: label 'angry' must be one of negative, neutral, positive (or map it",
        ),
        ("", ("text",), "no column 'label'; there are: none"),
        ("text,label,group\n", ("text",), "no rows"),
    ],
)
def test_faults_are_told_with_their_row(tmp_path: Path, text: str, needs: Sequence[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_labels(LabelFile(write(tmp_path, text)), needs=needs)
    assert message in str(caught.value)


def test_the_same_recording_in_two_groups_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    path = write(tmp_path, "path,label,group\na.wav,neutral,one\na.wav,negative,two\n")
    with pytest.raises(ConfigurationError, match=r"row 3: the same recording is in group 'two' here and in 'one'"):
        read_labels(LabelFile(path), needs=("audio",))


def test_labels_are_mapped_and_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label,group\na,Anger,s1\nb,fear,s1\nc,neutral,s2\n")
    labels = read_labels(LabelFile(path, label_map={"anger": "negative", "fear": "-"}), needs=("text",))
    assert [(item.row, item.label) for item in labels.items] == [(2, "negative"), (4, "neutral")]
    assert labels.dropped == {"fear": 1}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_spreadsheets_of_many_countries_are_read(tmp_path: Path, delimiter: str) -> None:
    lines = [("text", "label", "group"), ("Yes, please, now", "neutral", "a")]
    path = write(tmp_path, "\n".join(delimiter.join(cells) for cells in lines))
    assert read_labels(LabelFile(path), needs=("text",)).items[0].text == "Yes, please, now"


def test_a_map_to_no_label_names_the_labels(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label,group\na,anger,s1\n")
    with pytest.raises(ConfigurationError, match=r"--label-map anger=angry: 'angry' must be one of negative"):
        read_labels(LabelFile(path, label_map={"anger": "angry"}), needs=("text",))


def test_a_row_of_the_database_names_its_recording(tmp_path: Path) -> None:
    (tmp_path / "a b.wav").write_bytes(b"x")
    path = write(tmp_path, f"path,label,group\nfile://{tmp_path}/a%20b.wav,neutral,one\n")
    assert read_labels(LabelFile(path), needs=("audio",)).items[0].audio == tmp_path / "a b.wav"


def test_pieces_of_a_call_are_one_voice_per_side_and_whole_clips_one_per_speaker(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(b"x")
    rows = ["a,0,client,0,1", "a,0,client,2,3", "a,1,agent,0,1", "b,0,client,0,1", "a,0,client,,", "b,0,client,,"]
    body = "".join(
        f"{name}.wav,neutral,g,{channel},{role},{start},{end}\n"
        for name, channel, role, start, end in (row.split(",") for row in rows)
    )
    path = write(tmp_path, "path,label,group,channel,role,start_s,end_s\n" + body)
    voices = [item.voice for item in read_labels(LabelFile(path), needs=("audio",)).items]
    assert [voices.index(voice) for voice in voices] == [0, 0, 2, 3, 4, 4]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("neutral", f"g{at}") for at in range(20)], "only one class"),
        ([(("neutral", "negative")[at % 2], f"g{at % 3}") for at in range(40)], "3 groups; at least 5"),
        ([("neutral", f"g{at}") for at in range(20)] + [("negative", "g1")], "fewer than 4 items"),
        ([("neutral", f"g{at}") for at in range(20)] + [("negative", "g1")] * 9, "are in 1 groups; at least 3"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(tmp_path: Path, rows: list[tuple[str, str]], message: str) -> None:
    body = "".join(f"text {at},{label},{group}\n" for at, (label, group) in enumerate(rows))
    labels = read_labels(LabelFile(write(tmp_path, "text,label,group\n" + body)), needs=("text",))
    with pytest.raises(ConfigurationError, match=message):
        check_trainable(labels, least_groups=5, least_per_class=4)


@pytest.mark.parametrize("folds", [None, 3, 5])
def test_a_group_is_never_on_both_sides(folds: int | None) -> None:
    groups = [f"g{at % 7}" for at in range(70)]
    labels = [at % 3 for at in range(70)]
    tested: list[int] = []
    for train, test in grouped_splits(labels, groups, folds, 0):
        assert not {groups[at] for at in train} & {groups[at] for at in test}
        tested += test.tolist()
    assert sorted(tested) == list(range(70))
    with pytest.raises(ConfigurationError, match="8 is more than the 7 groups"):
        grouped_splits(labels, groups, 8, 0)
