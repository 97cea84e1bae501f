"""The page of the API, made of a small document with every form that a schema can have."""

from __future__ import annotations

from typing import Any

from pages.api_page import api_page
from tests.pinned import assert_pinned

CALL = {"$ref": "#/components/schemas/Call"}
DOCUMENT: dict[str, Any] = {
    "info": {"title": "Earshot", "version": "1.2", "description": "Two\n  lines.\n\n\n\n`code` & <b>.\n\n"},
    "tags": [
        {"name": "calls", "description": "Of calls."},
        {"name": "empty", "description": "Of nothing."},
        {"name": "jobs", "description": "Of jobs."},
    ],
    "paths": {
        "/v1/calls": {
            "get": {
                "operationId": "listCalls", "tags": ["calls"], "description": "All of them.",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}, "required": True},
                    {"name": "since", "in": "query", "description": "A `day`.",
                     "schema": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}},
                ],
                "responses": {"200": {"description": "Found.", "content": {"application/json": {"schema": CALL},
                                                                           "text/csv": {}}},
                              "default": {"description": "Not."}},
            },
            "delete": {"operationId": "eraseCalls", "responses": {}},
        },
        "/v1/jobs": {
            "post": {"operationId": "handIn", "tags": ["jobs"], "responses": {},
                     "requestBody": {"content": {"audio/wav": {}, "multipart/form-data": {}}}},
        },
    },
    "components": {
        "schemas": {
            "State": {"enum": ["done", 3], "type": "string"},
            "Call": {
                "description": "A call.", "required": ["id"],
                "properties": {
                    "id": {"type": "string", "format": "uuid", "description": "Its name."},
                    "turns": {"type": "array", "items": CALL}, "any": {}, "list": {"type": "array"},
                    "state": {"enum": ["a", "<b>"]},
                },
            },
        },
    },
}  # fmt: skip


def test_the_page_tells_all_that_the_document_holds() -> None:
    assert_pinned("api.html", api_page(DOCUMENT, [("gone", 404, "Not there", "It is `gone`.")]))
