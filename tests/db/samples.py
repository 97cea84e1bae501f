"""Calls made up for the database tests: small, complete, different in whatever a test needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from analysis.records import (
    ActionItem,
    Answer,
    Attention,
    CallSentiment,
    Change,
    ChunkPlace,
    ChunkSentiment,
    Conversation,
    Evidence,
    RoleSentiment,
    RuleMatch,
    ScorecardAnswer,
    ScorecardResult,
    Sentiment,
    Summary,
    SummaryEvidence,
    SummaryPart,
    TalkQuarter,
    Topic,
)
from pipeline.records import (
    AudioHeader,
    CallMetadata,
    CallOutcome,
    CallStatus,
    CustomerSegment,
    Direction,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    Role,
    StepResult,
    StepState,
    Transcript,
    TranscriptChunk,
    Word,
)

MOMENT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
CALM = Sentiment(0.1, 0.7, 0.2)
CROSS = Sentiment(0.8, 0.15, 0.05)
GLAD = Sentiment(0.05, 0.25, 0.7)


def found(name: str = "a.wav", *, size: int = 1000, folder: str = "/calls") -> FoundCall:
    return FoundCall(
        source_uri=f"file://{folder}/{name}",
        file_name=name,
        size_bytes=size,
        modified_at=MOMENT,
        metadata=CallMetadata(
            started_at=MOMENT,
            direction=Direction.INBOUND,
            agent_id="A7",
            customer_segment=CustomerSegment.B2C,
            extra={"campaign": "autumn"},
        ),
    )


def prepared(sha: str = "aa", *, flags: tuple[str, ...] = ()) -> PreparedCall:
    return PreparedCall(
        audio_sha256=sha,
        header=AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=8000, channels=2, duration_s=12.0),
        duration_s=12.0,
        channels=(),
        flags=flags,
    )


def identity(rank: int = 0, *, demonstration: bool = False, engine: str = "mlx_qwen3") -> EngineIdentity:
    return EngineIdentity(
        engine=engine, model="m", revision="r1", options_hash="o1", rank=rank, demonstration=demonstration
    )


def chunk(channel: int, ordinal: int, start_s: float, text: str, *, words: bool = True) -> TranscriptChunk:
    pieces = text.split()
    step = 2.0 / max(1, len(pieces))
    return TranscriptChunk(
        channel=channel,
        ordinal=ordinal,
        role=Role.CLIENT if channel == 0 else Role.AGENT,
        start_s=start_s,
        end_s=start_s + 2.0,
        text=text,
        words=tuple(
            Word(text=piece, start_s=start_s + i * step, end_s=start_s + (i + 1) * step, confidence=0.5)
            for i, piece in enumerate(pieces)
        )
        if words
        else None,
        confidence=0.75,
        language="en",
        speech=((start_s + 0.25, start_s + 0.75), (start_s + 1.0, start_s + 1.75)) if words else None,
    )


TALK = (
    chunk(0, 0, 0.0, "hello my card was charged twice"),
    chunk(1, 0, 2.5, "I am sorry I will refund it"),
    chunk(0, 1, 5.0, "thank you that is great"),
)


def transcript(
    fingerprint: str = "f1",
    chunks: tuple[TranscriptChunk, ...] = TALK,
    who: EngineIdentity | None = None,
    language: str | None = "en",
) -> Transcript:
    return Transcript(fingerprint=fingerprint, identity=who or identity(), language=language, chunks=chunks)


def step(name: str, payload: object, **changes: object) -> StepResult:
    made = StepResult(step=name, fingerprint=f"{name}-1", state=StepState.DONE, payload=payload, latency_s=0.25)
    return replace(made, **changes)  # type: ignore[arg-type]


def sentiments(name: str, chunks: tuple[TranscriptChunk, ...] = TALK) -> StepResult:
    return step(
        name,
        CallSentiment(
            roles=(
                RoleSentiment(
                    role=Role.AGENT, sentiment=CALM, quarters=(0.1, None, 0.2, 0.3), lowest_score=0.1, lowest_at_s=2.5
                ),
                RoleSentiment(role=Role.CLIENT, sentiment=None if name == "acoustic" else CROSS, reason="too quiet"),
            ),
            chunks=tuple(
                ChunkSentiment(
                    channel=one.channel,
                    ordinal=one.ordinal,
                    sentiment=None if one.ordinal else (CROSS, GLAD)[one.channel],
                    reason="one word" if one.ordinal else None,
                )
                for one in chunks
            ),
            mood_turned_by=Role.AGENT,
            mood_turned_at_s=2.5,
            mood_turned_to=Change.BETTER,
            mood_turned_line=ChunkPlace(channel=1, chunk=0, start_s=2.5),
        ),
    )


def all_steps(chunks: tuple[TranscriptChunk, ...] = TALK) -> tuple[StepResult, ...]:
    quote = Evidence(quote="charged twice", channel=0, ordinal=0, start_s=0.0)
    return (
        sentiments("text", chunks),
        sentiments("acoustic", chunks),
        sentiments("fusion", chunks),
        step("topic", Topic(topic="Billing", subtopic="Refund", confidence=0.9, evidence=(quote,), catalogue="b2c")),
        step(
            "summary",
            Summary(
                text="The client was charged twice; a refund was promised.",
                reason="charged twice",
                outcome="refund promised",
                key_points=("twice",),
                action_items=(ActionItem(what="refund", who="agent"),),
                evidence=(
                    SummaryEvidence(
                        part=SummaryPart.REASON,
                        text="charged twice",
                        role=Role.CLIENT,
                        start_s=0.5,
                        end_s=1.5,
                        channel=0,
                        chunk=0,
                    ),
                ),
                language="en",
            ),
            provider="openai_server",
            model="qwen3",
            tokens_in=120,
            tokens_out=40,
            cost_usd=0.002,
        ),
        step("conversation", talk()),
        step("rules", attention()),
    )


def attention() -> Attention:
    """A rule shown by words, and one that is about the whole call."""
    return Attention(
        matches=(
            RuleMatch(
                rule="charged_twice",
                title="Charged twice",
                reason="the customer said “charged twice” at 0:01",
                weight=3.0,
                critical=True,
                quote="hello my card was charged twice",
                role=Role.CLIENT,
                start_s=1.2,
                end_s=2.0,
                occurrences=2,
            ),
            RuleMatch(rule="short", title="Very short", reason="the recording has 0:12", weight=0.5, critical=False),
        ),
        not_judged={"silence": "not known"},
        scorecards=(
            ScorecardResult(
                scorecard="service",
                title="Service call",
                score=0.75,
                passed=False,
                failed_critical=("polite",),
                answers=(
                    scored("greeting", Answer.YES, weight=3.0, quote="I am sorry I will refund it", start_s=2.5),
                    scored("polite", Answer.NO, critical=True),
                    scored("hold", Answer.NOT_APPLICABLE),
                ),
            ),
        ),
    )


def scored(
    item: str,
    answer: Answer,
    *,
    weight: float = 1.0,
    critical: bool = False,
    quote: str | None = None,
    start_s: float | None = None,
) -> ScorecardAnswer:
    return ScorecardAnswer(
        item=item,
        question=f"{item}?",
        answer=answer,
        weight=weight,
        critical=critical,
        reason="because",
        quote=quote,
        role=Role.AGENT if quote else None,
        start_s=start_s,
    )


def talk() -> Conversation:
    return Conversation(
        agent_talk_s=2.0,
        client_talk_s=4.0,
        agent_talk_share=2 / 12,
        client_talk_share=4 / 12,
        silence_s=6.0,
        silence_share=0.5,
        longest_silence_s=5.0,
        overtalk_s=0.0,
        agent_interruptions=0,
        client_interruptions=None,
        turns=3,
        agent_words_per_minute=210.0,
        client_words_per_minute=165.0,
        agent_longest_turn_s=2.0,
        client_longest_turn_s=2.0,
        first_response_s=0.5,
        extra={"agent_fillers": 2.0},
        quarters=tuple(
            TalkQuarter(
                start_s=3.0 * number,
                end_s=3.0 * number + 3.0,
                agent_talk_s=0.5,
                client_talk_s=1.0,
                silence_s=1.5,
                overtalk_s=0.0,
                agent_interruptions=0,
                client_interruptions=None,
                turns=number % 2,
            )
            for number in range(4)
        ),
    )


def outcome(
    call_id: str,
    run_id: str,
    call: FoundCall | None = None,
    *,
    audio: PreparedCall | None = None,
    words: Transcript | None = None,
    steps: tuple[StepResult, ...] | None = None,
    status: CallStatus = CallStatus.DONE,
) -> CallOutcome:
    """A whole call; `audio` and `words` default to the samples above."""
    return CallOutcome(
        call_id=call_id,
        found=call or found(),
        status=status,
        run_id=run_id,
        prepared=audio or prepared(),
        transcript=words or transcript(),
        steps=all_steps() if steps is None else steps,
        timings_s={"decode": 0.5},
    )
