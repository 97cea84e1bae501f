"""What every configuration area is built on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Area(BaseModel):
    """A typed part of config.yaml: unknown keys are refused, values are frozen and finite, every field is described."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True, allow_inf_nan=False
    )
