from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.config.areas.sources import InputSettings


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"patterns": [{"pattern": "(?P<agent_id>"}]}, "patterns.0.pattern", "not a regular expression"),
        ({"patterns": [{"pattern": r"\d+"}]}, "patterns.0.pattern", "names no group"),
        ({"patterns": [{"pattern": "(?P<a>.)", "timezone": "Mars/Base"}]}, "patterns.0.timezone", "Mars/Base"),
        ({"patterns": [{"pattern": "(?P<a>.)", "started_at_formats": ["%Q"]}]}, "patterns.0.started_at_formats", "%Q"),
        ({"timezone": "CET/"}, "timezone", "not a time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone", "not a time zone"),
        ({"path": " "}, "path", "is empty"),
        ({"path": "ftp://bucket/calls"}, "path", "choices"),
        ({"path": "gs://"}, "path", "names no bucket"),
        ({"path": "s3://"}, "path", "names no bucket"),
        ({"deltas": {"key_dates": "%d/%m/%Y/"}}, "deltas.key_dates", "does not sort by time: 31/12/2019/"),
        ({"deltas": {"key_dates": "calls/"}}, "deltas.key_dates", "does not sort by time"),
        ({"deltas": {"key_dates": "%Y-%-m-%-d"}}, "deltas.key_dates", "does not sort by time"),
        ({"min_duration_s": 10, "max_duration_s": 5}, "", "max_duration_s (5.0) is below min_duration_s (10.0)"),
        ({"direction_words": {"in": "inwards"}}, "direction_words.in", "'inbound', 'outbound' or 'internal'"),
        ({"sidecar": {"columns": {"agent_id": "Agent"}}}, "sidecar.columns", "file_name"),
        ({"sidecar": {"encoding": "utf-9"}}, "sidecar.encoding", "utf-9"),
        ({"sidecar": {"started_at_formats": ["%Q"]}}, "sidecar.started_at_formats", "%Q"),
        ({"min_size_byte": 1}, "min_size_byte", "Extra inputs"),
    ],
)
def test_refuses_what_cannot_work_and_names_the_key(settings: dict[str, object], key: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        InputSettings.model_validate(settings)
    (fault,) = caught.value.errors()
    assert ".".join(str(part) for part in fault["loc"]) == key
    assert words in fault["msg"]


def test_the_defaults_are_valid() -> None:
    assert InputSettings().min_size_bytes == 1024
