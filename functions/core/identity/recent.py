"""A bounded memory of recent answers, so that strangers cannot fill the process."""

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """At most `size` values, each until its own time; the least recently used one goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[str | bytes, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: str | bytes, now: float) -> V | None:
        """The value put under this key, unless its time is over."""
        value, until = self._held.get(key, (None, now))
        if value is None or until <= now:
            self._held.pop(key, None)
            return None
        self._held.move_to_end(key)
        return value

    def forget(self, key: str | bytes) -> None:
        """Whatever was put under this key, it is not known any more."""
        self._held.pop(key, None)

    def put(self, key: str | bytes, value: V, until: float) -> None:
        """Keep a value until a time, in the same seconds that `get` is asked with."""
        self._held[key] = value, until
        self._held.move_to_end(key)
        if len(self._held) > self._size:
            self._held.popitem(last=False)
