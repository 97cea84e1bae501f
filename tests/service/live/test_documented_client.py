"""The client of docs/live.md, as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.materials.recordings import write_wav
from service.live.codes import CloseCode
from tests.house import PROJECT
from tests.live_rooms import RATE_HZ, speech
from tests.service.live.conftest import Serve

PAGE = (PROJECT / "docs" / "live.md").read_text(encoding="utf-8")


def test_it_sends_a_call_and_prints_its_turns(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served = serve()
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    client: dict[str, Any] = {"__name__": "client"}
    exec(compile(source, "docs/live.md", "exec"), client)
    sound = speech(11.0)[7 * RATE_HZ :]
    path = write_wav(tmp_path / "call.wav", np.concatenate([sound, np.zeros_like(sound[:RATE_HZ])]))
    asyncio.run(client["call"](served.url, str(path)))
    told = capsys.readouterr().out
    assert re.search(r"^ +\d+\.\d (agent|client): heard from", told, re.MULTILINE)
    assert re.search(r"{'type': 'ended', 'event': \d+, 'reason': 'stopped', 'duration_s': 5.0", told)
    (header,) = served.bed.rows.begun.values()
    assert (header.start.metadata.queue, header.start.metadata.direction) == ("billing", "inbound")


@pytest.mark.parametrize("code", list(CloseCode))
def test_every_close_code_is_on_the_page(code: CloseCode) -> None:
    assert f"| {code.value} |" in PAGE
