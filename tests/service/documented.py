"""A client written from the OpenAPI document alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class DocumentClient:
    """Knows nothing but the OpenAPI document: calls operations by their ids."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=60)
        self.document: dict[str, Any] = self._http.get("/v1/openapi.json").raise_for_status().json()
        self._known = {
            operation["operationId"]: (method, path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        }

    def __call__(
        self, operation_id: str, *, body: Mapping[str, Any] | bytes | None = None, media_type: str = "", **given: object
    ) -> httpx.Response:
        """`body`: fields of a form with its files, or bytes; `media_type`: which of those the document offers."""
        method, path, operation = self._known[operation_id]
        query: dict[str, Any] = {}
        headers: dict[str, str] = {}
        for parameter in operation.get("parameters", []):
            if parameter["name"] in given:
                value = given.pop(parameter["name"])
                if parameter["in"] == "path":
                    path = path.replace(f"{{{parameter['name']}}}", str(value))
                elif parameter["in"] == "header":
                    headers[parameter["name"]] = str(value)
                else:
                    query[parameter["name"]] = value
            else:
                assert not parameter.get("required"), parameter["name"]
        assert not given, f"{operation_id} knows no {', '.join(given)}"
        sent = self._sent(operation, body, media_type, headers)
        answer = self._http.request(method, path, params=query, headers=headers, **sent)
        assert str(answer.status_code) in operation["responses"] or "default" in operation["responses"]
        return answer

    def _sent(
        self,
        operation: Mapping[str, Any],
        body: Mapping[str, Any] | bytes | None,
        media_type: str,
        headers: dict[str, str],
    ) -> dict[str, Any]:
        if body is None:
            return {}
        offered = operation["requestBody"]["content"]
        assert media_type in offered, f"{operation['operationId']} takes {', '.join(offered)}"
        if isinstance(body, bytes):
            headers["Content-Type"] = media_type
            return {"content": body}
        schema = offered[media_type]["schema"]
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        assert set(body) <= set(schema["properties"]), "fields that the document does not name"
        assert set(schema.get("required", ())) <= set(body)
        if media_type == "application/json":
            return {"json": body}
        files = {name: value for name, value in body.items() if isinstance(value, tuple)}
        return {"files": files, "data": {name: value for name, value in body.items() if name not in files}}
