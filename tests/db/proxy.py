"""A TCP proxy on loopback before a database's socket, which freezes or loses connections on one side only."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit, urlunsplit


class Proxy:
    """Forwards bytes in a thread of its own. A frozen one forwards none; its kernel goes on acknowledging packets."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._selector = selectors.DefaultSelector()
        self._frozen = threading.Event()
        self._ended = threading.Event()
        self._guard = threading.Lock()
        self.port: int = self._listener.getsockname()[1]

    def freeze(self) -> None:
        self._frozen.set()

    def thaw(self) -> None:
        self._frozen.clear()

    def lose_clients(self) -> None:
        """Clients see their connections break; the server sees nothing."""
        with self._guard:
            for client, _ in self._pairs:
                with suppress(KeyError, ValueError):  # lost before
                    self._selector.unregister(client)
                client.close()

    def serve(self) -> None:
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        while not self._ended.is_set():
            if self._frozen.is_set():
                self._ended.wait(0.02)
                continue
            for key, _ in self._selector.select(0.02):
                if self._frozen.is_set():
                    break
                with self._guard, suppress(OSError):
                    self._move(key)

    def _move(self, key: selectors.SelectorKey) -> None:
        source = key.fileobj
        assert isinstance(source, socket.socket)
        if source is self._listener:
            client, _ = self._listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._pairs.append((client, server))
            self._selector.register(client, selectors.EVENT_READ, server)
            self._selector.register(server, selectors.EVENT_READ, client)
            return
        if source.fileno() < 0:
            return
        content = source.recv(65536)
        if content:
            key.data.sendall(content)
        else:
            self._selector.unregister(source)
            with suppress(OSError):
                key.data.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._ended.set()
        self._listener.close()
        for pair in self._pairs:
            for one in pair:
                one.close()


@contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """The proxy, and the address of the same database through it."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    proxy = Proxy(f"{asked['host'][0]}/.s.PGSQL.{asked['port'][0]}")
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    login = parts.netloc.rpartition("@")[0]
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}", query=""))
    finally:
        proxy.close()
        thread.join(10)
