"""What S3 takes in one upload."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config.areas.buckets import S3Settings
from pipeline.objects.port import StoreRefused
from pipeline.objects.s3 import S3Store


@pytest.mark.parametrize(("size", "told"), [(5 * 2**30, "Could not connect"), (5 * 2**30 + 1, "5 GiB")])
def test_five_gibibytes_are_sent_and_more_is_refused_first(tmp_path: Path, size: int, told: str) -> None:
    """No server is there, so that nothing of the (sparse) file is read."""
    path = tmp_path / "recording.wav"
    with path.open("wb") as file:
        file.truncate(size)
    settings = S3Settings(endpoint_url="http://127.0.0.1:9", region="eu-central-1", anonymous=True, attempts=1)
    with pytest.raises(StoreRefused, match=told):
        S3Store("recordings", settings).put("a.wav", path, "0" * 64, replace=True)
