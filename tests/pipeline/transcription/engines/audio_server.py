"""An OpenAI-style transcription server on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]
"""Status, and what is sent as JSON; bytes are sent as they are."""


class Server:
    """Answers `/v1/audio/transcriptions` by a function of the form's fields and the number of the request."""

    def __init__(
        self, answer: Answer, models_status: int = 404, content_type: str = "application/json", port: int = 0
    ) -> None:
        self.forms: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.instead: Callable[[BaseHTTPRequestHandler], None] | None = None
        lock = Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.keys.append(self.headers.get("Authorization"))
                self._send(models_status, {"object": "list", "data": []})

            def do_POST(self) -> None:
                if outer.instead is not None:
                    outer.instead(self)
                    return
                body = self.rfile.read(int(self.headers["Content-Length"]))
                message = BytesParser().parsebytes(
                    b"Content-Type: " + self.headers["Content-Type"].encode() + b"\n\n" + body
                )
                form: dict[str, Any] = {
                    str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
                    for part in message.walk()
                    if not part.is_multipart()
                }
                with lock:
                    outer.forms.append(form)
                    number = len(outer.forms)
                self._send(*answer(form, number))

            def _send(self, status: int, content: Any) -> None:
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", content_type)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except BrokenPipeError:
                    pass

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
