"""What uvicorn is told, and that renewed certificates are taken up once a minute."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from fastapi import FastAPI

from commands.certificates import Certificate
from commands.serving.server import server_of
from tests.commands.test_certificates import pair, written

RENEWED = "the renewed certificate"


def certificate(folder: Path) -> Certificate:
    made = pair()
    written(folder, made.chain, made.key)
    return Certificate(folder / "chain.pem", folder / "key.pem")


@pytest.mark.parametrize("proxies", [(), ("10.0.0.1", "10.1.0.0/16")])
def test_a_server_says_nothing_of_itself_and_believes_named_proxies_alone(proxies: tuple[str, ...]) -> None:
    config = server_of(FastAPI(), proxies=proxies, max_message_bytes=99).config
    told = (config.log_level, config.access_log, config.server_header, config.timeout_graceful_shutdown)
    assert told == ("warning", False, False, 2)
    assert (config.ws_max_size, config.ws_per_message_deflate) == (99, False)
    assert (config.proxy_headers, config.forwarded_allow_ips) == (bool(proxies), list(proxies))
    assert config.is_ssl is False
    assert server_of(FastAPI()).config.ws_max_size == 65_536


def test_a_renewed_certificate_is_looked_for_once_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = server_of(FastAPI(), certificate(tmp_path))
    assert server.config.is_ssl
    server.config.load()

    def ticks(first: int, last: int) -> int:
        caplog.clear()
        for counter in range(first, last):
            assert asyncio.run(server.on_tick(counter)) is False
        return sum(RENEWED in record.message for record in caplog.records)

    assert ticks(0, 2) == 0
    certificate(tmp_path)
    assert (ticks(598, 600), ticks(600, 601), ticks(1_199, 1_202)) == (0, 1, 0)
    certificate(tmp_path)
    assert (ticks(1_799, 1_800), ticks(1_800, 1_801)) == (0, 1)


def test_without_a_certificate_there_is_nothing_to_renew() -> None:
    server = server_of(FastAPI())
    server.config.load()
    assert asyncio.run(server.on_tick(600)) is False
    assert server.certificate is None
