"""What a service allows for one key, found from its answers: calls per second, and tasks at a time.

Nothing here waits or reads a clock: `docs/pace.md` has the rules and formulas, and a test keeps it in step.
"""

from __future__ import annotations

from collections import deque

from rivya_nb.store.pace import FoundLimits

WINDOW = 1.0
"""Seconds over which calls are counted."""

AFTER_REFUSAL = 0.95
"""The part of what was just accepted in a second that is sent in a second after a refusal."""

SHARED_PART = 0.85
"""The part of the rate that a refusal leaves at least where several kernels share it; for one alone it is half."""

SLOWEST = 0.1
"""Calls per second that are sent at least."""

GROWTH = 0.02
"""By which part of itself the rate grows in a second without a refusal, as long as all of it is used."""

FAST_GROWTH = 0.25
"""The same after `CALM` seconds without a refusal: the service may allow more than it did."""

CALM = 30.0
"""Seconds without a refusal after which a limit is tried anew."""

NEW_PROBE = 15.0
"""Seconds after a refusal, or after the last such try, until one task more than the known number is tried."""


class Limits:
    """Learns from each answer. Times are monotonic seconds; `kernels` is how many share the limits.

    `rate` is calls per second and `places` tasks at a time, for all kernels together; None where no limit is
    known. `changed` is when one of them last changed.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self.places: float | None = None
        self.changed: float | None = None
        self.kernels = 1
        self._accepted: deque[float] = deque()
        # A refusal right after another one says nothing new about the rate.
        self._has_accepted = False
        self._refused = self._poll_refused = self._probed = -1e9
        self._grown = 0.0
        self._rate_before: float | None = None
        self._is_first_guess = False
        self._step = 1.0

    @property
    def own_rate(self) -> float | None:
        """This kernel's share of the rate, in calls per second."""
        return None if self.rate is None else self.rate / self.kernels

    def recent(self, now: float) -> int:
        """How many calls were accepted in the last second."""
        while self._accepted and self._accepted[0] <= now - WINDOW:
            self._accepted.popleft()
        return len(self._accepted)

    def accepted(self, now: float, *, submit: bool) -> None:
        """Note an answer that was no refusal, and let the rate grow if all of it was used."""
        self._accepted.append(now)
        self._has_accepted = True
        if submit:
            self._is_first_guess = False
        recent = self.recent(now)
        own = self.own_rate
        if self.rate is None or own is None or recent < AFTER_REFUSAL * own:
            return
        past = min(now - max(self._grown, self._refused), WINDOW)
        self._grown = now
        if past > 0:
            growth = FAST_GROWTH if now - self._refused > CALM else GROWTH
            self.rate *= 1 + growth * past / self.kernels
            self.changed = now

    def poll_was_refused(self, now: float) -> None:
        """A refused poll is about the rate: it asks for no place."""
        self._poll_refused = now
        self._slow_down(now)

    def submit_was_refused(self, now: float, running: int) -> bool:
        """Note a refused submit, while `running` tasks of the key ran; True if that was about their number.

        A refusal after few calls cannot be about the rate. The first refusal after many may be about either:
        it counts as one of the rate until the next one tells.
        """
        recent = self.recent(now)
        usual = self._rate_before if self._is_first_guess else self.own_rate
        is_calm = usual is not None and recent < usual / 2 and now - self._poll_refused > CALM / 2
        told_twice = self._is_first_guess and recent < max(1.0, (self.own_rate or 0.0) / 2)
        if running and (is_calm or told_twice or self._knows_places(running, recent)):
            if self._is_first_guess:
                self.rate, self._is_first_guess = self._rate_before, False
            if self.places is None or running < self.places / 2:
                self.set_places(running, now)
            self._step = 1.0
            self._refused = self._probed = now
            return True
        if not self._is_first_guess and now - self._poll_refused > CALM / 2:
            self._rate_before, self._is_first_guess = self.rate, True
        self._slow_down(now)
        return False

    def _knows_places(self, running: int, recent: int) -> bool:
        """Whether a limit of tasks explains a refusal: one is known, and about so many run."""
        own = self.own_rate
        is_slow = own is None or recent < AFTER_REFUSAL * own
        return self.places is not None and is_slow and running >= self.places / 2

    def _slow_down(self, now: float) -> None:
        if self._has_accepted:
            shared = self.recent(now) * AFTER_REFUSAL * self.kernels
            # What one of several kernels did in a second tells little about all of them.
            part = 1 / 2 if self.kernels == 1 else SHARED_PART
            slower = max(1.0, shared) if self.rate is None else min(self.rate, max(shared, self.rate * part))
            self.rate = max(SLOWEST, slower)
        self._has_accepted = False
        self._refused = self._grown = self.changed = now

    def set_places(self, places: float, now: float) -> None:
        """Set the number of tasks at a time to what was counted."""
        self.places, self.changed = float(max(1, places)), now

    def may_probe(self, now: float) -> bool:
        """Whether one task more than `places` may be tried."""
        return now - self._probed > NEW_PROBE

    def probe(self, now: float) -> None:
        self._probed = now

    def found_a_place(self, now: float) -> None:
        """A submit was taken although all places were probably in use: there are more of them."""
        if self.places is not None:
            self.places += self._step
            self._step *= 2
            self._probed = now - NEW_PROBE
            self.changed = now

    def adopt(self, found: FoundLimits, now: float) -> None:
        """Take what another kernel has found, or an earlier one; it is tried anew after a while."""
        if self.rate is None and self.places is None:
            self._refused = self._probed = now
        self.rate, self.places = found.rate, found.places
