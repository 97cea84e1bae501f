"""Who works on a run's calls, and what a worker on a cluster is given."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands.run.executors import NotedObserver, executor_of, hire_of, share_of
from pipeline.children.worker import TaskServer, Worker
from pipeline.config.areas.reporting import TracingSettings
from pipeline.config.root import Settings
from pipeline.run.context import ChildBuild
from pipeline.run.executors.local import LocalExecutor
from pipeline.run.planning.claimed import work_hash
from pipeline.tracing.spans import Spans
from tests.commands.running import Workplace, told_by
from tests.house import PROJECT


def test_a_run_works_by_itself_unless_told_otherwise() -> None:
    assert executor_of(Settings()) is LocalExecutor


def test_ceilings_and_quotas_of_a_run_are_divided_among_its_workers() -> None:
    model = {"model": "m", "base_url": "http://localhost:1", "requests_per_minute": 60}
    settings = Settings.model_validate(
        {
            "llm": {"openai_chat": model, "max_tokens": 1001, "max_cost_usd": 3.0},
            "transcription": {"max_cost_usd": 1.0},
        }
    )
    share = share_of(settings, 4)
    assert share.llm.openai_chat.requests_per_minute == 15
    assert (share.llm.max_tokens, share.llm.max_cost_usd, share.transcription.max_cost_usd) == (250, 0.75, 0.25)
    assert share_of(Settings(), 4).llm.max_cost_usd is None


@pytest.mark.parametrize(
    ("providers", "elsewhere"),
    [
        (["extractive"], {"decoder", "analysis"}),
        (["openai_chat", "extractive"], {"decoder"}),
        (["mlx_lm"], {"decoder"}),
    ],
)
def test_with_a_language_model_the_analysis_stays_with_its_worker(
    providers: list[str], elsewhere: set[str], tmp_path: Path
) -> None:
    asked = set[str]()

    def far(name: str, child: ChildBuild, limit_key: str) -> TaskServer:
        asked.add(name)
        return Worker(name, child.build, child.arguments, limit_key=limit_key)

    model = {"model": "m", "base_url": "http://localhost:1"}
    llm = {"providers": providers, "openai_chat": model, "mlx_lm": {"model": str(tmp_path)}}
    settings = Settings.model_validate({"llm": llm})
    hire = hire_of(settings, far)
    for name in ("decoder", "analysis"):
        hire(name, ChildBuild(dict, ()), "run.prepare_timeout_s")
    assert asked == elsewhere


def test_a_worker_with_its_share_does_the_calls_that_the_run_has_planned() -> None:
    settings = Settings.model_validate({"llm": {"max_tokens": 1000}, "run": {"executor": "ray"}})
    assert work_hash(share_of(settings, 8)) == work_hash(Settings())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://head:10001", "not through a Ray client"),
        ("head", "must be local, auto, or HOST:PORT"),
        ("head:99999", "must be local, auto, or HOST:PORT"),
        ("10.0.0.1:6379", "cannot reach the embedded database"),
    ],
)
def test_an_address_that_cannot_serve_is_refused(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings.model_validate({"run": {"executor": "ray"}, "ray": {"address": address}})


def test_a_run_without_ray_ends_with_3_and_says_what_to_install(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    workplace = Workplace(tmp_path, tmp_path / "output", url)
    code, told = told_by(workplace.arguments("--set", "run.executor=ray")[2:], monkeypatch, capfd)
    assert code == 3
    assert "requirements-ray.lock" in told


_IN_A_TASK = """
import json, os, sys
from pathlib import Path
from commands.run.executors import settle
from pipeline.config.root import Settings
from pipeline.log_lines import LOG_FILE
from pipeline.masking import masked
os.chdir(sys.argv[1])
os.umask(0o022)
settle(Settings.model_validate({
    "output": {"directory": "out", "readable_by": sys.argv[2]}, "run": {"spool_dir": "spool"},
    "database": {"url": "postgresql://me:of-settings-1@host/db"},
}))
print(json.dumps({
    "umask": os.umask(0), "log": os.environ[LOG_FILE], "folders": sorted(path.name for path in Path().iterdir()),
    "told": masked("of-settings-1 of-the-file-1 of-nobody"), "exported": os.environ.get("OTHER"),
}))
"""


@pytest.mark.parametrize(("readers", "umask"), [("owner", 0o077), ("group", 0o027)])
def test_a_task_elsewhere_has_the_rights_secrets_and_logs_of_a_worker(readers: str, umask: int, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MY_API_KEY=of-the-file-1\nOTHER=plain\n", encoding="utf-8")
    code = [sys.executable, "-c", _IN_A_TASK, str(tmp_path), readers]
    done = subprocess.run(code, check=True, cwd=PROJECT, capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert told["umask"] == umask
    assert told["folders"] == [".env", "out", "spool"]
    assert (told["told"], told["exported"]) == ("*** *** of-nobody", "plain")
    log = Path(told["log"])
    assert log.parent == tmp_path.resolve() / "out" / "logs"
    assert re.fullmatch(r"earshot_\d{8}_\d{6}_\d+\.jsonl", log.name)


def test_notices_of_a_worker_elsewhere_go_to_the_run_and_to_its_own_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken: list[str] = []
    observer = NotedObserver(Spans(TracingSettings()), taken.append)
    observer.notice("the recogniser was started again")
    assert taken == ["the recogniser was started again"]
    assert [record.message for record in caplog.records] == ["the recogniser was started again"]
