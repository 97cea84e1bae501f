"""Planning a bucket: seconds, requests and memory for 100,000 objects.

    python -m bench.buckets [--objects 100000] [--days 100]

A server on loopback, in a process of its own, lists that many objects by S3's protocol, a thousand to a request; keys
begin with their dates. Measured, in processor seconds of this process:

- bare: boto3's paginator alone, the baseline
- discover: `BucketSource.discover`, with the metadata of each name
- plan: the same compared with an embedded database that knows none of them, all to be done
- delta: what `input.deltas` lists on the next night, the last three days

Memory is what the whole plan takes.
"""

from __future__ import annotations

import bisect
import json
import multiprocessing
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from bench.materials.testbed import fresh_database
from bench.options import options_of
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.objects.s3 import make_client
from pipeline.records import FoundCall
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.planner import Planner
from pipeline.run.planning.recipes import build_recipe
from pipeline.sources.bucket import BucketSource

Value = TypeVar("Value")

PAGE = 1000
FIRST_DAY = date(2026, 6, 1)
LOOK_BACK_DAYS = 3


def keys_of(objects: int, days: int) -> list[str]:
    each = -(-objects // days)
    return [
        f"calls/{FIRST_DAY + timedelta(days=number // each):%Y/%m/%d}/"
        f"{FIRST_DAY + timedelta(days=number // each):%Y%m%d}-{number % 86_400 // 3600:02}{number // 60 % 60:02}"
        f"{number % 60:02}_inbound_agent-{number % 99}_b2c_{number:07}.wav"
        for number in range(objects)
    ]


def serve(objects: int, days: int, to: Connection) -> None:
    """Lists until it is ended; tells its port."""
    keys = sorted(keys_of(objects, days))

    class Listing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            after = asked.get("continuation-token", asked.get("start-after", [""]))[0]
            first = bisect.bisect_right(keys, after)
            page = keys[first : first + PAGE]
            more = first + PAGE < len(keys)
            token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
            entries = "".join(
                f"<Contents><Key>{key}</Key><LastModified>2026-09-14T08:15:02.000Z</LastModified>"
                f'<ETag>"{hash(key) & (2**64 - 1):032x}"</ETag><Size>480044</Size><StorageClass>STANDARD</StorageClass>'
                "</Contents>"
                for key in page
            )
            body = (
                '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}</ListBucketResult>"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listing)
    to.send(server.server_port)
    server.serve_forever()


def measured(work: Callable[[], Value]) -> tuple[Value, float]:
    """What it returns, and processor seconds of this process."""
    began = time.process_time()
    return work(), time.process_time() - began


def settings_for(port: int) -> Settings:
    s3 = {"endpoint_url": f"http://127.0.0.1:{port}", "region": "eu-central-1", "anonymous": True, "addressing": "path"}
    return Settings.model_validate({"input": {"path": "s3://recordings/calls", "s3": s3}})


def bare(settings: Settings) -> tuple[int, int]:
    """Objects and requests of boto3's paginator."""
    client = make_client("s3", settings.input.s3, {"addressing_style": "path"})
    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket="recordings", Prefix="calls"))
    return sum(len(page.get("Contents", ())) for page in pages), len(pages)


def planned(settings: Settings, store: PostgresStore) -> int:
    """Calls that a run would put into its queue, written as for it."""
    planner = Planner(settings=settings.run, recipe=build_recipe(settings), store=store, stale_steps=lambda _, __: [])
    plan = planner.plan(BucketSource(settings.input).discover())
    return len({call.found.source_uri: as_json(call) for call in plan.to_do})


def figures(port: int, objects: int, days: int) -> dict[str, Any]:
    settings = settings_for(port)
    make_client("s3", settings.input.s3)  # what is loaded once is no part of the comparison
    (listed, requests), bare_s = measured(lambda: bare(settings))
    found, discover_s = measured(lambda: sum(isinstance(i, FoundCall) for i in BucketSource(settings.input).discover()))
    since = f"{FIRST_DAY + timedelta(days=days - LOOK_BACK_DAYS):%Y/%m/%d}/"
    new, delta_s = measured(lambda: sum(1 for _ in BucketSource(settings.input, since).discover()))
    assert (listed, found) == (objects, objects)
    with fresh_database() as (database, _):
        store = PostgresStore(database)
        to_do, plan_s = measured(lambda: planned(settings, store))
        tracemalloc.start()
        planned(settings, store)
        memory_mb = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        store.close()
    assert to_do == objects
    return {
        "objects": objects,
        "requests": requests,
        "bare_cpu_s": round(bare_s, 2),
        "discover_cpu_s": round(discover_s, 2),
        "discover_to_bare": round(discover_s / bare_s, 2),
        "plan_cpu_s": round(plan_s, 2),
        "plan_peak_memory_mb": round(memory_mb, 1),
        "delta_objects": new,
        "delta_requests": -(-new // PAGE),  # the server sends full pages
        "delta_cpu_s": round(delta_s, 2),
    }


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=100)
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(given.objects, given.days, theirs), daemon=True)
    server.start()
    try:
        result = figures(ours.recv(), given.objects, given.days)
    finally:
        server.terminate()
        server.join()
    for name, value in result.items():
        print(f"{name:24}{value:>12}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
