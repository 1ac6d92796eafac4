"""What is searched: tables of 256-bit hashes, named once with everything the engines must know of them."""

from dataclasses import dataclass

HASH_BYTES = 32


@dataclass(frozen=True)
class Source:
    """A table of rows with one or more hashes each, in SQL over the table's alias t.

    The hash number n of the row with key `id` has the identity `id * per_row + n`. hashes: a bytea with a row's
    hashes one after the other. is_searched: which rows are indexed; it must not change but by an update that the
    trigger `slate_written_by` sees. is_living: which of these may be returned; it may change at any time. The table
    has a column `written_by`, with an index. is_probed: a GIN index over `slate_pdq_keys(pdq)` exists.
    segments_from: as many hashes are put into segments; fewer are searched without.
    """

    name: str
    table: str
    hashes: str
    per_row: int
    is_searched: str
    is_living: str
    is_probed: bool
    segments_from: int

    @property
    def one_hash(self) -> str:
        """The hash number `wanted.number`, as a bytea; of no length where there is none."""
        if self.per_row == 1:
            return self.hashes
        return f"substring({self.hashes} FROM {HASH_BYTES} * wanted.number + 1 FOR {HASH_BYTES})"


# Of a withdrawn or quarantined work nothing is returned; takes are always there. One lookup per row that is near: as an
# EXISTS the planner, which expects many such rows, reads all works instead.
OF_A_LIVING_THING = """coalesce(
    (SELECT work.status = 'active' FROM references_work work WHERE work.id = t.work_id), t.work_id IS NULL)"""
FEATURES_PER_KEYFRAME = 128


def frames(segments_from: int) -> Source:
    """The PDQ hashes of `Fingerprint`; a row's identity is its primary key."""
    return Source(
        name="frames",
        table="references_fingerprint",
        # As PostgreSQL sends bit(256): four bytes say how many bits there are.
        hashes="substring(bit_send(t.pdq) FROM 5)",
        per_row=1,
        is_searched="t.quality >= 50",
        is_living=OF_A_LIVING_THING,
        is_probed=True,
        segments_from=segments_from,
    )


def features(segments_from: int) -> Source:
    """The ORB descriptors of `Keyframe`: identity is primary key x 128 + number of the descriptor."""
    return Source(
        name="features",
        table="references_keyframe",
        hashes=f"substring(t.descriptors FROM 1 FOR {HASH_BYTES * FEATURES_PER_KEYFRAME})",
        per_row=FEATURES_PER_KEYFRAME,
        is_searched="TRUE",
        is_living=OF_A_LIVING_THING,
        is_probed=False,
        segments_from=segments_from,
    )
