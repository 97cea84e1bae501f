"""Readers, as routes declare them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from service.access import Principal, Scope, needs

Reader = Annotated[Principal, Depends(needs(Scope.READ_WITHOUT_TEXT))]
"""May read calls; words only where `reads_words`."""
WordReader = Annotated[Principal, Depends(needs(Scope.READ))]
Administrator = Annotated[Principal, Depends(needs(Scope.ADMIN))]
