"""config.yaml: at most 70 lines of what people change. `make schema` writes the one that ships, `run.py init` yours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.keys import keys_of, yaml_text
from pipeline.config.root import Settings

MAX_LINES = 70
_HEAD = """\
# The settings people change. Every other setting: docs/configuration.md, `python run.py config show`.
# ${NAME} and ${NAME:-default} are read from the environment and from .env beside this file; `--set a.b=c` overrides
# a key for one run; `python run.py init` asks and writes a file like this one.
# yaml-language-server: $schema=config.schema.json
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A key of the short file."""

    key: str
    about: str
    """One line; empty where the key says it."""
    example: Any = None
    """When given, the key stands there as a comment with this value."""


SHOWN = (
    Shown("input.path", "A folder, a recording, a .zip, or s3://bucket/prefix."),
    Shown("input.timezone", "IANA time zone of start times that give none, such as Europe/Berlin."),
    Shown(
        "input.patterns",
        "What file names say, tried in order: android, freepbx, asterisk, 3cx, genesys, twilio, ..., auto for all of "
        "them, or your own with a named group for each field (docs/configuration.md).",
        ["asterisk", r"^(?P<started_at>\d{8}-\d{6})_(?P<agent_id>\d+)"],
    ),
    Shown("audio.channel_roles", "Who speaks on each channel, first (left) channel first: agent, client or unknown."),
    Shown(
        "transcription.engines",
        "Recognisers in order: mlx_qwen3, faster_whisper, transformers_ctc, openai_audio, sphinx (a demonstration).",
    ),
    Shown("transcription.strict", "true forbids falling back to a later recogniser."),
    Shown("transcription.language", "ISO 639-1 code of all calls without their own; null: the recogniser detects it."),
    Shown("transcription.mlx_qwen3.model", "Folder with the weights, or a hub repository (then `revision` pins it)."),
    Shown("transcription.faster_whisper.model", "The same for Whisper on CTranslate2."),
    Shown("glossary.b2b", "Topics and words of business customers (.yaml, .csv or .xlsx); null for none."),
    Shown("glossary.b2c", "The same for private customers."),
    Shown("summary.language", "ISO 639-1 code of summaries; null for the call's own."),
    Shown("llm.providers", "Language models in order: mlx_lm, bedrock, openai_chat, anthropic, extractive (no model)."),
    Shown("llm.max_cost_usd", "Ceiling per run; null for none."),
    Shown("redaction.redact_stored", "true also removes personal data from stored text."),
    Shown("database.url", "`embedded`, or postgresql://user:${EARSHOT_DB_PASSWORD}@host:5432/database."),
    Shown("output.directory", "Folder of results, reports and logs."),
    Shown("output.save_mode", "database, csv or both."),
    Shown("output.transcripts.formats", "A file per call: txt, srt, vtt, json, pca_json, contact_lens_json."),
    Shown("run.order", "newest, oldest or shuffle."),
    Shown("run.max_hours", "No new call is started after this many hours; null for no limit."),
    Shown("run.stop_time", "No new call is started after this time of day.", "06:30"),
    Shown("reporting.notify.on", "never, failure or always, by mail or webhook."),
    Shown("reporting.notify.webhook.url", "", "${EARSHOT_WEBHOOK}"),
)


def short_text(values: Mapping[str, Any] | None = None) -> str:
    """The short file, with other values for some keys.

    Args:
        values: dotted key to value; a key that is not among SHOWN stands behind those of its area.
    """
    given = dict(values or {})
    defaults = {key.name: key.value for key in keys_of(Settings())}
    tree: dict[str, Any] = {}
    for shown in (*SHOWN, *(Shown(key, "") for key in given if key not in {shown.key for shown in SHOWN})):
        path = shown.key.split(".")
        branch = tree
        for name in path[:-1]:
            branch = branch.setdefault(name, {})
        value = given.get(shown.key, defaults[shown.key] if shown.example is None else shown.example)
        mark = "# " if shown.example is not None and shown.key not in given else ""
        branch[path[-1]] = (shown.about, f"{mark}{path[-1]}: {yaml_text(value)}")
    lines = [_HEAD.rstrip()]
    for area, branch in tree.items():
        lines.extend(_branch(area, branch, 0))
    return "\n".join(lines) + "\n"


def _branch(name: str, node: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(node, dict):
        mark = "" if any(_holds_value(inner) for inner in node.values()) else "# "
        yield f"{indent}{mark}{name}:"
        for key, inner in node.items():
            yield from _branch(key, inner, depth + 1)
        return
    about, line = node
    if about:
        yield f"{indent}# {about}"
    yield f"{indent}{line}"


def _holds_value(node: Any) -> bool:
    if isinstance(node, dict):
        return any(_holds_value(inner) for inner in node.values())
    return not node[1].startswith("# ")
