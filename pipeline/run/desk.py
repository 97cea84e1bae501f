"""Where the stages of one process get their calls, a few at a time, and where they tell that one is done with."""

from __future__ import annotations

import threading
import time
from collections import deque

from pipeline.config.areas.run import RunSettings
from pipeline.ports import Claims
from pipeline.records import Claim, ClaimStage

_LOOK_AGAIN_S = 1.0
"""Between two questions for work while the calls left are in hand, here or elsewhere."""


class Desk:
    """The claims of one worker, shared by its threads."""

    def __init__(self, claims: Claims, run_id: str | None, settings: RunSettings, stays: bool = False) -> None:
        """`run_id`: whose calls; None for those of every run with this configuration.

        `stays`: it is never finished, since later runs may have calls for it.
        """
        self._claims = claims
        self._run_id = run_id
        self._stays = stays
        # Those that wait here keep others from claiming them: no more than are begun at once.
        self._at_once = min(settings.decode_workers, settings.calls_ahead)
        self._renew_every_s = settings.lease_s / 4
        self._renewed = time.monotonic()
        self._waiting: deque[Claim] = deque()
        self._in_hand: set[int] = set()
        """Fences, those that wait included."""
        self._settled: set[int] = set()
        self._urgent: set[int] = set()
        """Fences of those in hand that are."""
        self._stages: dict[int, ClaimStage] = {}
        """By fence, what is not told yet."""
        self._asked_at = 0.0
        self._asked_urgent_at = 0.0
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self.finished = False
        """No call is left that this worker could get, now or when another worker dies."""

    def next(self) -> Claim | None:
        """The next call; None when there is none at the moment: look at `finished`, and `wait`."""
        with self._lock:
            if not self._waiting and not self.finished and self._may_ask():
                self._ask()
            return self._waiting.popleft() if self._waiting else None

    @property
    def in_hand(self) -> int:
        """Calls that are claimed and not settled."""
        with self._lock:
            return len(self._in_hand)

    @property
    def takes_urgent(self) -> bool:
        """Whether it looks for calls that go before what is in hand: a worker for all runs does."""
        return self._run_id is None

    def next_urgent(self) -> Claim | None:
        """The next call of priority 1 or more; no more than are begun at once are in hand. Asks once a second."""
        with self._lock:
            if self._waiting and self._waiting[0].priority > 0:
                return self._waiting.popleft()
            now = time.monotonic()
            if self.finished or len(self._urgent) >= self._at_once or now - self._asked_urgent_at < _LOOK_AGAIN_S:
                return None
            claims = self._claims.claim(None, 1, 1)
            if not claims:
                self._asked_urgent_at = now
                return None
            self._in_hand.add(claims[0].fence)
            self._urgent.add(claims[0].fence)
            return claims[0]

    def tell(self, claim: Claim, stage: str, share: float | None = None, audio_s: float | None = None) -> None:
        """Where this process is with a call; told on with the next renewal of leases."""
        with self._lock:
            if claim.fence in self._in_hand:
                self._stages[claim.fence] = ClaimStage(
                    claim_id=claim.claim_id, fence=claim.fence, stage=stage, share=share, audio_s=audio_s
                )

    def wait(self, timeout_s: float) -> None:
        """Until a call is settled or the time is over."""
        self._changed.wait(timeout_s)

    def _may_ask(self) -> bool:
        now = time.monotonic()
        if not self._changed.is_set() and now - self._asked_at < _LOOK_AGAIN_S:
            return False
        self._changed.clear()
        self._asked_at = now
        return True

    def _ask(self) -> None:
        claimed = self._claims.claim(self._run_id, self._at_once, in_hand=len(self._in_hand))
        self._waiting.extend(claimed)
        self._in_hand |= {claim.fence for claim in claimed}
        if claimed:
            self._changed.set()  # ask again as soon as these are handed out
        elif self._claims.left(self._run_id) == 0:
            self.finished = not self._stays
        else:
            self._reconcile()
            self._claims.free_of_the_dead()

    def _reconcile(self) -> None:
        """Claims whose call this process no longer works on would stay claimed for as long as it lives."""
        held = set(self._claims.held()) - self._in_hand
        if lost := held & self._settled:
            self._claims.end_as_lost(lost)  # nothing could be stored; the account names the recording
        if unheard := held - self._settled:
            self._claims.give_back(unheard)  # the answer to their claim was lost
        if held:
            self._changed.set()

    def settle(self, claim: Claim) -> None:
        """The call is stored, or given up: this process is done with it."""
        with self._lock:
            self._in_hand.discard(claim.fence)
            self._urgent.discard(claim.fence)
            self._stages.pop(claim.fence, None)
            self._settled.add(claim.fence)
            self._changed.set()

    def renew(self) -> None:
        """Tell where the calls are, and extend the leases if a quarter of their time has passed.

        Called every few seconds.
        """
        with self._lock:
            stages, self._stages = list(self._stages.values()), {}
        if stages:
            self._claims.tell_stages(stages)
        now = time.monotonic()
        if now - self._renewed < self._renew_every_s:
            return
        with self._lock:
            fences = list(self._in_hand)
        if fences:
            self._claims.renew(fences)
        self._renewed = now

    def give_back(self) -> None:
        """What is not done with is free for others at once. For the end of the work, however it ends."""
        with self._lock:
            self._waiting.clear()
            fences, self._in_hand, self.finished = list(self._in_hand), set(), True
        if fences:
            self._claims.give_back(fences)
