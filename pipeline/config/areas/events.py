"""Events instead of listing: config.yaml's `input.events`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area


class EventSettings(Area):
    """A queue that tells of new objects, instead of listing the bucket."""

    queue_url: str | None = None
    """SQS queue that gets the bucket's notifications (directly, through SNS or from EventBridge); null to list the
    bucket. Only a run takes messages; a dry run lists."""
    endpoint_url: str | None = None
    """Address of an SQS-compatible server; null for AWS. Region and credentials are those of `input.s3`."""
    hidden_s: Annotated[int, Field(ge=30, le=43_200)] = 600
    """Seconds for which a message is hidden from others; renewed while the run works. After a kill it comes again when
    they are over."""
    wait_s: Annotated[int, Field(ge=0, le=20)] = 5
    """Seconds to wait for further messages before the queue counts as empty."""
    most_messages: Annotated[int, Field(ge=1, le=120_000)] = 50_000
    """Most messages taken in one run; SQS lets 120,000 be under way."""
