"""Secrets taken out of text: the one place. A leaf: standard library only.

Two ways. By value: keys, passwords and tokens from the environment, `.env` and the configuration are registered here
and masked wherever they turn up, also when cut off or encoded (URL, HTML, base64). By shape: passwords in addresses,
`Bearer …`, values named as passwords, keys with the prefixes of well-known services, our own tokens (all but the id)
and JWTs.

Errors of `pipeline.errors`, log lines, the stored configuration and the terminal come through here. A spawned process
knows what its parent knows.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"
KNOWN_VALUES = "EARSHOT_MASKED_VALUES"
"""Environment variable through which spawned processes learn what is to be masked: a JSON list of strings."""

SECRET_NAMES = re.compile(
    r"(?i)(?:^|[_.-])(?:(?:api|access|secret|private)[_-]?key(?:[_-]?id)?|key|token|secret|password|passwd|pwd|passphrase"
    r"|credentials?|authorization|signature|sig)$"
)
"""Names of settings, environment variables and query parameters whose value is a secret."""

_MIN_CHARS = 4
_MIN_ENVIRONMENT_CHARS = 6
_MIN_ANYWHERE_CHARS = 12
"""Shorter values are masked only as whole words: `postgres` may be a password and a part of other words."""
_MIN_CUT_CHARS = 16
_MIN_PATH_PART_CHARS = 8
_LOOKED_AT_CHARS = 20_000
_URL_SAFE = str.maketrans("+/", "-_")
_NO_SECRETS = frozenset({"none", "null", "true", "false", "empty", "dummy", "unused", "default", "localhost"})
_PATH_WORDS = frozenset(
    {"services", "webhooks", "incomingwebhook", "workflows", "triggers", "messages", "notifications"}
)
_SHAPES = re.compile(
    r"(?P<login>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^:/@\s'\"]*:)[^/\s'\"]*@"
    r"|(?P<alone>\bhttps?://)[^:/@\s'\"]{8,}@"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[-A-Za-z0-9._~+/*]{8,}=*"
    r"|(?<![a-z0-9])(?:(?:sk|pk|rk|hf|gh[opsur]|github_pat|xox[abeprs]|glpat)[-_][-a-z0-9_]{12,}|AIza[-_a-z0-9]{30,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,})"
    r"|(?P<ours>\bearshot_[a-z2-7]{8}_)[a-z2-7]{8,}"
    r"|\beyJ[-A-Za-z0-9_]{8,}\.[-A-Za-z0-9_]{8,}\.[-A-Za-z0-9_]{8,}"
    r"|(?P<name>\b(?:[a-z0-9]+[_-]){0,4}(?:password|passwd|passphrase|secret|secret[_-]access[_-]key|api[_-]?key|token"
    r"|x-amz-(?:signature|credential|security-token)|authorization)[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic)\s+)?)"
    r"(?!\*\*\*)[^\s\"',;]+",
    re.IGNORECASE,
)
_TRACES = (
    "://", "bearer", "basic", "aiza", "akia", "asia", "earshot_", "eyj", "password", "passwd", "passphrase", "secret",
    "api-key", "api_key", "apikey", "token", "x-amz-", "authorization",
    *(f"{head}{mark}" for head in ("sk", "pk", "rk", "hf", "gho", "ghp", "ghs", "ghu", "ghr", "github_pat", "xoxa",
                                   "xoxb", "xoxe", "xoxp", "xoxr", "xoxs", "glpat") for mark in "-_"),
)  # fmt: skip
"""One of them is in whatever `_SHAPES` matches. To look for them takes a fiftieth of the time; most text has none."""

_known: set[str] = set()
_pattern: re.Pattern[str] | None = None
_heads: dict[str, list[str]] = {}
"""First characters of a long secret -> the secrets that begin with them: one cut off by a limit is masked, too."""


def know(*values: str) -> None:
    """Mask these values from now on, in this process and in those it spawns; too short ones are left out."""
    fresh = {value for value in values if len(value) >= _MIN_CHARS and value.lower() not in _NO_SECRETS} - _known
    if fresh:
        _known.update(fresh)
        os.environ[KNOWN_VALUES] = json.dumps(sorted(_known))
        _rebuild()


def know_environment(environment: Mapping[str, str]) -> None:
    """Mask the values of variables named as secrets, and the passwords in addresses that any variable holds."""
    for name, value in environment.items():
        if name == KNOWN_VALUES:
            continue
        know_addresses(value)
        if SECRET_NAMES.search(name) and len(value) >= _MIN_ENVIRONMENT_CHARS and not value.startswith(("/", "~")):
            know(value)


def know_addresses(text: str) -> None:
    """Mask the passwords and tokens of an address: user and query, and libpq's `password=…`."""
    know(*_of_address(text))


