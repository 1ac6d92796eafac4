"""Keeps a bounded number of frames, spread over a clip of unknown length, and says in which order to look at them."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Sampler(Generic[T]):
    """Of a stream of items, keeps every 2^n-th, so that at most `limit` are held and they span all that came."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stride = 1
        self._seen = 0
        self.kept: list[T] = []

    def wants_next(self) -> bool:
        """Counts one item; True where it is to be handed to `keep`."""
        is_wanted = self._seen % self._stride == 0
        self._seen += 1
        if is_wanted and len(self.kept) == self._limit:
            self.kept = self.kept[::2]
            self._stride *= 2
            is_wanted = (self._seen - 1) % self._stride == 0
        return is_wanted

    def keep(self, item: T) -> None:
        """Takes an item that was wanted."""
        self.kept.append(item)


def spread_order(count: int) -> list[int]:
    """0..count-1 so that every beginning of the order is spread evenly (van der Corput, base 2)."""
    bits = max(1, (count - 1).bit_length())
    return sorted(range(count), key=lambda number: int(f"{number:0{bits}b}"[::-1], 2))
