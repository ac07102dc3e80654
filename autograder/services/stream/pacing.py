"""When records are due: their number is computed from a monotonic clock, so that no delay adds up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

TICK = 0.01
"""Seconds between two looks at the clock."""

LARGEST = 1_000
"""Records in a batch at most, so that a stream which is behind still stops when it is told to."""


@dataclass
class Pacer:
    """Gives `rate` records per second, counted from its first use. A sink that is slow for a while is made up for."""

    rate: float
    clock: Callable[[], float] = time.monotonic
    started: float | None = field(default=None, init=False)
    given: int = field(default=0, init=False)

    def due(self) -> int:
        """How many records are to be sent now, from 0 to `LARGEST`; they count as sent."""
        now = self.clock()
        if self.started is None:
            self.started = now
        # The first record is due at once.
        count = min(int((now - self.started) * self.rate) + 1 - self.given, LARGEST)
        self.given += count
        return count

    def pause(self) -> float:
        """Seconds until it is worth asking again."""
        if self.started is None:
            return 0.0
        return max(0.0, min(max(TICK, self.given / self.rate - (self.clock() - self.started)), 0.2))

    def seconds(self) -> float:
        """Since the first record."""
        return 0.0 if self.started is None else self.clock() - self.started
