"""The recordings themselves: deleted where that is asked for and possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import starmap

from db.erasure import Erasable
from pipeline.plurals import counted
from pipeline.sources.addresses import file_path, zip_parts


def delete_recordings(erased: Sequence[Erasable], *, write: bool) -> tuple[Counter[str], list[str]]:
    """Delete the files of these calls. Returns what became of them, and what could not be deleted.

    Members of an archive and objects of a bucket are left: their owner deletes them. Where they are is told, but not
    their names, which may be in logs for long.
    """
    counts: Counter[str] = Counter()
    troubles: list[str] = []
    elsewhere: Counter[str] = Counter()
    for uri in (uri for one in erased for uri in (one.source_uri, one.second_uri) if uri):
        if not uri.startswith("file://"):
            counts["left in archives and buckets"] += 1
            elsewhere[_container(uri)] += 1
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
    return counts, [*troubles, *starmap(_left, sorted(elsewhere.items()))]


def _container(uri: str) -> str:
    """`/in/calls.zip`, or `s3://bucket`."""
    if uri.startswith("zip://"):
        return str(zip_parts(uri)[0])
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _left(container: str, number: int) -> str:
    what = counted(number, "recording")
    if "://" in container:
        return f"{container}: {what} of erased calls left in this bucket; delete the objects there, old versions too"
    return f"{container}: {what} of erased calls left in this archive; write it anew without them, or delete it"
