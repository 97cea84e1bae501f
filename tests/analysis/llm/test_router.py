"""Order of providers, breaker, ceilings, redaction, what an answer records."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from analysis.asking import services_of
from analysis.llm.choice import build_router
from analysis.llm.limits import CeilingReached, QuotaWait
from analysis.llm.provider import Choice, LLMAnswer, LLMRequest, Option, Reply, RequestRefused
from analysis.llm.request_redaction import redact_request
from analysis.llm.router import Router
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.errors import InvalidReply, ModelUnavailable, ServiceUnavailable, StageTimeout, WorkerCrashed
from tests.analysis.llm.conftest import GOOD, GOOD_DATA, ask, settings
from tests.analysis.llm.servers import answers, fails, serving


class Scripted:
    """A provider that does as it is told."""

    def __init__(
        self,
        name: str,
        act: Callable[[Sequence[LLMRequest]], Sequence[Reply]],
        *,
        remote: bool = False,
        batch_size: int = 1,
        concurrency: int = 1,
        scores: bool = False,
    ) -> None:
        self.name = name
        self.model = f"{name}-model"
        self.remote = remote
        self.scores = scores
        self.batch_size = batch_size
        self.concurrency = concurrency
        self.asked: list[Sequence[LLMRequest]] = []
        self.limits_s: list[float] = []
        self.closed = False
        self._act = act

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        assert time_limit_s > 0
        self.asked.append(requests)
        self.limits_s.append(time_limit_s)
        return self._act(requests)

    def close(self) -> None:
        self.closed = True


def well(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
    return [Reply(key=request.key, text=GOOD, tokens_in=10, tokens_out=5) for request in requests]


def badly(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
    raise ServiceUnavailable("down")


def quick(**more: object) -> LanguageModelSettings:
    return settings("http://127.0.0.1:9", retry={"attempts": 1}, **more)


class MarksNumbers:
    """Puts `[NUMBER_n]` for digits, the same for the same."""

    def redact(self, text: str) -> tuple[str, Mapping[str, str]]:
        found: dict[str, str] = {}

        def mark(match: re.Match[str]) -> str:
            return found.setdefault(match.group(0), f"[NUMBER_{len(found) + 1}]")

        return re.sub(r"\d[\d ]{3,}\d", mark, text), {placeholder: original for original, placeholder in found.items()}


def test_next_provider_answers_and_the_first_is_named() -> None:
    first, second = Scripted("first", badly), Scripted("second", well)
    answer = Router([first, second], quick()).complete([ask()])[0]
    assert answer.data == GOOD_DATA
    assert (answer.provider, answer.model) == ("second", "second-model")
    assert answer.passed_over == ("first: down",)
    assert answer.attempts == 2


def invalid(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
    return [Reply(key=request.key, text="no JSON") for request in requests]


@pytest.mark.parametrize(
    ("acts", "retryable"),
    [((badly, invalid), True), ((invalid, badly), True), ((invalid, invalid), False), ((badly, badly), True)],
)
def test_a_later_run_may_answer_where_any_provider_was_only_down(acts: tuple[Any, Any], retryable: bool) -> None:
    providers = [Scripted(name, act) for name, act in zip(("first", "second"), acts, strict=True)]
    answer = Router(providers, quick()).complete([ask()])[0]
    assert (answer.data, answer.retryable) == (None, retryable)


def _raises(error: Exception) -> Any:
    def act(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        raise error

    return act


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (well, None),
        (_raises(InvalidReply("nonsense")), None),
        (_raises(ServiceUnavailable("no connection")), "no connection"),
        (_raises(RequestRefused("401: the key is refused")), "401: the key is refused"),
        (_raises(ModelUnavailable("no weights")), "no weights"),
        (_raises(CeilingReached("paid enough")), "not asked"),
        (_raises(QuotaWait("used up")), "not asked"),
    ],
)
def test_who_was_asked_and_why_there_was_no_answer(act: Any, why: str | None) -> None:
    """An invalid answer is an answer; what a ceiling or a quota held back was not asked."""
    answer = Router([Scripted("first", act), Scripted("second", well)], quick()).complete([ask()])[0]
    expected = {} if why == "not asked" else {"first": why}
    assert answer.services == expected | ({} if act is well else {"second": None})


def test_a_provider_that_answered_once_of_a_result_counts_as_answering() -> None:
    found = [answered(chat="503", local=None), answered(chat=None), answered(chat="504")]
    assert services_of(found) == {"chat": None, "local": None}
    assert services_of(found[2:]) == {"chat": "504"}
    assert services_of([]) == {}


def answered(**services: str | None) -> LLMAnswer:
    return LLMAnswer(key="k", data=None, services=services)


def test_strict_refuses_to_fall_back() -> None:
    first, second = Scripted("first", badly), Scripted("second", well)
    answer = Router([first, second], quick(strict=True)).complete([ask()])[0]
    assert answer.data is None
    assert second.asked == []


def test_extractive_is_named_where_callers_may_do_without_a_model() -> None:
    router = Router([Scripted("first", badly)], quick(providers=["openai_chat", "extractive"]))
    answer = router.complete([ask()])[0]
    assert (answer.data, answer.provider) == (None, "extractive")
    assert answer.passed_over == ("first: down",)


def test_no_model_no_router() -> None:
    assert build_router(LanguageModelSettings()) is None


def test_unforeseen_error_costs_one_answer() -> None:
    def act(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        if requests[0].key == "2":
            raise ZeroDivisionError("a fault in the client")
        return well(requests)

    found = Router([Scripted("first", act)], quick()).complete([ask("1"), ask("2"), ask("3")])
    assert [answer.data is None for answer in found] == [False, True, False]
    assert found[1].error_type == "ZeroDivisionError"


def test_request_that_crashes_a_batch_costs_its_neighbours_nothing() -> None:
    def act(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        if any(request.key == "5" for request in requests):
            raise WorkerCrashed("it died")
        return well(requests)

    found = Router([Scripted("local", act, batch_size=8)], quick()).complete([ask(str(key)) for key in range(8)])
    assert [answer.key for answer in found if answer.data is None] == ["5"]
    assert found[5].error_type == "WorkerCrashed"


def test_batch_that_runs_over_its_time_is_tried_in_halves_with_time_of_their_own() -> None:
    def act(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        if any(request.key == "1" for request in requests):
            time.sleep(0.3)
            raise StageTimeout("over its time")
        return well(requests)

    chosen = quick(request_time_limit_s=0.3)
    found = Router([Scripted("local", act, batch_size=4)], chosen).complete([ask(str(key)) for key in range(4)])
    assert [answer.key for answer in found if answer.data is None] == ["1"]


def slow_and_down(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
    time.sleep(0.2)
    raise ServiceUnavailable("down")


def test_time_spent_on_an_earlier_provider_is_taken_from_the_next_ones_and_told() -> None:
    second = Scripted("local", well)
    (answer,) = Router([Scripted("first", slow_and_down), second], quick(request_time_limit_s=30)).complete([ask()])
    assert second.limits_s[0] <= 30 - 0.2
    assert answer.latency_s is not None
    assert answer.latency_s >= 0.2


def test_a_provider_for_which_no_time_is_left_is_not_asked() -> None:
    second = Scripted("local", well)
    (answer,) = Router([Scripted("first", slow_and_down), second], quick(request_time_limit_s=0.15)).complete([ask()])
    assert second.asked == []
    assert (answer.data, answer.error_type) == (None, "StageTimeout")
    assert "not asked: llm.request_time_limit_s" in str(answer.reason)


def test_time_that_earlier_questions_about_a_call_took_is_taken_from_the_next_ones() -> None:
    local = Scripted("local", well)
    router = Router([local], quick(request_time_limit_s=30))
    asked = [replace(ask(name), spent_s=spent) for name, spent in (("late", 30), ("half", 15.0))]
    late, half = router.complete(asked)
    assert (late.data, late.error_type, late.latency_s) == (None, "StageTimeout", 0.0)
    assert (late.services, late.retryable, half.services) == ({}, True, {"local": None})
    assert half.data is not None
    assert half.latency_s is not None
    assert half.latency_s < 15
    assert local.limits_s[0] <= 15


def about_one_call(number: int, **more: Any) -> list[LLMRequest]:
    return [ask(str(one), about="call", need=one, **more) for one in range(number)]


def slowly(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
    time.sleep(0.2)
    return well(requests)


def test_a_question_for_which_too_little_time_is_left_is_not_begun() -> None:
    """It would be killed half-way, and the model be loaded again."""
    server = Scripted("server", slowly)
    first, second = Router([server], quick(request_time_limit_s=0.3)).complete(about_one_call(2))
    assert first.data is not None
    assert (len(server.asked), second.data, second.error_type) == (1, None, "StageTimeout")
    assert "not asked: llm.request_time_limit_s (0.3)" in str(second.reason)
    assert (first.services, second.services) == ({"server": None}, {})


def test_what_could_not_be_read_in_time_has_no_answer_and_costs_the_others_nothing() -> None:
    def in_part(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        last = requests[-1]
        return [*well(requests[:-1]), Reply(key=last.key, text="", finish="unread")]

    local = Scripted("local", in_part, batch_size=8)
    *read, unread = Router([local], quick()).complete(about_one_call(3))
    assert all(answer.data is not None for answer in read)
    assert (unread.data, unread.error_type, len(local.asked)) == (None, "StageTimeout", 1)
    assert "left no time for it" in str(unread.reason)


def test_questions_about_one_call_for_which_its_time_is_over_are_not_asked_in_halves() -> None:
    """Each half had the whole time again."""

    def too_long(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        raise StageTimeout("killed")

    local = Scripted("local", too_long, batch_size=8)
    answers = Router([local], quick()).complete(about_one_call(4))
    assert [len(asked) for asked in local.asked] == [4]
    assert all("killed" in str(answer.reason) for answer in answers)


def test_a_reply_that_was_brought_to_an_end_is_known_as_such() -> None:
    def landed(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        return [replace(reply, finish="landed") for reply in well(requests)]

    assert [Router([Scripted("one", act)], quick()).complete([ask()])[0].cut for act in (landed, well)] == [True, False]


def test_a_batch_has_the_time_that_its_requests_have_left_together() -> None:
    """The limit is one call's: in a batch of many every call would otherwise have seconds."""

    def slow_for_one(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        return slow_and_down(requests) if requests[0].key == "slow" else badly(requests)

    second = Scripted("local", well, batch_size=2)
    providers = [Scripted("first", slow_for_one), second]
    Router(providers, quick(request_time_limit_s=30)).complete([ask("quick"), ask("slow")])
    assert 30 < second.limits_s[0] <= 60 - 0.2


@pytest.mark.parametrize(("in_a_batch", "at_once"), [(8, 1), (2, 1), (1, 1), (1, 4)])
def test_questions_about_one_call_have_its_time_together(in_a_batch: int, at_once: int) -> None:
    """However they are asked; one after the other each had the whole time."""
    local = Scripted("local", slowly, batch_size=in_a_batch, concurrency=at_once)
    asked = about_one_call(4, spent_s=20.0)
    answers = Router([local], quick(request_time_limit_s=30)).complete(asked)
    assert all(answer.data is not None for answer in answers)
    assert all(limit <= 10 for limit in local.limits_s)
    rounds = len(local.limits_s) / at_once
    assert min(local.limits_s) <= 10 - 0.2 * (rounds - 1)


def test_what_a_call_is_charged_of_its_time_is_its_share_of_the_batch() -> None:
    """Each call of a batch was charged the time of all, and its later parts were not asked about."""

    def slowly(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        time.sleep(0.2)
        return well(requests)

    answers = Router([Scripted("local", slowly, batch_size=8)], quick()).complete([ask(str(one)) for one in range(4)])
    assert all(answer.share_s == pytest.approx((answer.latency_s or 0.0) / 4) for answer in answers)


def test_why_a_provider_was_passed_over_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    Router([Scripted("first", badly), Scripted("second", well)], quick()).complete([ask(str(n)) for n in range(5)])
    said = [record.message for record in caplog.records if "first is skipped" in record.message]
    assert len(said) == 1
    assert "down" in said[0]


def test_quota_per_minute_is_kept() -> None:
    with serving(lambda number, body: answers(GOOD)) as server:
        chosen = settings(server.url, request_time_limit_s=5, openai_chat={"requests_per_minute": 3})
        router = build_router(chosen)
        assert router is not None
        found = router.complete([ask(str(key)) for key in range(5)])
        router.close()
        assert len(server.seen) == 3
    assert sorted(str(answer.error_type) for answer in found) == ["None"] * 3 + ["QuotaWait"] * 2


def test_answers_of_other_requests_are_refused() -> None:
    def swapped(requests: Sequence[LLMRequest]) -> Sequence[Reply]:
        return list(reversed(well(requests)))

    found = Router([Scripted("local", swapped, batch_size=2)], quick()).complete([ask("1"), ask("2")])
    assert all(answer.data == GOOD_DATA for answer in found), "asked one by one, they cannot be swapped"


def test_breaker_opens_leaves_alone_and_closes() -> None:
    healed = False
    with serving(lambda number, body: answers(GOOD) if healed else fails(500)) as server:
        router = build_router(
            settings(
                server.url,
                retry={"attempts": 1},
                breaker={"failures": 3, "reset_s": 2},
                openai_chat={"concurrency": 1},
            )
        )
        assert router is not None
        found = router.complete([ask(str(key)) for key in range(8)])
        assert len(server.seen) == 3
        assert [answer.error_type for answer in found] == ["ServiceUnavailable"] * 3 + ["BreakerOpen"] * 5
        assert all(answer.retryable and answer.reason for answer in found)

        time.sleep(2.1)
        assert router.complete([ask()])[0].error_type == "ServiceUnavailable"
        assert router.complete([ask()])[0].error_type == "BreakerOpen"
        assert len(server.seen) == 4, "one trial, and closed to others after it failed"

        healed = True
        time.sleep(2.1)
        found = router.complete([ask(str(key)) for key in range(4)])
        router.close()
        assert [answer.data for answer in found] == [GOOD_DATA] * 4
        assert len(server.seen) == 8


def test_only_one_request_tries_a_provider_that_was_down() -> None:
    with serving(lambda number, body: fails(500)) as server:
        router = build_router(
            settings(server.url, retry={"attempts": 1}, breaker={"failures": 1, "reset_s": 2}),
        )
        assert router is not None
        router.complete([ask()])
        time.sleep(2.1)
        router.complete([ask(str(key)) for key in range(8)])
        router.close()
        assert len(server.seen) == 2


PRICES = {"input_usd_per_million_tokens": 10.0, "output_usd_per_million_tokens": 100.0}


def test_cost_of_all_attempts_is_recorded() -> None:
    with serving(lambda number, body: answers(GOOD) if number else answers("?")) as server:
        router = build_router(settings(server.url, openai_chat=PRICES))
        assert router is not None
        answer = router.complete([ask()])[0]
        router.close()
    assert answer.cost_usd == pytest.approx(2 * (100 * 10 + 20 * 100) / 1e6)
    assert router.ceiling.cost_usd == pytest.approx(answer.cost_usd)
    assert router.ceiling.tokens == 240


def test_cost_is_none_when_the_price_is_unknown() -> None:
    with serving(lambda number, body: answers(GOOD)) as server:
        router = build_router(settings(server.url))
        assert router is not None
        answer = router.complete([ask()])[0]
        router.close()
    assert (answer.cost_usd, answer.tokens_in, answer.tokens_out) == (None, 100, 20)


def test_cost_on_this_machine_is_zero() -> None:
    assert Router([Scripted("local", well)], quick()).complete([ask()])[0].cost_usd == 0.0


@pytest.mark.parametrize("ceiling", [{"max_cost_usd": 0.05}, {"max_tokens": 1000}])
def test_ceiling_holds_over_parallel_requests(ceiling: dict[str, float]) -> None:
    with serving(lambda number, body: answers(GOOD)) as server:
        router = build_router(settings(server.url, openai_chat=PRICES, **ceiling))
        assert router is not None
        found = router.complete([ask(str(key)) for key in range(40)])
        router.close()
        sent = len(server.seen)
    served = [answer for answer in found if answer.data is not None]
    assert 1 <= len(served) == sent < 40
    assert router.ceiling.cost_usd <= 0.05
    assert router.ceiling.tokens <= (1000 if "max_tokens" in ceiling else 10**9)
    refused = [answer for answer in found if answer.data is None]
    assert {answer.error_type for answer in refused} == {"CeilingReached"}
    assert all(answer.retryable for answer in refused)


def test_nothing_unredacted_is_sent_and_the_answer_is_whole() -> None:
    card, phone = "4111 1111 1111 1111", "0612345678"
    replies = [
        '{"topic": "mortgage", "quotes": []}',
        '{"topic": "lost card", "quotes": ["my card [NUMBER_1] is gone"]}',
    ]
    with serving(lambda number, body: answers(replies[number])) as server:
        router = build_router(settings(server.url), MarksNumbers())
        assert router is not None
        answer = router.complete([ask(system="Call us: " + phone, user=f"my card {card} is gone, I am on {phone}")])[0]
        router.close()
        sent = [seen.text for seen in server.seen]
    assert len(sent) == 2
    assert "[NUMBER_1]" in sent[0]
    assert not any(secret in text for secret in (card, phone) for text in sent)
    assert answer.data is not None
    assert answer.data["quotes"] == ["my card 0612345678 is gone"], "system and user share one numbering"


def test_personal_data_is_removed_from_what_is_weighed() -> None:
    said = "Charge the card 4929 1813 again."
    options = tuple(Option(value=value, given=f"About {value}.", said=said) for value in ("loan", "card"))
    request = ask(user=said, choice=Choice(fills="topic", options=options, temperature=4.0))
    sent, _ = redact_request(request, MarksNumbers())
    assert sent.choice is not None
    assert {option.said for option in sent.choice.options} == {"Charge the card [NUMBER_1] again."}
    assert sent.user == "Charge the card [NUMBER_1] again."


def test_placeholders_stay_where_stored_text_is_redacted() -> None:
    act = Scripted("openai_chat", well, remote=True)
    text = '{"topic": "loan", "quotes": ["[NUMBER_1]"]}'
    act._act = lambda requests: [Reply(key=request.key, text=text) for request in requests]
    router = Router([act], quick(), MarksNumbers(), restore_redacted=False)
    answer = router.complete([ask(user="it is 123456")])[0]
    assert answer.data is not None
    assert answer.data["quotes"] == ["[NUMBER_1]"]


def test_local_model_reads_the_text_as_it_is() -> None:
    local = Scripted("mlx_lm", well)
    Router([local], quick(), MarksNumbers()).complete([ask(user="it is 123456")])
    assert local.asked[0][0].user == "it is 123456"


def test_text_that_cannot_be_redacted_is_not_sent() -> None:
    class Broken:
        def redact(self, text: str) -> tuple[str, Mapping[str, str]]:
            raise RuntimeError("pattern trouble")

    class Swallows:
        def redact(self, text: str) -> tuple[str, Mapping[str, str]]:
            return text.replace("\x1e", ""), {}

    for redactor in (Broken(), Swallows()):
        remote = Scripted("openai_chat", well, remote=True)
        answer = Router([remote], quick(), redactor).complete([ask()])[0]
        assert (answer.data, answer.services) == (None, {})
        assert remote.asked == []


def test_close_closes_every_provider() -> None:
    providers = [Scripted("first", well), Scripted("second", well)]
    Router(providers, quick(strict=True)).close()
    assert [provider.closed for provider in providers] == [True, True]


def test_only_a_provider_that_scores_sees_a_choice() -> None:
    """What is weighed holds the caller's words as they were said; where nothing is weighed it is not needed."""
    options = (Option(value="loan", given="About a loan", said="I want a loan"),)
    request = ask(choice=Choice(fills="topic", options=options, temperature=1.0))
    for scores in (True, False):
        provider = Scripted("one", well, scores=scores)
        assert Router([provider], LanguageModelSettings(), None).complete([request])[0].data == GOOD_DATA
        assert (provider.asked[0][0].choice is not None) == scores
