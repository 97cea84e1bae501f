"""A model on this machine through mlx-lm, in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from analysis.llm.local.model import build_local_model
from analysis.llm.local.weights import ask_hub_for_life, model_version
from analysis.llm.provider import LLMRequest, Reply
from analysis.llm.validation import plain
from pipeline.children.worker import Worker
from pipeline.config.areas.llm import MlxLmSettings
from pipeline.errors import ModelUnavailable


class MlxLm:
    """Batches; every answer is held to its schema by grammar. Labels get their probability under the grammar."""

    name = "mlx_lm"
    remote = False
    scores = True
    concurrency = 1

    def __init__(self, settings: MlxLmSettings) -> None:
        self.model = model_version(settings)
        self.batch_size = settings.batch_size
        self._settings = settings
        self._unavailable: ModelUnavailable | None = None
        self._process = Worker(
            "mlx_lm",
            build_local_model,
            (settings,),
            settings.load_time_limit_s,
            restarts=settings.restarts,
            limit_key="llm.request_time_limit_s",
        )

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        """See `LLMProvider.generate`. The first call loads the model, which has a limit of its own.

        A request that could not be read within the time comes back as `unread`.
        """
        self._check_reach()
        portable = [replace(request, schema=plain(request.schema)) for request in requests]
        return cast("list[Reply]", self._process.call((portable, time_limit_s), time_limit_s))

    def _check_reach(self) -> None:
        """Raises ModelUnavailable, the same each time: nobody waits twice for a silent hub."""
        if self._unavailable is None and self._process.pid is None:
            try:
                ask_hub_for_life(self._settings)
            except ModelUnavailable as error:
                self._unavailable = error
        if self._unavailable is not None:
            raise self._unavailable

    def close(self) -> None:
        """End the process; idempotent."""
        self._process.close()
