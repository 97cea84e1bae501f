"""All routes about calls, under /v1."""

from __future__ import annotations

from fastapi import APIRouter

from service.calls import erasing, exporting, finding, many, one, said, sound
from service.problems.kinds import API

router = APIRouter(prefix=API)
for part in (many, one, said, sound, finding, exporting, erasing):
    router.include_router(part.router)
