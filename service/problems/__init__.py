"""Errors of the API as problem details (RFC 9457, `application/problem+json`). Pages keep their notices."""
