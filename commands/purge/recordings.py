"""The recordings themselves, deleted where that is asked for and possible; and what lies beside those handed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import starmap
from pathlib import Path

from db.erasure import Erasable
from pipeline.plurals import counted
from pipeline.sources.addresses import file_path, zip_parts
from pipeline.sources.metadata.submitted import sidecar_name


def delete_recordings(erased: Sequence[Erasable], *, write: bool) -> tuple[Counter[str], list[str]]:
    """Delete the files of these calls. Returns what became of them, and what could not be deleted.

    Members of an archive and objects of a bucket are left: their owner deletes them. Where they are is told, but not
    their names, which may be in logs for long.
    """
    counts: Counter[str] = Counter()
    troubles: list[str] = []
    elsewhere: Counter[str] = Counter()
    for uri in (uri for call in erased for uri in (call.source_uri, call.second_uri) if uri):
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


def delete_handed_in(erased: Sequence[Erasable], folder: Path, *, write: bool) -> tuple[Counter[str], list[str]]:
    """Delete the sidecars that the service has written below `folder`, and folders that are empty now.

    They go also where the recordings stay: they hold what the submitter said of the call. Returns what became of them,
    and what could not be deleted.
    """
    counts: Counter[str] = Counter()
    troubles: list[str] = []
    root = folder.absolute()
    for call in erased:
        path = file_path(call.source_uri) if call.source_uri.startswith("file://") else None
        if path is None or root not in path.parents:
            continue
        sidecar = path.with_name(sidecar_name(path.name))
        try:
            if write:
                sidecar.unlink()
            elif not sidecar.exists():
                continue
            counts["sidecars deleted"] += 1
        except FileNotFoundError:
            pass
        except OSError as error:
            troubles.append(f"{sidecar}: {error.strerror or error}")
        if write:
            with suppress(OSError):  # the recording stays, or its folder is gone
                path.parent.rmdir()
    return counts, troubles


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
