"""Who may do what: every route says what it needs, and gets the one who asks.

Reader = Annotated[Principal, Depends(needs(Scope.READ_WITHOUT_TEXT))]

@router.get("/v1/calls")
def calls(reader: Reader, …) -> …:
    wanted = reader.limited(CallFilter(…))   # never more than the row scope
    … if not reader.reads_words: no words in the answer
"""

from __future__ import annotations

from service.access.audit import Audit, What
from service.access.needs import anyone, needs, principal_with
from service.access.principal import LOCAL, Principal, Scope

__all__ = ["LOCAL", "Audit", "Principal", "Scope", "What", "anyone", "needs", "principal_with"]
