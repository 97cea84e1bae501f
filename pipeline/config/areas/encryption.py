"""Encryption at rest: config.yaml's `encryption`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pipeline.config.base import Area

KeyPlace = Annotated[str, Field(pattern=r"^(file|env|kms):.+")]
"""Where a key is, never the key."""


class EncryptionSettings(Area):
    """What is encrypted where it lies. What is encrypted already stays readable, whatever is switched off here."""

    recordings: bool = False
    """Encrypt the recordings that the service keeps (`service.recordings_dir`)."""
    spool: bool = False
    """Encrypt the decoded samples of calls under way (`run.spool_dir`)."""
    key: KeyPlace | None = None
    """Key of new files: file:PATH (as `run.py keys make` writes it), env:VARIABLE, or kms:KEY of AWS KMS (id, ARN or
    alias). In the first two 32 bytes in base64."""
    old_keys: tuple[KeyPlace, ...] = ()
    """Keys of files that `run.py keys rotate` has not reached yet, in the same form: they are still read."""

    @model_validator(mode="after")
    def _with_a_key(self) -> EncryptionSettings:
        if (self.recordings or self.spool) and self.key is None:
            raise ValueError("key is not set, but recordings or spool is; `python run.py keys make FILE` makes one")
        return self
