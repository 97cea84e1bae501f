"""What scopes include, and what a principal's rows are."""

from __future__ import annotations

import pytest

from db.queries.chosen import CallFilter, RowScope
from service.access import LOCAL, Principal, Scope


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ([], set()),
        ([Scope.SUBMIT], {Scope.SUBMIT}),
        ([Scope.READ_WITHOUT_TEXT], {Scope.READ_WITHOUT_TEXT}),
        ([Scope.READ], {Scope.READ, Scope.READ_WITHOUT_TEXT}),
        ([Scope.SUBMIT, Scope.READ_WITHOUT_TEXT], {Scope.SUBMIT, Scope.READ_WITHOUT_TEXT}),
        ([Scope.ADMIN], set(Scope)),
    ],
)
def test_scopes_include_others(given: list[Scope], held: set[Scope]) -> None:
    principal = Principal(name="a", scopes=frozenset(given))
    assert {scope for scope in Scope if principal.may(scope)} == held
    assert principal.reads_words == (Scope.READ in held)


def test_a_filter_is_never_wider_than_the_rows() -> None:
    rows = RowScope(queues=("billing",))
    principal = Principal(name="a", scopes=frozenset({Scope.READ}), rows=rows)
    assert principal.limited(CallFilter(queue="sales")) == CallFilter(queue="sales", within=rows)
    assert LOCAL.limited(CallFilter()) == CallFilter()
