"""Says which rows a reader has certainly seen, by the transactions that wrote them; pure.

Ids are handed out before transactions commit, in no order of commitment, so that "rows after the last id I have seen"
misses the rows of slow transactions. A snapshot of PostgreSQL is exact: a transaction below its end and not among the
open ones had ended, and what it wrote was either visible or never will be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Horizon:
    """Transactions before `end` that are not in `open` are settled: all they wrote has been seen."""

    end: int
    open: frozenset[int] = frozenset()

    @classmethod
    def of_snapshot(cls, snapshot: str, own: int | None = None) -> "Horizon":
        """From the text of a pg_snapshot, "xmin:xmax:open,open".

        own: the reader's own transaction, whose earlier rows a snapshot shows and whose later ones are still to come.
        """
        _, end, listed = snapshot.split(":")
        opened = {int(one) for one in listed.split(",") if one}
        return cls(int(end), frozenset(opened | ({own} if own is not None else set())))

    @classmethod
    def parse(cls, text: str) -> "Horizon":
        """What `str` has written."""
        end, _, listed = text.partition(":")
        return cls(int(end), frozenset(int(one) for one in listed.split(",") if one))

    def __str__(self) -> str:
        return f"{self.end}:{','.join(map(str, sorted(self.open)))}"

    def settled(self, written_by: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(n,) bool: which of these transactions are settled."""
        return (written_by < self.end) & ~np.isin(written_by, np.array(sorted(self.open), np.int64))


NOTHING_SEEN = Horizon(0)
