"""Two calls of different queues, and the service over them, behind its gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from analysis.encoder.vectors import WITHOUT
from commands.ask.index import index_calls
from commands.serving.tasks import job_room
from db.access.scopes import Scope
from db.access.token_text import new_token
from db.access.tokens import NewToken, keep_token
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.access import AccessSettings
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.service import ServiceSettings
from pipeline.config.root import Settings
from pipeline.records import CallMetadata, CustomerSegment
from pipeline.sources.addresses import file_uri
from service.access.gate import Gate
from service.access.jwts import JwtReader
from service.app import API_ROOMS, application
from tests.db.samples import TALK, all_steps, chunk, found, outcome, prepared, transcript
from tests.live_rooms import live_bed
from tests.recorded import write_two_sides
from tests.service.conftest import all_heard

HOST = "https://earshot.example"


@dataclass(frozen=True, slots=True)
class House:
    """The service and what is in it."""

    database: Database
    app: FastAPI
    client: Callable[..., TestClient]
    """`client(token=None, address=…)`."""
    mine: str
    """call_id of a call in the queue billing, of a private customer."""
    others: str
    """call_id of a call in the queue sales, of a business customer."""


def token_in(
    database: Database,
    name: str,
    scopes: Sequence[Scope] = (Scope.READ,),
    *,
    queues: tuple[str, ...] | None = None,
    segments: tuple[str, ...] | None = None,
    for_s: float | None = None,
) -> str:
    """A new token's text; `for_s` may lie in the past."""
    token = new_token()
    expires_at = None if for_s is None else datetime.now(UTC) + timedelta(seconds=for_s)
    keep_token(
        database,
        NewToken(
            token_id=token.token_id, name=name, secret_sha256=token.sha256, scopes=tuple(scopes), queues=queues,
            segments=segments, expires_at=expires_at,
        ),
    )  # fmt: skip
    return token.text


def stored_call(store: PostgresStore, run_id: str, recording: Path, queue: str, segment: CustomerSegment) -> str:
    sha256 = f"{queue}-sound"
    call = found(recording.name)
    metadata = CallMetadata(
        started_at=call.metadata.started_at, agent_id=f"agent-of-{queue}", queue=queue, customer_segment=segment,
        extra={"note": f"metadata-of-{queue}"},
    )  # fmt: skip
    call = replace(call, source_uri=file_uri(str(recording)), size_bytes=recording.stat().st_size, metadata=metadata)
    call_id = store.claim_call(call, sha256, None)
    audio = replace(prepared(sha256), header=replace(prepared().header, sample_rate_hz=16_000, duration_s=2.0))
    chunks = (*TALK, chunk(0, 2, 8.0, f"only-said-in-{queue}"))
    words = transcript(sha256, chunks=chunks)
    store.save_call(outcome(call_id, run_id, call, audio=audio, words=words, steps=all_steps(chunks)))
    return call_id


@pytest.fixture
def access() -> AccessSettings:
    return AccessSettings()


@pytest.fixture
def jwts() -> JwtReader | None:
    return None


@pytest.fixture
def house(  # noqa: PLR0917 - pytest calls it by name
    database: Database,
    store: PostgresStore,
    run_id: str,
    tmp_path: Path,
    access: AccessSettings,
    jwts: JwtReader | None,
) -> Iterator[House]:
    mine = stored_call(store, run_id, write_two_sides(tmp_path / "billing.wav"), "billing", CustomerSegment.B2C)
    others = stored_call(store, run_id, write_two_sides(tmp_path / "sales.wav"), "sales", CustomerSegment.B2B)
    index_calls(database, Settings(), encoder=WITHOUT)
    settings = Settings(
        encoder=EncoderSettings(engine="off"),
        service=ServiceSettings(access=access, recordings_dir=tmp_path / "recordings"),
    )
    gate = Gate(database, access, local=False, jwts=jwts)
    live = live_bed(tmp_path / "held").room
    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS, gate=gate, live=live)
    app.state.jobs = jobs = job_room(database, settings)
    with ExitStack() as clients:

        def client(token: str | None = None, address: str = "192.0.2.7", host: str = HOST) -> TestClient:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            return TestClient(
                app, base_url=host, headers=headers, client=(address, 40_000), raise_server_exceptions=False
            )

        clients.enter_context(TestClient(app, base_url=HOST))
        clients.callback(jobs.close)
        yield House(database, app, client, mine, others)
