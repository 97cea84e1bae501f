"""The server behind `view` and `serve`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import uvicorn

from commands.certificates import Renewal

if TYPE_CHECKING:
    from fastapi import FastAPI

    from commands.certificates import Certificate

_TICKS = 600
"""Of 0.1 s each, between two looks at the certificate's files."""


class Server(uvicorn.Server):
    """uvicorn's, which takes up renewed certificates."""

    _renewal: Renewal | None = None
    certificate: Certificate | None = None

    async def on_tick(self, counter: int) -> bool:
        if self.certificate is not None and self.config.ssl is not None:
            if self._renewal is None:
                self._renewal = Renewal(self.certificate, self.config.ssl)
            elif counter % _TICKS == 0:
                self._renewal.look()
        return await super().on_tick(counter)


def server_of(
    app: FastAPI,
    certificate: Certificate | None = None,
    proxies: Sequence[str] = (),
    *,
    max_message_bytes: int = 65_536,
) -> Server:
    """What runs `app`.

    Args:
        certificate: for https.
        proxies: addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody else's are.
        max_message_bytes: of a WebSocket.
    """
    server = Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            ws_max_size=max_message_bytes,
            ws_per_message_deflate=False,  # a small message could unfold to a large one, and sound does not shrink
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            ssl_certfile=None if certificate is None else certificate.chain,
            ssl_keyfile=None if certificate is None else certificate.key,
        )
    )
    server.certificate = certificate
    return server
