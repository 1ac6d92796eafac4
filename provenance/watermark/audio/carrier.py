"""A key's secrets on the cells of one tile of sound: which carry the pilot, which which code bit, and their signs."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from provenance.watermark.audio.grid import BANDS, SLOTS
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.message import code_bits
from provenance.watermark.polar import CODE_BITS

CELLS = SLOTS * BANDS
CELLS_PER_BIT = 11
PILOT_CELLS = CELLS - CODE_BITS * CELLS_PER_BIT
PILOT = CODE_BITS  # stands in `bit_of` for cells that carry no code bit
_GROUP = CELLS // CODE_BITS
_T = TypeVar("_T", np.float32, np.intp)


@dataclass(frozen=True)
class Carriers:
    """sign: (SLOTS, BANDS) +1 or -1. bit_of: (SLOTS, BANDS) code bit of each cell, PILOT where it carries the pilot.

    The pilot's signs are uniform and independent of everything else; the bound on false positives rests on that.
    """

    sign: NDArray[np.float32]
    bit_of: NDArray[np.intp]

    @property
    def pilot(self) -> NDArray[np.float32]:
        """(SLOTS, BANDS) signs of the pilot, 0 on cells of data."""
        return np.where(self.bit_of == PILOT, self.sign, np.float32(0))


@lru_cache(maxsize=64)
def carriers(key: WatermarkKey) -> Carriers:
    """Derives the cells of a key. Each code bit gets 11 cells, one in each eleventh of the frequency range."""
    places = key.stream("audio-sync", 2 * CELLS)
    # In every 15 neighbours along time, four cells of the key's choice carry the pilot.
    rank = np.argsort(places[:CELLS].reshape(-1, _GROUP), axis=1, kind="stable").argsort(axis=1)
    is_data = (rank < CELLS_PER_BIT).reshape(-1)
    draws = key.stream("audio-spread", 2 * CODE_BITS * CELLS_PER_BIT)
    order, coins = draws[: CODE_BITS * CELLS_PER_BIT], draws[CODE_BITS * CELLS_PER_BIT :]
    by_band = np.full(CELLS, PILOT, dtype=np.intp)
    by_band[is_data] = np.argsort(order.reshape(CELLS_PER_BIT, CODE_BITS), axis=1, kind="stable").reshape(-1)
    signs = _signs(places[CELLS:])
    signs[is_data] = _signs(coins)
    return Carriers(_as_tile(signs), _as_tile(by_band))


def tile(key: WatermarkKey, payload: Payload) -> NDArray[np.float32]:
    """The (SLOTS, BANDS) pattern of +1 and -1 that a payload turns the cells of a key into."""
    secret = carriers(key)
    # The pilot's cells read the 0 that stands behind the code.
    flips = np.append(code_bits(key, payload), 0)[secret.bit_of]
    pattern: NDArray[np.float32] = secret.sign * (1 - 2 * flips.astype(np.float32))
    return pattern


def soft_bits(folded: NDArray[np.float32], secret: Carriers) -> NDArray[np.float64]:
    """(256,) log-likelihood ratios up to a factor, positive for 0, from a tile (SLOTS, BANDS) in its right place."""
    votes = np.bincount(
        secret.bit_of.reshape(-1), weights=(folded * secret.sign).reshape(-1), minlength=CODE_BITS + 1
    )
    ratios: NDArray[np.float64] = votes[:CODE_BITS].astype(np.float64, copy=False)
    return ratios


def _signs(draws: NDArray[np.uint64]) -> NDArray[np.float32]:
    signs: NDArray[np.float32] = 1 - 2 * (draws & np.uint64(1)).astype(np.float32)
    return signs


def _as_tile(by_band: NDArray[_T]) -> NDArray[_T]:
    return np.ascontiguousarray(by_band.reshape(BANDS, SLOTS).T)
