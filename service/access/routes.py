"""No route is forgotten: each declares what it needs, or that it is open to anyone."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from service.access.needs import anyone
from service.access.principal import Scope


def declared(route: RouteContext) -> frozenset[Scope] | None:
    """The scopes a route needs, empty where it is open to anyone; None where it says nothing."""
    dependant = getattr(route, "dependant", None)
    if not isinstance(dependant, Dependant):
        return None
    calls = [needed.call for needed in _all(dependant)]
    found = frozenset(scope for call in calls if (scope := getattr(call, "needed", None)) is not None)
    return found if found or anyone in calls else None


def undeclared(app: FastAPI) -> list[str]:
    """Paths of routes that do not say who may use them."""
    return [str(route.path) for route in iter_route_contexts(app.routes) if declared(route) is None]


def refuse_undeclared(app: FastAPI) -> None:
    """For the end of the application's making: raises TypeError, with the paths, where a route says nothing."""
    if forgotten := undeclared(app):
        raise TypeError(
            f"{', '.join(forgotten)}: say who may use it, by Depends(needs(Scope.…)) or Depends(anyone) "
            "(service/access/needs.py)"
        )


def _all(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for needed in dependant.dependencies:
        yield from _all(needed)
