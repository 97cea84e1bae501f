"""An OpenAI-style transcription server on loopback."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from tests.loopback import Loopback, Reply, Request, json_reply

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]
"""Status, and what is sent as JSON; bytes are sent as they are."""


class Server(Loopback):
    """Answers `/v1/audio/transcriptions` by a function of the form's fields and the number of the request."""

    def __init__(
        self, answer: Answer, models_status: int = 404, content_type: str = "application/json", port: int = 0
    ) -> None:
        self.forms: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.instead: Callable[[Request], Reply] | None = None
        self._by_form = answer
        self._models_status = models_status
        self._content_type = content_type
        self._forms_lock = Lock()
        super().__init__(self._reply, port)
        self.url += "/v1"

    def _reply(self, request: Request) -> Reply:
        if request.method == "GET":
            self.keys.append(request.headers.get("authorization"))
            return json_reply({"object": "list", "data": []}, self._models_status)
        if self.instead is not None:
            return self.instead(request)
        form = request.form()
        with self._forms_lock:
            self.forms.append(form)
            number = len(self.forms)
        status, content = self._by_form(form, number)
        about = {"Content-Type": self._content_type}
        return Reply(status, content, about) if isinstance(content, bytes) else json_reply(content, status, about)
