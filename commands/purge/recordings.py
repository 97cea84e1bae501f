"""The recordings themselves: deleted where that is asked for and possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from db.erasure import Erasable
from pipeline.sources.addresses import file_path


def delete_recordings(erased: Sequence[Erasable], *, write: bool) -> tuple[Counter[str], list[str]]:
    """Delete the files of these calls. Returns what became of them, and what could not be deleted.

    Members of an archive and objects of a bucket are left: their owner deletes them.
    """
    counts: Counter[str] = Counter()
    troubles: list[str] = []
    for uri in (uri for one in erased for uri in (one.source_uri, one.second_uri) if uri):
        if not uri.startswith("file://"):
            counts["left in archives and buckets"] += 1
            continue
        path = file_path(uri)
        try:
            if write:
                path.unlink()
            elif not path.exists():
                raise FileNotFoundError
            counts["deleted"] += 1
        except FileNotFoundError:
            counts["not there any more"] += 1
        except OSError as error:
            counts["could not be deleted"] += 1
            troubles.append(f"{path}: {error.strerror or error}")
    return counts, troubles
