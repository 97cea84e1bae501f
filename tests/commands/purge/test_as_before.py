"""A folder of files of every kind that name erased calls, before and after: what is left of each is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from commands.purge.files import erase_in_files, named
from db.erasure import Erasable
from tests.pinned import assert_pinned

IDS = ("0a0a0a0a-1111-4111-8111-000000000001", "0b0b0b0b-2222-4222-8222-000000000002")
ROWS = (
    {"call_id": IDS[0], "text": "mine"},
    {"text": "said in /calls/a b&c.wav, and a b&c.wav."},
    {"source_uri": "file:///calls/a%20b%26c.wav"},
    {"audio_filepath": "/calls/a b&c.wav"},
    {"file_name": "second.wav", "text": "the other side's"},
    {"file_name": "other.wav", "text": "xsecond.wav second.wave second.wav!"},
    {"file_name": "shared.wav", "text": "shared.wav stays"},
    {"deep": [{"second.wav": ["s3://bucket/x/second.wav", 3, None]}], "call_id": "none"},
)
FILES: dict[str, str] = {
    "logs/run.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS) + "no JSON, a b&c.wav\nno JSON\n[1, 2]\n",
    "logs/plain.log": f"{IDS[0]}\nother.wav\n{IDS[1]}. second.wav\n",
    "calls.csv": f'call_id,file_name,text\r\n{IDS[0]},x,y\r\n1,second.wav,z\r\n2,o,"a b&c.wav, twice"\r\n3,o,p\r\n',
    "marked.csv": f"\ufeffcall_id;text\r\n{IDS[1]};x\r\n4;kept\r\n",
    "tabs.tsv": f"call_id\ttext\n{IDS[0]}\tx\n5\ty\n",
    "untold.csv": "text,who\r\nhello,me\r\n",
    "report.json": json.dumps({"slowest": ["second.wav", "other.wav"], IDS[0]: {"a": 1}}),
    "broken.json": "{second.wav",
    "clean.json": json.dumps({"slowest": ["other.wav"]}),
    "performance_report_1.html": "<td>a b&amp;c.wav</td><td>other.wav</td>",
    "call.html": "<p>second.wav</p>",
    "others.HTM": "<p>other.wav</p>",
    f"{IDS[0]}/peaks.bin": "in the folder of a call",
    f"{IDS[1]}.vtt": "by its id",
    "second-0b0b0b0b.srt": "by its name and the beginning of its id",
    "notes.md": "a b&c.wav was erased\n",
    "sound.wav": "second.wav",
    "cluster/PG_VERSION": "16",
    "cluster/base/second.txt": "second.wav",
    "keep.log": "second.wav\n",
}


def erased(number: int, uri: str, name: str, **more: str | None) -> Erasable:
    return Erasable(
        call_id=IDS[number], source_uri=uri, second_uri=more.get("second_uri"), file_name=name,
        second_file=more.get("second_file"), audio_sha256="aa", size_bytes=1, modified_at=None, etag=None,
        transcript_fingerprint=None,
    )  # fmt: skip


WHAT = named(
    [
        erased(0, "file:///calls/a%20b%26c.wav", "a b&c.wav"),
        erased(
            1, "s3://bucket/x/second.wav", "second.wav", second_uri="file:///calls/shared.wav", second_file="shared.wav"
        ),
    ],
    ("shared.wav",),
)


@pytest.mark.parametrize("write", [True, False])
def test_what_is_left_of_every_kind_of_file(write: bool, tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content.encode())
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
    outcome = erase_in_files([tmp_path], WHAT, delimiter=",", keep=tmp_path / "keep.log", write=write)
    lines = [str(sorted(outcome.counts.items())), *sorted(outcome.unread)]
    for path in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        name = path.relative_to(tmp_path).as_posix()
        content = path.read_bytes().decode()
        assert path.stat().st_mtime == 1_000_000_000, f"{name}: its time stays"
        lines += [f"= {name}", "as it was" if content == FILES.get(name) else repr(content)]
    assert_pinned(f"files_{'written' if write else 'preview'}.txt", "\n".join(lines).replace(str(tmp_path), "FOLDER"))
