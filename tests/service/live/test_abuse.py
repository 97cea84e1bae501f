"""Many clients, half of which stall: memory stays bounded, and the others are served."""

from __future__ import annotations

import gc
from collections.abc import Callable

import psutil

from tests.live_rooms import RATE_HZ
from tests.service.live.conftest import Client, Serve
from tests.waiting import until

Open = Callable[..., Client]
CLIENTS = 100
_SOUND = bytes(3200)


def test_a_hundred_clients_of_which_half_stall(serve: Serve, client: Open) -> None:
    """The stalled ones send as much as the server takes, and read nothing."""
    served = serve(max_calls=CLIENTS, buffer_bytes=16_384, partial_every_s=None, idle_s=600.0)
    process = psutil.Process()
    all_clients: list[Client] = []
    for _ in range(CLIENTS):
        all_clients.append(client(served))
        all_clients[-1].start()
    gc.collect()
    before = process.memory_info().rss
    stalled, served_well = all_clients[::2], all_clients[1::2]
    for one in all_clients:
        for part in range(10):
            for track in (0, 1):
                one.frame(track, part * 1600, _SOUND)
    for one in served_well:
        one.say(type="stop")
    for one in served_well:
        assert one.code()[0] == 1000
    assert process.memory_info().rss - before < 200 * 2**20
    assert {call.reason for call in served.bed.room.calls if call.done.is_set()} == {"stopped"}
    held = [call for call in served.bed.room.calls if call.reason is None]
    assert len(held) == len(stalled)
    until(lambda: all(call.recorded == (RATE_HZ, RATE_HZ) for call in held))


def test_connections_that_begin_nothing_are_bounded(serve: Serve, client: Open) -> None:
    served = serve()
    silent = [client(served) for _ in range(64)]
    assert client(served).code()[0] == 1013
    silent[0].start()
    client(served).start()
