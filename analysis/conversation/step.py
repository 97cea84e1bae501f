"""The step `conversation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.calls import NOBODY_SPEAKS, language_of, speaks
from analysis.conversation.measures import measure
from analysis.conversation.speech import speech_in
from analysis.fingerprints import fingerprint_of
from analysis.records import Conversation
from analysis.results import done, missing
from analysis.text import words
from pipeline.records import CallForAnalysis, StepResult

_VERSION = 3
"""2 measured no quarters; it is measured again, from the stored transcript."""
_WITH_PADDING = 1
"""Until 2026-11 talk was measured with the padding around it. Its results stay (a migration says so in their reason):
measuring a year of calls again is for whoever wants it (`--reprocess analysis`)."""

SPEECH_UNKNOWN = (
    "transcribed by an earlier version, which did not keep where within a chunk somebody speaks: "
    "times of talk are empty until it is transcribed again (--reprocess all)"
)


class ConversationStep:
    """Works in any language; needs no audio."""

    name = "conversation"
    needs_audio = False
    after: tuple[str, ...] = ()

    def fingerprint(self, call: CallForAnalysis) -> str:
        return self._hash(call, _VERSION)

    def former_fingerprints(self, call: CallForAnalysis) -> tuple[str, ...]:
        return (self._hash(call, _WITH_PADDING),)

    def _hash(self, call: CallForAnalysis, version: int) -> str:
        return fingerprint_of(self.name, version, call.transcript.fingerprint)

    def run(
        self,
        calls: Sequence[CallForAnalysis],
        earlier: Sequence[Mapping[str, StepResult]],  # noqa: ARG002 - reads no other step
    ) -> Sequence[StepResult]:
        return [self._of_call(call) for call in calls]

    def _of_call(self, call: CallForAnalysis) -> StepResult:
        fingerprint = self.fingerprint(call)
        if not speaks(call) or call.duration_s <= 0:
            return missing(self.name, fingerprint, NOBODY_SPEAKS)
        chunks = call.transcript.chunks
        payload = measure(chunks, call.duration_s, language_of(call))
        if any(words(chunk.text) and speech_in(chunk) is None for chunk in chunks):
            return done(self.name, fingerprint, payload, reason=SPEECH_UNKNOWN)
        reason = None if payload.agent_talk_s is not None and payload.client_talk_s is not None else _one_sided(payload)
        return done(self.name, fingerprint, payload, reason=reason)

    def close(self) -> None:
        """Holds nothing."""


def _one_sided(payload: Conversation) -> str:
    absent = [
        role for role, value in (("agent", payload.agent_talk_s), ("client", payload.client_talk_s)) if value is None
    ]
    return f"no speech of role {' or '.join(absent)}: its columns are empty"
