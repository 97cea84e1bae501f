"""Alert rules: they parse, and name nothing but figures that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from commands.run import metrics as nightly
from tests.house import PROJECT

OPS = PROJECT / "ops"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((OPS / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
_SOURCES = ("service/monitoring/figures.py", "service/monitoring/requests.py", "commands/run/metrics.py")
_SUFFIX = re.compile(r"_(total|bucket|count|sum)$")


def declared() -> set[str]:
    """Names of figures, as the code that makes them writes them; counters without the `_total` that is added."""
    text = "".join((PROJECT / source).read_text(encoding="utf-8") for source in _SOURCES)
    pool = {f"earshot_database_pool_{name}" for name in ("size", "available", "waiting")}
    return set(re.findall(r'"(earshot_[a-z_]+)"', text)) | pool


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_names_figures_that_exist(rule: dict[str, Any]) -> None:
    names = set(re.findall(r"\bearshot_[a-z_]+", rule["expr"]))
    assert {_SUFFIX.sub("", name) if name not in declared() else name for name in names} <= declared()
    assert names or "up{" in rule["expr"]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"].endswith((".", ")."))


def test_a_figure_that_does_not_exist_would_be_noticed() -> None:
    assert "earshot_queue_calls" in declared()
    assert "earshot_queue_cals" not in declared()
    assert nightly.__name__.endswith("metrics")


def test_every_figure_of_the_service_is_documented_and_nothing_else() -> None:
    page = (PROJECT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    text = "".join((PROJECT / source).read_text(encoding="utf-8") for source in _SOURCES[:2])
    made = set(re.findall(r'"(earshot_[a-z_]+)"', text))
    named = {_SUFFIX.sub("", name) for name in re.findall(r"earshot_[a-z_]+", page)} | {
        name.removesuffix("_info") for name in re.findall(r"earshot_[a-z_]+", page)
    }
    assert made <= named, made - named


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Prometheus) is not installed")
@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")])
def test_prometheus_takes_the_rules_and_they_alert_when_they_should(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=OPS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
