"""Parameters that an address does not know are refused: a misspelt one would be left out in silence."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.requests import HTTPConnection

from service.documented.document import document_of, operation_id
from service.problems.kinds import INVALID
from service.problems.problem import Fault, Refused

_MOST_TOLD = 5


def parameters_of(app: FastAPI) -> dict[str, list[str]]:
    """Names of the parameters in the query, by operation of the document."""
    return {
        operation["operationId"]: sorted(
            parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
        )
        for item in document_of(app)["paths"].values()
        for operation in item.values()
    }


def only_known(connection: HTTPConnection) -> None:
    """For `app.state.only_known`, which `needs` asks when it knows who asks. Raises Refused (422)."""
    given = connection.query_params.keys()
    if not given or connection.scope["type"] != "http":
        return
    route = connection.scope["route"]
    known = parameters_of(connection.app).get(route.operation_id or operation_id(route))
    unknown = [name for name in given if known is not None and name not in known]
    if known is not None and unknown:
        what = f"not a parameter of this address; it knows {', '.join(known) or 'none'}"
        raise Refused(
            INVALID,
            "The request does not fit its description.",
            faults=[Fault(where=f"query.{name[:100]}", what=what) for name in unknown[:_MOST_TOLD]],
        )
