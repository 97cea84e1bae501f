"""The service over an empty database, with disks that have room, and what it told of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from db.connection import Database
from pipeline.config.areas.service import MonitoringSettings, ServiceSettings
from pipeline.config.root import Settings
from service.app import application
from tests.service.conftest import LOOPBACK, all_heard


@dataclass(frozen=True, slots=True)
class Seen:
    """The service as others see it."""

    browser: TestClient

    def readiness(self) -> tuple[int, Mapping[str, Any]]:
        answer = self.browser.get("/readyz")
        return answer.status_code, answer.json()

    def figures(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Samples by name and labels."""
        text = self.browser.get("/metrics").text
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def figure(self, name: str, **labels: str) -> float:
        return self.figures()[name, tuple(sorted(labels.items()))]


@pytest.fixture
def settings() -> Settings:
    return Settings(service=ServiceSettings(monitoring=MonitoringSettings(min_free_disk_gb=0)))


@pytest.fixture
def seen(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Seen]:
    app = application(database, settings, tmp_path / "spool", all_heard)
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as browser:
        yield Seen(browser)
