"""How often something may happen: GCRA, a bucket per key that is one number, so that counting costs next to nothing."""

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from functions.core.errors import Limited

MINUTE_S: Final = 60.0
MOST_BUCKETS: Final = 50_000
"""About 10 MB of keys and numbers; who asks from more networks than that gets new buckets."""


@dataclass(slots=True)
class Buckets:
    """One process's counts. A bucket holds `count`, and one comes back every `per_s / count` seconds."""

    clock: Callable[[], float] = time.monotonic
    _full: dict[Hashable, float] = field(default_factory=dict)
    """When a bucket is full again, in the clock's seconds; a key that is not here has a full one."""

    def __len__(self) -> int:
        return len(self._full)

    def take(self, key: Hashable, count: int, per_s: float) -> None:
        """One out of the key's bucket; Limited, with whole seconds until there is one, when it is empty."""
        if not count:
            return
        now, each = self.clock(), per_s / count
        full = self._room(key, count, per_s, now)
        if key not in self._full and len(self._full) >= MOST_BUCKETS:
            self._forget(now)
        self._full[key] = full + each

    def ask(self, key: Hashable, count: int, per_s: float) -> None:
        """As `take`, but nothing is taken out."""
        if count:
            self._room(key, count, per_s, self.clock())

    def _room(self, key: Hashable, count: int, per_s: float, now: float) -> float:
        """When the bucket is full again; raises Limited when it is empty."""
        full = max(self._full.get(key, now), now)
        wait = full + per_s / count - now - per_s
        if wait > 1e-6:  # seconds: sums of floats are not exact
            raise Limited("too many requests of this kind", retry_after=math.ceil(wait))
        return full

    def _forget(self, now: float) -> None:
        """Buckets that are full again hold nothing; when that is not enough, the oldest go too."""
        self._full = {key: full for key, full in self._full.items() if full > now}
        for key in list(self._full)[: max(0, len(self._full) - MOST_BUCKETS // 2)]:
            del self._full[key]