def know_settings(content: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Mask the secrets of a configuration whose variables are resolved.

    Values named as secrets, passwords in addresses, the path and query of a webhook (whoever knows them may post
    there), and the variables that keys ending in `_env` name.
    """
    for key, value in content.items():
        if isinstance(value, Mapping):
            know_settings(value, environment)
            if key == "webhook":
                know(*_of_webhook(value.get("url")))
        elif isinstance(value, list | tuple):
            know_settings({str(index): item for index, item in enumerate(value)}, environment)
        elif isinstance(value, str):
            know_addresses(value)
            if SECRET_NAMES.search(key):
                know(value)
            if key.endswith("_env"):
                know(environment.get(value, ""))


def masked(text: str) -> str:
    """The text without secrets, each replaced by `***`."""
    if _pattern is not None:
        text = _pattern.sub(MASK, text)
        text = _without_beginnings(text)
    return _SHAPES.sub(_by_shape, text) if _may_hold_a_shape(text) else text


def _may_hold_a_shape(text: str) -> bool:
    folded = text.casefold().replace("i\u0307", "i").replace("\u0131", "i")  # as re.IGNORECASE takes them
    return any(trace in folded for trace in _TRACES)


def masked_content(value: Any) -> Any:
    """The same of every string in nested mappings and lists.

    For a key named as a secret the whole value is masked; for a webhook's address everything after the host.
    """
    if isinstance(value, Mapping):
        content = {
            key: MASK if isinstance(item, str) and item and SECRET_NAMES.search(str(key)) else masked_content(item)
            for key, item in value.items()
        }
        webhook = content.get("webhook")
        if isinstance(webhook, dict) and isinstance(webhook.get("url"), str):
            webhook["url"] = re.sub(r"(://[^/?#]*)[/?#].+", rf"\1/{MASK}", webhook["url"])
        return content
    if isinstance(value, list | tuple):
        return [masked_content(item) for item in value]
    return masked(value) if isinstance(value, str) else value


def excerpt(text: str, most: int = 300) -> str:
    """Text from outside as one line of at most `most` characters, masked before it is cut."""
    line = " ".join(masked(text[:_LOOKED_AT_CHARS]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def forget() -> None:
    """Forget all known secrets."""
    _known.clear()
    os.environ.pop(KNOWN_VALUES, None)
    _rebuild()


def _of_address(text: str) -> Iterable[str]:
    for match in re.finditer(r"(?i)\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s&]+))", text):
        yield unquote(match.group(1) or match.group(2) or "")
    if "://" not in text:
        return
    login, sign, _ = text.partition("://")[2].rpartition("@")
    password = login.partition(":")[2]
    if sign and password:
        yield password
        yield unquote(password)
    try:
        query = parse_qsl(urlsplit(text).query)
    except ValueError:
        return
    yield from (value for name, value in query if SECRET_NAMES.search(name))


def _of_webhook(address: object) -> Iterable[str]:
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
    except ValueError:
        return
    if parts is not None:
        pieces = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
        yield from (
            piece for piece in pieces if len(piece) >= _MIN_PATH_PART_CHARS and piece.lower() not in _PATH_WORDS
        )


def _rebuild() -> None:
    global _pattern  # noqa: PLW0603 - what is known belongs to the process
    spellings = {spelled for value in _known for spelled in _spellings(value)}
    longest_first = sorted(spellings, key=lambda spelled: (-len(spelled), spelled))
    _pattern = re.compile("|".join(_whole(spelled) for spelled in longest_first)) if longest_first else None
    _heads.clear()
    for spelled in longest_first:
        if len(spelled) >= _MIN_CUT_CHARS:
            _heads.setdefault(spelled[:_MIN_ANYWHERE_CHARS], []).append(spelled)


def _spellings(value: str) -> Iterable[str]:
    """As servers repeat it: in addresses, JSON, HTML, and base64 (`Basic …` without its name, an answer of SMTP)."""
    yield from (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1])
    yield html.escape(value)
    octets = value.encode("utf-8", "surrogateescape")
    for before, own in enumerate((0, 2, 3)):  # what stands before it shifts it by 0, 8 or 16 bits of 24
        encoded = base64.b64encode(bytes(before) + octets)
        inner = encoded[own : (before + len(octets)) * 8 // 6].decode()
        if len(inner) >= _MIN_ANYWHERE_CHARS:
            yield from (inner, inner.translate(_URL_SAFE))


def _whole(value: str) -> str:
    if len(value) >= _MIN_ANYWHERE_CHARS:
        return re.escape(value)
    return rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])"


def _without_beginnings(text: str) -> str:
    for head, secrets in _heads.items():
        start = text.find(head)
        while start >= 0:
            end = start + max(_shared(text, start, secret) for secret in secrets)
            text = f"{text[:start]}{MASK}{text[end:]}"
            start = text.find(head, start + len(MASK))
    return text


def _shared(text: str, start: int, secret: str) -> int:
    """How many of the secret's first characters the text has from `start` on."""
    pairs = zip(text[start : start + len(secret)], secret, strict=False)
    longest = min(len(secret), len(text) - start)
    return next((index for index, (found, expected) in enumerate(pairs) if found != expected), longest)


def _by_shape(match: re.Match[str]) -> str:
    if match.group("login") or match.group("alone"):
        return f"{match.group('login') or match.group('alone')}{MASK}@"
    return f"{match.group('scheme') or match.group('name') or match.group('ours') or ''}{MASK}"


def _inherit() -> None:
    try:
        values = json.loads(os.environ.get(KNOWN_VALUES) or "[]")
    except ValueError:
        return
    _known.update(value for value in values if isinstance(value, str))
    _rebuild()


_inherit()
