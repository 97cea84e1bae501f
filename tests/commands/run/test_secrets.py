"""No secret of a run is in anything it leaves: rows, files, logs, the terminal; whoever repeats it to us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import psycopg.sql
import pytest

from bench.materials.recordings import sample_speech, write_wav
from tests.analysis.llm.servers import serving
from tests.commands.running import SCRIPTED, Workplace, told_by
from tests.house import PROJECT
from tests.loopback import Reply, Request, json_reply

KEY = "Kq7-odd.key-of-no-known-shape"
HOOK = "h00k-t0ken-of-no-known-shape"


def echoes(request: Request) -> Reply:
    said = f"Incorrect key: {request.headers}, cut off: {KEY[:20]}"
    return json_reply({"error": {"message": said, "type": said, "code": KEY}}, 401)


def tables(url: str) -> Iterator[str]:
    """Every row of every table as text."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (name,) in names.fetchall():
            statement = psycopg.sql.SQL("SELECT t::text FROM {} AS t").format(psycopg.sql.Identifier(name))
            yield from (row for (row,) in connection.execute(statement).fetchall())


def test_a_run_whose_services_repeat_its_secrets_leaves_them_nowhere_and_its_files_to_their_owner(
    tmp_path: Path, url: str
) -> None:
    place = Workplace(tmp_path / "calls", tmp_path / "output", url)
    place.calls.mkdir()
    call = write_wav(place.calls / "a.wav", sample_speech(30.0)[:80_000])
    os.utime(call, (1.7e9, 1.7e9))
    (tmp_path / ".env").write_text(f"MY_OWN={KEY}\n", encoding="utf-8")
    with serving(lambda number, body: echoes) as server:
        settings = (
            *SCRIPTED,
            "llm.providers=[openai_chat]",
            "topics.method=llm",
            "summary.method=llm",
            "llm.openai_chat.model=m",
            f"llm.openai_chat.base_url={server.url}/v1?key={KEY}",
            "llm.openai_chat.api_key_env=MY_OWN",
            "llm.retry.attempts=1",
            "reporting.notify.on=always",
            f"reporting.notify.webhook.url={server.url}/services/{HOOK}",
            "output.performance_report=true",
            "output.save_mode=both",
        )
        run = subprocess.run(
            place.arguments(settings=settings), cwd=PROJECT, capture_output=True, text=True, check=False, umask=0o022
        )
        asked = [seen for seen in server.seen if KEY in str(seen.headers)]
        told = [seen for seen in server.seen if HOOK in seen.target]
    assert asked, run.stderr
    assert told, run.stderr
    written = {str(path): path.read_text(encoding="utf-8") for path in place.output.rglob("*") if path.is_file()}
    modes = {str(path): path.stat().st_mode & 0o777 for path in (place.output, *place.output.rglob("*"))}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}
    assert any("answered 401" in text for text in written.values())
    password = urlsplit(url).password or ""
    assert len(password) > 10
    everything = {"terminal": run.stdout + run.stderr, "rows": "\n".join(tables(url)), **written}
    for secret in (KEY, KEY[:12], HOOK, password):
        assert [where for where, text in everything.items() if secret in text] == []


@pytest.mark.parametrize(
    "override",
    [
        "database.url=postgresql://me:open-sesame@127.0.0.1:1/x",
        "database.url=postgresql://me:open-sesame@127.0.0.1:1/x?connect_timeout=no",
        "database.url=host=127.0.0.1 port=1 password=open-sesame",
        "database.url=postgresql://me:open-sesame@[/x",
        'database.url="postgresql://me:open-sesame@h/x',
        "database.url=[postgresql://me:open-sesame@h/x]",
        "database.url.x=postgresql://me:open-sesame@h/x",
        "databse.url=postgresql://me:open-sesame@h/x",
        "reporting.notify.webhook.url=ftp://me:open-sesame@h/x",
    ],
)
def test_a_password_on_the_command_line_is_not_repeated(
    override: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").touch()
    (tmp_path / "calls").mkdir()
    options = ["--config", str(tmp_path / "config.yaml"), "--input", str(tmp_path / "calls")]
    options += ["--output", str(tmp_path / "output"), "--set", f"run.spool_dir={tmp_path}/spool", "--set", override]
    code, told = told_by(options, monkeypatch, capfd)
    assert code in {2, 3}, told
    assert "open-sesame" not in told
    written = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in written if "open-sesame" in text]
