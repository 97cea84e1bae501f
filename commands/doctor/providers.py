"""Which language models could serve, and why the others could not. No question is asked here (`question.py` does)."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from commands.doctor.at_hub import told_by_hub
from commands.doctor.finding import Finding, State
from pipeline.config.areas.llm import AnthropicSettings, LanguageModelSettings, OpenAIChatSettings
from pipeline.errors import ModelUnavailable
from pipeline.outside import open_address
from pipeline.weights.hub import short, within

_NAMES = ("mlx_lm", "bedrock", "openai_chat", "anthropic")


Probe = Callable[[LanguageModelSettings, float], Finding]
"""What it finds, asking for at most so many seconds."""


def providers(
    settings: LanguageModelSettings, timeout_s: float, probes: Mapping[str, Probe] | None = None
) -> list[Finding]:
    """One finding for each provider there is. `probes`: other ones, where a provider has a way of its own."""

    def examine(name: str) -> Finding:
        if not settings.of(name).model:
            return _finding(settings, name, State.NOTE, f"not set up: {settings.place_of(name)}.model is empty")
        probe = (probes or _PROBES).get(name, partial(_server, name))
        try:
            return within(lambda: probe(settings, timeout_s), 2 * timeout_s)
        except TimeoutError as error:
            return _finding(settings, name, State.WARNING, str(error))

    names = (*_NAMES, *settings.servers)
    with ThreadPoolExecutor(len(names), thread_name_prefix="doctor") as pool:
        found = list(pool.map(examine, names))
    rest = "sums up and classifies without a model" if "extractive" in settings.providers else "not listed"
    return [*found, _finding(settings, "extractive", State.OK, rest)]


def _mlx_lm(settings: LanguageModelSettings, timeout_s: float) -> Finding:
    from importlib.util import find_spec

    from analysis.llm.local.weights import find_model

    options, name = settings.mlx_lm, "mlx_lm"
    if find_spec("mlx_lm") is None:
        return _finding(settings, name, State.WARNING, "mlx-lm is not installed; run `make setup`")
    try:
        folder = find_model(options.model_copy(update={"allow_download": False}))
    except ModelUnavailable as error:
        if not (options.allow_download and options.revision):
            return _finding(settings, name, State.WARNING, str(error))
        return _finding(settings, name, State.WARNING, told_by_hub(options.model or "", options.revision, timeout_s)[0])
    return _finding(settings, name, State.OK, f"ready; weights in {folder}")


def _bedrock(settings: LanguageModelSettings, timeout_s: float) -> Finding:
    import boto3
    from botocore.exceptions import BotoCoreError

    options, name = settings.bedrock, "bedrock"
    try:
        session = boto3.session.Session(region_name=options.region)
        credentials = session.get_credentials()
        client = session.client("bedrock-runtime", endpoint_url=options.endpoint_url) if credentials else None
    except BotoCoreError as error:
        return _finding(settings, name, State.WARNING, f"{error}; set llm.bedrock.region or AWS_REGION")
    if client is None:
        detail = "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
        return _finding(settings, name, State.WARNING, detail)
    address = client.meta.endpoint_url
    trouble = _answers(address, {}, timeout_s)
    if trouble:
        return _finding(settings, name, State.WARNING, f"{address}: {trouble}")
    return _finding(settings, name, State.OK, f"{options.model} at {address}: answers; credentials found, not tried")


def _server(name: str, settings: LanguageModelSettings, timeout_s: float) -> Finding:
    """openai_chat, and what `llm.servers` holds."""
    options = settings.servers.get(name, settings.openai_chat)
    key = os.environ.get(options.api_key_env)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return _http(settings, name, f"{options.base_url.rstrip('/')}/models", headers, timeout_s)


def _anthropic(settings: LanguageModelSettings, timeout_s: float) -> Finding:
    options = settings.anthropic
    key = os.environ.get(options.api_key_env)
    if not key:
        return _finding(
            settings, "anthropic", State.WARNING, f"no key: set the environment variable {options.api_key_env}"
        )
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
    return _http(settings, "anthropic", f"{options.base_url.rstrip('/')}/v1/models", headers, timeout_s)


def _http(
    settings: LanguageModelSettings,
    name: str,
    address: str,
    headers: dict[str, str],
    timeout_s: float,
) -> Finding:
    options = settings.of(name)
    assert isinstance(options, OpenAIChatSettings | AnthropicSettings)
    trouble = _answers(address, headers, timeout_s)
    if trouble:
        advice = f"; check {settings.place_of(name)}.base_url and the environment variable {options.api_key_env}"
        return _finding(settings, name, State.WARNING, f"{options.base_url}: {trouble}{advice}")
    return _finding(settings, name, State.OK, f"{options.model} at {options.base_url}: answers")


def _answers(address: str, headers: dict[str, str], timeout_s: float) -> str | None:
    """What is wrong with a server; None when it answers. A page it does not know is an answer, a refused key is not."""
    try:
        open_address(urllib.request.Request(address, headers=headers), timeout_s).close()  # noqa: S310 - it checks
        return None
    except urllib.error.HTTPError as error:
        error.close()
        if 300 <= error.code < 400:
            return f"it redirects (HTTP {error.code}), which is not followed: name the final address"
        # Bedrock's runtime answers a bare GET with 403 or 404 whoever asks: only a key we sent can be refused.
        return f"the key was refused (HTTP {error.code})" if headers and error.code in {401, 403} else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"no answer ({short(reason) if isinstance(reason, BaseException) else reason})"


def _finding(settings: LanguageModelSettings, name: str, state: State, detail: str) -> Finding:
    listed = name in settings.providers
    rank = f"choice {settings.providers.index(name) + 1}: " if listed else "not listed: "
    return Finding(
        area="provider",
        name=name,
        state=state if listed or state is State.OK else State.NOTE,
        detail=detail if name == "extractive" and not listed else rank + " ".join(detail.split()),
        figures={"listed": listed, "usable": state is State.OK},
    )


_PROBES: Mapping[str, Probe] = {"mlx_lm": _mlx_lm, "bedrock": _bedrock, "anthropic": _anthropic}
