"""Files brought into a bucket: each whole under its name, or not at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from pipeline.config.areas.buckets import S3Settings, bucket_and_prefix
from pipeline.errors import ServiceUnavailable
from pipeline.hashes import sha256_of
from pipeline.objects.choice import open_store
from pipeline.objects.port import ObjectStore, StoreRefused
from pipeline.plurals import counted


class Destination:
    """A prefix in a bucket, such as `s3://results/earshot`."""

    def __init__(self, address: str, settings: S3Settings) -> None:
        self.address = address.rstrip("/")
        bucket, prefix = bucket_and_prefix(self.address)
        self._prefix = f"{prefix}/" if prefix else ""
        self._connections = settings.connections
        self.store: ObjectStore = open_store(bucket, settings)

    def key(self, name: str) -> str:
        """Of a file by its path below the destination, with / between folders."""
        return self._prefix + name

    def upload(self, files: Mapping[str, Path], *, replaceable: Collection[str] = ()) -> None:
        """Bring files under their names below the destination; those that are there with this content stay.

        Where one fails, no further one is begun: a bucket that is out of reach costs one file's attempts, not those of
        ten thousand.

        Args:
            replaceable: names whose objects may be replaced. Any other name is given once.

        Raises ServiceUnavailable.
        """
        if not files:
            return
        with ThreadPoolExecutor(min(self._connections, len(files)), "upload") as pool:
            under_way = {
                pool.submit(self.store.put, self.key(name), path, sha256_of(path), replace=name in replaceable): name
                for name, path in files.items()
            }
            done, left = wait(under_way, return_when=FIRST_EXCEPTION)
            for future in left:
                future.cancel()
        failed = [(under_way[future], error) for future in done if (error := future.exception()) is not None]
        for name, error in failed:
            if not isinstance(error, StoreRefused):
                raise error
            raise ServiceUnavailable(
                f"{self.address}/{name}: {error}; {counted(len(files), 'file')} or some of them not uploaded"
            )
