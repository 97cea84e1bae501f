"""Mail over STARTTLS: it is asked for, and nothing of the login goes out before it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from commands.exit_codes import ExitCode
from commands.run.ending import Ending
from commands.run.notify import tell
from pipeline.config.areas.reporting import NotifySettings, NotifyWhen, SmtpSettings


class Recording(SMTP):
    """Keeps the commands that matter, in the order they came, and whether they came encrypted."""

    def __init__(self, commands: list[str], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._commands = commands

    def _note(self, command: str) -> None:
        self._commands.append(f"{command}{' encrypted' if self._tls_protocol is not None else ''}")

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        self._note("STARTTLS")
        await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        self._note("AUTH")
        await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
        self._note("MAIL")
        await super().smtp_MAIL(arg)


class AnyPort(Controller):
    """On a free port, with STARTTLS where `tls` is given."""

    def __init__(self, commands: list[str], tls: ssl.SSLContext | None) -> None:
        super().__init__(object(), hostname="127.0.0.1", port=0)
        self._commands, self._tls = commands, tls

    def factory(self) -> Recording:
        return Recording(
            self._commands,
            self.handler,
            hostname="localhost",
            tls_context=self._tls,
            auth_require_tls=False,
            authenticator=lambda *_: AuthResult(success=True),
        )

    def _trigger_server(self) -> None:
        # Port 0 was asked for: the one that was given must be known before the controller tries it.
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def serving(commands: list[str], tls: ssl.SSLContext | None) -> Iterator[int]:
    controller = AnyPort(commands, tls)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(autouse=True)
def _login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_SMTP_USER", "somebody")
    monkeypatch.setenv("EARSHOT_SMTP_PASSWORD", "hush-hush")


def mail(port: int, security: Literal["starttls", "tls", "none"]) -> list[str]:
    """What went wrong with telling that a run failed."""
    settings = SmtpSettings(
        host="127.0.0.1", port=port, security=security, sender="a@example.org", recipients=("b@example.org",)
    )
    return tell(NotifySettings(on=NotifyWhen.ALWAYS, smtp=settings), Ending(exit_code=ExitCode.CALLS_FAILED))


def test_starttls_is_issued_before_anything_else() -> None:
    """The server offers it, and cannot carry it through: the login and the mail stay here."""
    commands: list[str] = []
    with serving(commands, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port:
        (problem,) = mail(port, "starttls")
    assert commands == ["STARTTLS"]
    assert "not sent" in problem


def test_without_starttls_on_offer_no_login_and_no_mail_go_out() -> None:
    commands: list[str] = []
    with serving(commands, None) as port:
        (problem,) = mail(port, "starttls")
    assert commands == []
    assert "STARTTLS" in problem


def test_an_unencrypted_login_takes_the_configuration_s_word() -> None:
    commands: list[str] = []
    with serving(commands, None) as port:
        assert mail(port, "none") == []
    assert commands == ["AUTH", "MAIL"]


@pytest.mark.parametrize("missing", ["EARSHOT_SMTP_USER", "EARSHOT_SMTP_PASSWORD"])
def test_half_a_login_is_none(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(missing)
    commands: list[str] = []
    with serving(commands, None) as port:
        assert mail(port, "none") == []
    assert commands == ["MAIL"]


def test_the_login_and_the_mail_go_out_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the openssl program for a certificate")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    commands: list[str] = []
    with serving(commands, tls) as port:
        assert mail(port, "starttls") == []
    assert commands == ["STARTTLS", "AUTH encrypted", "MAIL encrypted"]
