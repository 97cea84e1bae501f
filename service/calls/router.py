"""All routes about calls, under /v1."""

from __future__ import annotations

from fastapi import APIRouter

from service.calls import erasing, exporting, finding, known_call, listing, said, sound
from service.problems.kinds import API

router = APIRouter(prefix=API)
for part in (listing, known_call, said, sound, finding, exporting, erasing):
    router.include_router(part.router)
