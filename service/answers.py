"""What all answers of the API have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Share = float
"""0..1, as it is stored: sums of measured times may pass 1 by a rounding error."""


class Answer(BaseModel):
    """A frozen record; the docstring under each field is its description in the OpenAPI document.

    Times of day are ISO 8601 with their zone; times within a call are seconds from its first sample.
    """

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


def alike(answer: type[BaseModel], record: object) -> dict[str, Any]:
    """The fields of an answer that a record of the database has under the same names."""
    return {name: getattr(record, name) for name in answer.model_fields if hasattr(record, name)}
