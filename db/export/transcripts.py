"""A file per call and format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from db.export.document import Document, documents
from db.export.documents_json import contact_lens_json, own_json, pca_json
from db.export.files import write_whole
from db.export.subtitles import srt, txt, vtt
from pipeline.config.areas.output import OutputSettings, TranscriptFileSettings

if TYPE_CHECKING:
    from db.connection import Database

Writer = Callable[[Document, TranscriptFileSettings], str]

WRITERS: Mapping[str, tuple[str, Writer]] = {
    "txt": (".txt", txt),
    "srt": (".srt", srt),
    "vtt": (".vtt", vtt),
    "json": (".json", own_json),
    "pca_json": (".pca.json", pca_json),
    "contact_lens_json": (".contact_lens.json", contact_lens_json),
}
"""Format of `output.transcripts.formats` to the file's ending and its writer."""

LONGEST_STEM_BYTES = 120
TRANSCRIPTS = "transcripts"
"""Their folder, below that of a run's output."""


def export_transcripts(database: Database, call_ids: Iterable[str], folder: Path, output: OutputSettings) -> list[Path]:
    """Write the configured formats of each call that has a transcript. Raises OutputUnavailable."""
    written = []
    for document in documents(database, call_ids):
        for name in output.transcripts.formats:
            ending, writer = WRITERS[name]
            path = folder / (file_stem(document) + ending)
            write_whole(path, writer(document, output.transcripts).encode())
            written.append(path)
    return written


def file_stem(document: Document) -> str:
    """A file name of our own making: harmless characters, and the call's id against equal names elsewhere."""
    return file_stem_of(str(document.call["file_name"]), document.call_id)


def file_stem_of(file_name: str, call_id: str) -> str:
    """The same of a recording's name and its call's id."""
    stem = Path(file_name).stem
    safe = re.sub(r"[^\w\- ]+", "_", stem).strip(" ._") or "call"
    return f"{safe.encode()[:LONGEST_STEM_BYTES].decode(errors='ignore')}-{call_id[:8]}"
