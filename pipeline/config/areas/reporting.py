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
    """Between two looks at memory, CPU and queues, in seconds."""
    slowest_calls: Annotated[int, Field(ge=1, le=100)] = 10
    """Calls listed with their stages, slowest first."""
    compare_runs: Annotated[int, Field(ge=0, le=100)] = 5
    """Earlier runs that did something, which this one is compared with; 0 for none."""
    drift_significance: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    """A change is pointed out when chance alone would give one as large less often than this (all tests of a run
    together, after Holm)."""
    drift_min_calls: Annotated[int, Field(ge=2)] = 30
    """Calls needed on both sides for a comparison."""


class SmtpSettings(Area):
    """Mail. User and password come from the environment."""

    host: str | None = None
    """Mail server; null for no mail."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls (587), tls from the first byte (465), or none (a relay on this machine)."""
    user_env: EnvironmentVariable = "EARSHOT_SMTP_USER"
    """Environment variable that holds the user; unset for a server without login."""
    password_env: EnvironmentVariable = "EARSHOT_SMTP_PASSWORD"  # noqa: S105 - a variable's name
    """Environment variable that holds the password."""
    sender: str = ""
    """From."""
    recipients: tuple[str, ...] = ()
    """To."""


class WebhookSettings(Area):
    """An HTTP POST of JSON: `text` for chat services, and the figures."""

    url: str | None = Field(default=None, repr=False)
    """Address; null for none. Where it is a secret itself write ${NAME} and keep it in the environment."""
    token_env: EnvironmentVariable = "EARSHOT_WEBHOOK_TOKEN"  # noqa: S105 - a variable's name
    """Environment variable whose value is sent as bearer token; unset for none."""


class NotifyWhen(StrEnum):
    """Which runs are told of."""

    NEVER = "never"
    FAILURE = "failure"
    ALWAYS = "always"


class NotifySettings(Area):
    """Who is told how a run ended. A notification that fails is logged and changes nothing else."""

    on: NotifyWhen = NotifyWhen.NEVER
    """never, failure (every exit code but 0) or always."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Limit for connecting and for each answer, in seconds."""
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
    """Off by default."""
    endpoint: str = "http://127.0.0.1:4318/v1/traces"
    """Collector's address for OTLP over HTTP; headers come from OTEL_EXPORTER_OTLP_HEADERS."""
    service_name: str = "earshot"
    """Name the traces carry."""
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 5.0
    """Longest wait for the collector at the end of a run, in seconds."""
    max_calls: Annotated[int, Field(ge=1)] = 1000
    """Calls traced at most; of more every n-th is."""


class DoctorSettings(Area):
    """`run.py doctor`."""

    min_free_disk_gb: Annotated[float, Field(ge=0)] = 5.0
    """Less free disk than this is warned of."""
    probe_timeout_s: Annotated[float, Field(gt=0, le=60)] = 4.0
    """Longest wait for one service (hub, provider, bucket), in seconds."""
    time_limit_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """The test call is given up when the whole examination has taken this long, in seconds."""
    test_call: str = "samples/calls"
    """Recording of the test call, or a folder of which the smallest is taken."""
    test_call_speech_s: Annotated[float, Field(gt=0, le=600)] = 8.0
    """Seconds of its speech that are recognised."""


class ReportingSettings(Area):
    """Logs, the run report, notifications, metrics, the doctor."""

    keep_logs: Annotated[int, Field(ge=1)] = 60
    """Log files kept in `logs/` of the output folder, newest first; this run's own is always kept."""
    keep_logs_days: Annotated[float, Field(gt=0)] | None = None
    """Log files older than this many days are removed too; null for no limit."""
    prometheus_file: Path | None = None
    """Metrics of the last run for Prometheus' node exporter (textfile collector), as in
    /var/lib/node_exporter/earshot.prom; null for none."""
    report: ReportSettings = Field(default_factory=ReportSettings)
    """The performance report."""
    notify: NotifySettings = Field(default_factory=NotifySettings)
    """Mail or webhook at the end of a run."""
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    """OpenTelemetry."""
    doctor: DoctorSettings = Field(default_factory=DoctorSettings)
    """`run.py doctor`."""
