"""Mail or webhook at the end of a run, with the reconciliation in it. Credentials come from the environment alone."""

from __future__ import annotations

import contextlib
import json
import os
import smtplib
import socket
import ssl
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, BinaryIO

from commands.run.ending import Ending
from commands.run.summary import attention_lines
from pipeline.config.areas.reporting import NotifySettings, NotifyWhen, SmtpSettings, WebhookSettings
from pipeline.masking import excerpt, masked
from pipeline.outside import open_address
from pipeline.plurals import counted
from pipeline.visible_text import one_line, visible

MAX_MAIL_REPLY_BYTES = 64_000
"""Of all a mail server says in one conversation: its replies are lines, and `smtplib` reads them without a limit."""


def tell(settings: NotifySettings, end: Ending) -> list[str]:
    """Send the configured notifications; returns the problems and never raises."""
    if settings.on is NotifyWhen.NEVER or (settings.on is NotifyWhen.FAILURE and end.exit_code == 0):
        return []
    return send(settings, subject(end), body(end), _content(end)).problems


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a message."""

    by: tuple[str, ...]
    """The ways it went: `smtp`, `webhook`."""
    problems: list[str]


def send(settings: NotifySettings, about: str, text: str, content: Mapping[str, Any]) -> Sent:
    """A message by every way that is configured; never raises.

    Args:
        about: the subject, one line.
        text: for people, without secrets.
        content: what a webhook gets beside `subject` and `text`.
    """
    by, problems = [], []
    ways = {"smtp": settings.smtp.host, "webhook": settings.webhook.url}
    for name in (name for name, address in ways.items() if address):
        try:
            if name == "smtp":
                send_mail(settings.smtp, settings.timeout_s, about, text)
            else:
                post(settings.webhook, settings.timeout_s, {"text": text, "subject": about, **content})
            by.append(name)
        except Exception as error:  # noqa: BLE001 - a notification must never fail a run that has done its work
            why = excerpt(str(error))
            problems.append(f"reporting.notify.{name}: not sent ({type(error).__name__}: {why})")
    return Sent(tuple(by), problems)


def subject(end: Ending) -> str:
    """One line: how it ended, and the counts that matter."""
    counts = f", {end.counts.get('done', 0)} done, {end.counts.get('failed', 0)} failed" if end.counts else ""
    return one_line(f"Earshot on {end.host}: {end.exit_code.meaning} (exit {end.exit_code}{counts})")


def body(end: Ending) -> str:
    """The reconciliation, what failed, and where to look."""
    lines = [subject(end), "", f"run {end.run_id or '(none was started)'}, began {end.began_at:%Y-%m-%d %H:%M:%S} UTC"]
    if end.error:
        lines += ["", f"error: {end.error}"]
    if end.counts:
        parts = " + ".join(f"{number} {name}" for name, number in end.counts.items() if name != "found")
        lines += ["", f"found {end.counts.get('found', 0)} = {parts}"]
        if end.adds_up is False:
            lines.append("THE COUNTS DO NOT ADD UP: see file_statuses_*.json")
    for row in end.report.get("failures") or []:
        kind = "tried again by the next run" if row["transient"] else "not tried again"
        lines.append(f"  {row['calls']} × {row['error_type']} in {row['stage']} ({kind})")
    if end.report.get("interrupted"):
        lines += ["", f"stopped before the end: {end.report['interrupted']}"]
    if end.report.get("planned_stop"):
        lines += ["", f"stopped as planned: {end.report['planned_stop']}; the next run continues from there"]
    for line in attention_lines(end.report):
        lines += [line] if line.startswith(" ") else ["", line]
    for why in end.report.get("passed_over") or []:
        lines += ["", f"recogniser not used: {why}"]
    for test in (end.report.get("comparison") or {}).get("tests") or []:
        if test["drift"]:
            lines += ["", f"drift in {test['what']}: {test['now']}; before: {test['before']}"]
    if (end.report.get("disappeared") or {}).get("calls"):
        gone = counted(end.report["disappeared"]["calls"], "known recording")
        lines += ["", f"no longer where they were: {gone}"]
    lines += ["", "More: python run.py status; python run.py report; failed_calls_*.json"]
    return visible(masked("\n".join(lines)))


class _MailServer(smtplib.SMTP):
    """A client that ends the conversation with a server which never ends its reply, line by line or byte by byte."""

    def getreply(self) -> tuple[int, bytes]:
        """One reply, within the limit of bytes and the timeout as a whole. Raises SMTPServerDisconnected."""
        connection = self.sock
        if connection is None:
            return super().getreply()
        if self.file is None:
            self.file = _LimitedLines(connection.makefile("rb"))
        late = threading.Timer(self.timeout, _hang_up, (connection,))
        late.daemon = True
        late.start()
        try:
            return super().getreply()
        finally:
            late.cancel()


class _TlsMailServer(_MailServer, smtplib.SMTP_SSL):
    pass


class _LimitedLines:
    """What `smtplib` needs of a file: lines, at most MAX_MAIL_REPLY_BYTES of them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, MAX_MAIL_REPLY_BYTES

    def readline(self, most: int = -1, /) -> bytes:
        line = self._file.readline(most)
        self._left -= len(line)
        if self._left < 0:
            raise OSError(f"its replies are longer than {MAX_MAIL_REPLY_BYTES:,} bytes; is this a mail server?")
        return line

    def close(self) -> None:
        self._file.close()


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def send_mail(settings: SmtpSettings, timeout_s: float, about: str, text: str) -> None:
    """Raises smtplib.SMTPException or OSError."""
    message = EmailMessage()
    message["Subject"] = about
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.recipients)
    message.set_content(text)
    host, port = settings.host or "", settings.port
    if settings.security == "tls":
        server: smtplib.SMTP = _TlsMailServer(host, port, timeout=timeout_s, context=ssl.create_default_context())
    else:
        server = _MailServer(host, port, timeout=timeout_s)
    with server:
        if settings.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        user, password = os.environ.get(settings.user_env), os.environ.get(settings.password_env)
        if user and password:
            server.login(user, password)
        server.send_message(message)


def _content(end: Ending) -> dict[str, Any]:
    return {
        "run_id": end.run_id,
        "host": end.host,
        "exit_code": end.exit_code,
        "began_at": end.began_at.isoformat(),
        "counts": dict(end.counts),
        "adds_up": end.adds_up,
        "attention": list(end.report.get("attention") or []),
        "error": masked(end.error) if end.error else None,
    }


def post(settings: WebhookSettings, timeout_s: float, content: Mapping[str, Any]) -> None:
    """Raises OSError; a redirect, and an answer of 400 and above, is one too (HTTPError)."""
    headers = {"Content-Type": "application/json", "User-Agent": "earshot"}
    token = os.environ.get(settings.token_env)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(  # noqa: S310 - the configuration admits http and https only
        settings.url or "", data=json.dumps(content).encode(), headers=headers, method="POST"
    )
    open_address(request, timeout_s).close()
