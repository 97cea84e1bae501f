"""Who sees a call that is held, by its customer and its queue."""

from __future__ import annotations

import pytest

from db.queries.chosen import EVERYTHING, RowScope
from pipeline.records import CallMetadata, CustomerSegment
from service.live.routes import _seen

SAID = CallMetadata(customer_segment=CustomerSegment.B2C, queue="billing")


@pytest.mark.parametrize(
    ("rows", "said", "seen"),
    [
        (EVERYTHING, SAID, True),
        (EVERYTHING, CallMetadata(), True),
        (RowScope(segments=("b2c",)), SAID, True),
        (RowScope(segments=("b2b",)), SAID, False),
        (RowScope(segments=("b2c",)), CallMetadata(), False),
        (RowScope(queues=("billing", "sales")), SAID, True),
        (RowScope(queues=("sales",)), SAID, False),
        (RowScope(queues=()), SAID, False),
        (RowScope(segments=("b2c",), queues=("sales",)), SAID, False),
        (RowScope(segments=("b2b",), queues=("billing",)), SAID, False),
        (RowScope(segments=("b2c",), queues=("billing",)), SAID, True),
    ],
)
def test_a_held_call_is_there_for_those_who_see_its_rows(rows: RowScope, said: CallMetadata, seen: bool) -> None:
    assert _seen(said, rows) is seen
