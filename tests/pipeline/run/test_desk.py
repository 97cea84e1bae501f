"""The desk of one process: a few claims at a time, none of which is forgotten."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.run import RunSettings
from pipeline.handled import Handled, HandledAs
from pipeline.records import ClaimStage
from pipeline.run.desk import Desk


class Watched(ClaimsInMemory):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.enqueue("run", {f"uri {place}": f'{{"place": {place}}}' for place in range(number)})
        self.renewed: list[Collection[int]] = []
        self.told: list[ClaimStage] = []
        self.freed = 0

    def renew(self, fences: Collection[int]) -> None:
        self.renewed.append(sorted(fences))

    def free_of_the_dead(self) -> None:
        self.freed += 1

    def tell_stages(self, stages: Sequence[ClaimStage]) -> None:
        self.told += stages


def desk(claims: ClaimsInMemory, *, lease_s: float = 60) -> Desk:
    return Desk(claims, "run", RunSettings(decode_workers=2).model_copy(update={"lease_s": lease_s}))


def test_a_few_are_claimed_at_a_time() -> None:
    claims = Watched(3)
    one = desk(claims)
    first = one.next()
    assert first is not None
    assert (first.call["place"], len(claims.held())) == (0, 2)
    assert [claim.call["place"] for claim in (one.next(), one.next()) if claim] == [1, 2]
    assert claims.freed == 0
    assert (one.next(), one.finished) == (None, False), "they are under way: their workers may die"
    assert claims.freed == 1, "one may have died"


def test_it_is_finished_when_the_last_call_is_settled() -> None:
    claims = Watched(1)
    one = desk(claims)
    claim = one.next()
    assert claim is not None
    assert one.next() is None
    claims.end(claim, Handled(handled_as=HandledAs.DONE))
    one.settle(claim)
    assert (one.next(), one.finished) == (None, True)


def test_a_call_of_which_nothing_could_be_stored_ends_as_lost() -> None:
    """The run would have waited for it for as long as it renewed the lease."""
    claims = Watched(1)
    one = desk(claims)
    claim = one.next()
    assert claim is not None
    one.settle(claim)
    assert one.next() is None
    assert claims.held() == []
    assert (one.next(), one.finished) == (None, True)


def test_a_claim_whose_answer_was_lost_is_given_back_and_claimed_again() -> None:
    claims = Watched(1)
    claims.claim("run", 1)
    one = desk(claims)
    assert one.next() is None
    again = one.next()
    assert again is not None
    assert again.call["place"] == 0


def test_leases_are_renewed_for_what_is_in_hand() -> None:
    claims = Watched(3)
    one = desk(claims, lease_s=0.0)
    one.renew()
    assert claims.renewed == [], "nothing is in hand"
    first = one.next()
    assert first is not None
    one.renew()
    one.settle(first)
    one.renew()
    assert claims.renewed == [[1, 2], [2]]
    patient = desk(claims, lease_s=3600)
    patient.next()
    patient.renew()
    assert len(claims.renewed) == 2, "a quarter of the lease has not passed"


def test_where_a_call_in_hand_is_is_told_once_with_the_next_renewal() -> None:
    claims = Watched(2)
    one = desk(claims, lease_s=3600)
    first, second = one.next(), one.next()
    assert first is not None
    assert second is not None
    one.tell(first, "prepare")
    one.tell(first, "recognise", 0.5, 12.0)
    one.tell(second, "prepare")
    one.settle(second)
    one.tell(second, "store")
    assert claims.told == []
    one.renew()
    one.renew()
    assert claims.told == [
        ClaimStage(claim_id=first.claim_id, fence=first.fence, stage="recognise", share=0.5, audio_s=12.0)
    ], "what is settled is nowhere, and only the last word counts"


def test_what_is_left_at_the_end_is_given_back() -> None:
    claims = Watched(3)
    one = desk(claims)
    assert one.next() is not None
    one.give_back()
    assert claims.held() == []
    assert claims.left("run") == 3
    assert one.next() is None


def test_a_worker_that_stays_is_not_finished_without_calls() -> None:
    claims = Watched(0)
    one = Desk(claims, "run", RunSettings(decode_workers=1), stays=True)
    assert (one.next(), one.finished) == (None, False)
