"""Logs, the run report, notifications, metrics, the doctor: config.yaml's `reporting`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.base import Area

EnvironmentVariable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class ReportSettings(Area):
    """The performance report: figures as JSON, plots as HTML."""

    max_points: Annotated[int, Field(ge=50, le=5000)] = 400
    """Points of one plotted line or cloud; longer runs are thinned out, keeping each stretch's extremes."""
    sample_interval_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Interval between two samples of memory, CPU and queues, in seconds."""
    slowest_calls: Annotated[int, Field(ge=1, le=100)] = 10
    """Calls listed with their stages, slowest first."""
    compare_runs: Annotated[int, Field(ge=0, le=100)] = 5
    """How many earlier runs that did something this run is compared with; 0 for none."""
    drift_significance: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """A change is reported when chance alone would produce one as large less often than this (over all tests of a run,
    after Holm)."""
    drift_min_calls: Annotated[int, Field(ge=2)] = 30
    """Calls needed on both sides for a comparison."""


class SmtpSettings(Area):
    """Mail. User and password come from the environment."""

    host: str | None = None
    """Mail server; null for no mail."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Port of the mail server."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls (587), tls from the first byte (465), or none (a relay on this machine)."""
    user_env: EnvironmentVariable = "EARSHOT_SMTP_USER"
    """Environment variable that holds the user; unset for a server without login."""
    password_env: EnvironmentVariable = "EARSHOT_SMTP_PASSWORD"  # noqa: S105 - a variable's name
    """Environment variable that holds the password."""
    sender: str = ""
    """Address the mail is sent from."""
    recipients: tuple[str, ...] = ()
    """Addresses the mail is sent to."""


class WebhookSettings(Area):
    """An HTTP POST of JSON: `text` for chat services, and the figures."""

    url: str | None = Field(default=None, repr=False)
    """Address; null for none. If the address itself is secret, write ${NAME} and keep it in the environment."""
    token_env: EnvironmentVariable = "EARSHOT_WEBHOOK_TOKEN"  # noqa: S105 - a variable's name
    """Environment variable whose value is sent as bearer token; unset for none."""


class NotifyWhen(StrEnum):
    """Which runs send a notification."""

    NEVER = "never"
    FAILURE = "failure"
    ALWAYS = "always"


class NotifySettings(Area):
    """Who is notified of how a run ended. A notification that fails is logged and changes nothing else."""

    on: NotifyWhen = NotifyWhen.NEVER
    """never, failure (every exit code but 0) or always."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Time limit for connecting and for each answer, in seconds."""
    smtp: SmtpSettings = Field(default_factory=SmtpSettings)
    """Mail."""
    webhook: WebhookSettings = Field(default_factory=WebhookSettings)
    """HTTP."""

    @model_validator(mode="after")
    def _somebody_to_tell(self) -> NotifySettings:
        if self.on is not NotifyWhen.NEVER and not (self.smtp.host or self.webhook.url):
            raise ValueError(
                f"on is {self.on.value}, but neither smtp.host nor webhook.url is set; set one, or on: never"
            )
        if self.smtp.host and not (self.smtp.sender and self.smtp.recipients):
            raise ValueError("smtp.host is set, but smtp.sender or smtp.recipients is empty")
        if self.webhook.url and not self.webhook.url.startswith(("http://", "https://")):
            raise ValueError("webhook.url must begin with http:// or https://")
        return self


class TracingSettings(Area):
    """OpenTelemetry traces, one per call from recording to row; needs the extra `tracing`."""

    enabled: bool = False
    """Send traces to the collector."""
    endpoint: str = "http://127.0.0.1:4318/v1/traces"
    """Collector's address for OTLP over HTTP; headers come from OTEL_EXPORTER_OTLP_HEADERS."""
    service_name: str = "earshot"
    """Service name in the traces."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 5.0
    """Longest wait for the collector at the end of a run, in seconds."""
    max_calls: Annotated[int, Field(ge=1)] = 1000
    """Most calls traced; if a run has more, every n-th is traced."""


class DoctorSettings(Area):
    """`run.py doctor`."""

    min_free_disk_gb: Annotated[float, Field(ge=0)] = 5.0
    """The doctor warns when less disk than this is free."""
    probe_timeout_s: Annotated[float, Field(gt=0, le=60)] = 4.0
    """Longest wait for one service (hub, provider, bucket), in seconds."""
    time_limit_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """The test call is stopped when the whole examination has taken this long, in seconds."""
    test_call: str = "samples/calls"
    """Recording of the test call, or a folder from which the smallest recording is taken."""
    test_call_speech_s: Annotated[float, Field(gt=0, le=600)] = 8.0
    """Seconds of its speech to recognise."""


class ReportingSettings(Area):
    """Logs, the run report, notifications, metrics, the doctor."""

    keep_logs: Annotated[int, Field(ge=1)] = 60
    """Log files kept in `logs/` of the output folder, newest first; this run's own is always kept."""
    keep_logs_days: Annotated[float, Field(gt=0)] | None = None
    """Log files older than this many days are removed too; null for no limit."""
    prometheus_file: Path | None = None
    """Metrics of the last run for Prometheus' node exporter (textfile collector), as in
    /var/lib/node_exporter/earshot.prom; null for none."""
    machine_usd_per_hour: Annotated[float, Field(ge=0)] | None = None
    """Price of an hour of this machine in US dollars, for the cost per audio hour that `evaluate compare` reports; null
    when unknown: the cost is then NULL."""
    report: ReportSettings = Field(default_factory=ReportSettings)
    """The performance report."""
    notify: NotifySettings = Field(default_factory=NotifySettings)
    """Mail or webhook at the end of a run."""
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    """OpenTelemetry."""
    doctor: DoctorSettings = Field(default_factory=DoctorSettings)
    """`run.py doctor`."""
