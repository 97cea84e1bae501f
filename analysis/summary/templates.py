"""The summary as a text, by a template file that anyone may edit."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from analysis.records import ActionItem, Summary, SummaryEvidence, SummaryPart
from analysis.summary.reading.sentences import asks
from pipeline.config.areas.language import SummarySettings
from pipeline.errors import ConfigurationError
from pipeline.records import CallForAnalysis, CallMetadata, Direction, Role
from pipeline.roles import ROLE_NAMES

TEMPLATES_DIR = Path(__file__).resolve().parent.parent / "templates"


class SummaryTemplate:
    """`<template>.<language>.j2`, else `<template>.j2`, in the configured folder, else in Earshot's own."""

    def __init__(self, settings: SummarySettings, name: str | None = None) -> None:
        """`name`: of the template, where it is not `settings.template`.

        Raises ConfigurationError when there is no such template or it is not valid.
        """
        from jinja2 import FileSystemLoader, StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        folders = [folder for folder in (settings.templates_dir, TEMPLATES_DIR) if folder is not None]
        for folder in folders:
            if not folder.is_dir():
                raise ConfigurationError(f"summary.templates_dir: {folder} is not a folder")
        self._name = name or settings.template
        digest = hashlib.sha256()
        for folder in folders:
            for path in sorted(folder.glob(f"{self._name}*.j2")):
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        self.content_hash = digest.hexdigest()[:16]
        """Hash of the template in all its languages: part of the step's fingerprint."""
        # The result is plain text, not HTML; StrictUndefined so that a typo in a template is found.
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )
        self._environment.filters |= {"sentence": as_sentence, "speaker": speaker}
        for language in (settings.language, None):
            self.render(_EXAMPLE, _EXAMPLE_CALL, language)
        self._tells_of_the_call = any(
            "call" in self._variables_of(path.name)
            for folder in folders
            for path in sorted(folder.glob(f"{self._name}.*j2"))
        )

    def of_call(self, call: CallForAnalysis) -> tuple[object, ...]:
        """What the text depends on besides the summary: part of the step's fingerprint."""
        if not self._tells_of_the_call:
            return (self.content_hash,)
        metadata = call.metadata
        return (self.content_hash, metadata.started_at, metadata.agent_id, metadata.direction)

    def _variables_of(self, name: str) -> set[str]:
        from jinja2 import TemplateError
        from jinja2.meta import find_undeclared_variables

        try:
            source, _, _ = self._environment.loader.get_source(self._environment, name)  # type: ignore[union-attr]
            return find_undeclared_variables(self._environment.parse(source))
        except TemplateError as error:
            raise ConfigurationError(f"summary.template: {name}: {error}") from None

    def render(self, summary: Summary, call: dict[str, Any], language: str | None) -> str:
        """The text, without empty lines at its ends or two in a row. Raises ConfigurationError for a wrong template."""
        from jinja2 import TemplateError, TemplateNotFound

        names = [f"{self._name}.{language}.j2", f"{self._name}.j2"]
        try:
            text = str(self._environment.select_template(names).render(summary=summary, call=call))
        except TemplateNotFound:
            known = sorted({path.name.split(".")[0] for path in TEMPLATES_DIR.glob("*.j2")})
            raise ConfigurationError(
                f"summary.template: no file {' or '.join(names)}; Earshot comes with {', '.join(known)}"
            ) from None
        except TemplateError as error:
            raise ConfigurationError(f"summary.template: {self._name}: {error}") from None
        lines = [line.rstrip() for line in text.strip().splitlines()]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def as_sentence(text: str) -> str:
    """The text with a capital and a mark at its end: what is said without punctuation is read as a sentence."""
    text = (text[:1].upper() + text[1:]).rstrip(",;:-–— ")
    return text if text.endswith((".", "?", "!", "…")) else text + ("?" if asks(text) else ".")


def speaker(role: str) -> str:
    """A side, or a third party, as people who read English call it: `customer` for `client`."""
    return {known.value: name.lower() for known, name in ROLE_NAMES.items()}.get(role, role)


def call_values(call: CallForAnalysis) -> dict[str, Any]:
    """What a template may say about the call: `date`, `agent_id`, `direction`, `minutes`."""
    return _values(call.metadata, call.duration_s)


def _values(metadata: CallMetadata, duration_s: float) -> dict[str, Any]:
    return {
        "date": metadata.started_at.strftime("%Y-%m-%d %H:%M") if metadata.started_at else None,
        "agent_id": metadata.agent_id,
        "direction": metadata.direction.value if metadata.direction else None,
        "minutes": max(1, round(duration_s / 60)),
    }


def render_preview(settings: SummarySettings) -> str:
    """What a summary will look like, with an invented call: for --dry-run. Raises ConfigurationError."""
    return SummaryTemplate(settings).render(_EXAMPLE, _EXAMPLE_CALL, settings.language)


_EXAMPLE = Summary(
    text="",
    reason="The customer asks where a parcel is.",
    done="The agent looked the parcel up.",
    outcome="The parcel is delayed.",
    key_points=("The customer needs it before the weekend.",),
    action_items=(
        ActionItem(what="Call the customer when the parcel leaves the depot", who="agent", by_when="Thursday"),
    ),
    next_step="The agent calls back.",
    evidence=tuple(
        SummaryEvidence(
            part=part, text=text, role=role, start_s=index * 9.0, end_s=index * 9.0 + 4.0, channel=0, chunk=0
        )
        for index, (part, role, text) in enumerate(
            (
                (SummaryPart.REASON, Role.CLIENT, "Where is my parcel?"),
                (SummaryPart.DETAIL, Role.AGENT, "when did you order it"),
                (SummaryPart.DETAIL, Role.CLIENT, "On Monday."),
                (SummaryPart.OUTCOME, Role.AGENT, "The parcel is delayed."),
                (SummaryPart.OPEN, Role.CLIENT, "I'm still not happy."),
            )
        )
    ),
)
_EXAMPLE_CALL = _values(CallMetadata(agent_id="A17", direction=Direction.INBOUND), 180.0)
