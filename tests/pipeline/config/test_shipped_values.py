"""Values that ship are made without validation, so that spawned processes start fast: here each is validated."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.config.areas.file_names import SHIPPED
from pipeline.config.areas.pairs import SHIPPED_PAIRS
from pipeline.config.areas.sources import RAW_FORMATS
from pipeline.config.base import Area
from tests.house import PROJECT

VALUES: dict[str, Area] = {
    **{f"{name}-{place}": pattern for name, patterns in SHIPPED.items() for place, pattern in enumerate(patterns)},
    **{"-".join(pair.sides): pair for pair in SHIPPED_PAIRS},
    **RAW_FORMATS,
}


@pytest.mark.parametrize("name", VALUES)
def test_what_ships_is_as_validation_would_make_it(name: str) -> None:
    value = VALUES[name]
    assert type(value)(**{field: getattr(value, field) for field in type(value).model_fields}) == value


def test_a_process_that_receives_settings_builds_no_validators() -> None:
    code = (
        "import pipeline.config.root, pipeline.config.base as base\n"
        "def below(area):\n"
        "    return [area] + [each for child in area.__subclasses__() for each in below(child)]\n"
        "print(sum(area.__pydantic_complete__ for area in below(base.Area)))"
    )
    made = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "0"
