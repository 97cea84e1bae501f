"""All routes about calls, under /v1."""

from __future__ import annotations

from fastapi import APIRouter

from service.calls import one
from service.problems import API

router = APIRouter(prefix=API)
router.include_router(one.router)
