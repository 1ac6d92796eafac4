"""Lays the hashes of every frame of two clips beside each other along a line in time, and finds where they agree."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from provenance.fingerprint.contents import MIN_SEARCHED_QUALITY, Track
from provenance.fingerprint.matching.lines import Line
from provenance.fingerprint.matching.motion import LAG_S, STEP_S, Motion, motion_of

# A frame this far from its counterpart says nothing for or against: edits of a copy reach up to here.
_NEUTRAL_BITS = 60.0
_MARGIN_BITS = 22.0
_LOWEST_NEUTRAL_BITS = 26.0
_SWITCH_COST_S = 0.5
_SAME_BITS_WHERE_FLAT = 40
_FLAT_SHARE = 0.2
_AVERAGED_S = 0.12
_MAX_FRAMES_FITTED = 160
# Beyond this frames are simply different: how different must not weigh on a mean.
FARTHEST_BITS = 96.0
_FIT_REACH_S = 0.4
_FIT_STEPS = 9
_FIT_ROUNDS = 4
# Slower or faster than this nobody shows a film; a line that stands still fits any picture that does.
_SLOWEST, _FASTEST = 0.45, 2.2


class Timeline:
    """A track prepared for looking up moments; frames below quality `plain_below` say little for or against."""

    def __init__(self, track: Track, duration_s: float, plain_below: int = MIN_SEARCHED_QUALITY) -> None:
        self.times_s = track.times_s
        self.hashes = track.hashes
        self.duration_s = duration_s
        self.is_plain = track.qualities < plain_below
        self._words = np.ascontiguousarray(track.hashes).view(np.uint64).reshape(len(track.hashes), -1)

    def __len__(self) -> int:
        return len(self.times_s)

    @cached_property
    def frame_s(self) -> float:
        """Seconds between frames: their median."""
        return float(np.median(np.diff(self.times_s))) if len(self) > 1 else self.duration_s

    def shown_at(self, times_s: NDArray[np.float64]) -> NDArray[np.intp]:
        """The number of the frame on screen at each time; the first or last where it lies outside."""
        found = np.searchsorted(self.times_s, times_s + 1e-4, side="right") - 1
        return np.clip(found, 0, len(self) - 1)

    def around(self, times_s: NDArray[np.float64], width_s: float) -> "Moments":
        """The bits on screen around each time, averaged over `width_s`, which evens out coding noise."""
        first = self.shown_at(times_s - width_s / 2)
        last = self.shown_at(times_s + width_s / 2)
        total = self._summed[last + 1] - self._summed[first]
        return Moments(total / (last + 1 - first)[:, None], self.is_plain[self.shown_at(times_s)])

    @cached_property
    def _summed(self) -> NDArray[np.float32]:
        """Row n: how often each bit is set in the first n frames."""
        bits = np.unpackbits(self.hashes, axis=1)
        return np.vstack(
            [np.zeros((1, bits.shape[1]), np.float32), np.cumsum(bits, axis=0, dtype=np.float32)]
        )

    def covers(self, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether anything is shown at each time."""
        return (times_s >= -1e-3) & (times_s < self.duration_s - 1e-3)

    def within(self, start_s: float, end_s: float) -> NDArray[np.intp]:
        """The numbers of the frames from `start_s` to `end_s`, both included."""
        return np.flatnonzero((self.times_s >= start_s - 1e-6) & (self.times_s <= end_s + 1e-6))

    def telling_within(self, start_s: float, end_s: float) -> NDArray[np.intp]:
        """Those of them that are not flat; all where fewer than three are not."""
        inside = self.within(start_s, end_s)
        telling = inside[~self.is_plain[inside]]
        return telling if len(telling) >= 3 else inside

    def distances(
        self, own: NDArray[np.intp], other: "Timeline", others: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Bits that differ between own frames and others, which may broadcast against each other."""
        differing = np.bitwise_count(self._words[own] ^ other._words[others])
        return np.asarray(differing.sum(-1, dtype=np.int64), np.float64)


@dataclass(frozen=True)
class Moments:
    """bits: (n, 256) float32, 0 to 1. is_plain: (n,) bool, moments that say little."""

    bits: NDArray[np.float32]
    is_plain: NDArray[np.bool_]


@dataclass(frozen=True)
class Stretch:
    """Frames first to last (inclusive) of the query that agree with the reference along `line`."""

    first: int
    last: int
    line: Line
    mean_distance: float


def fitted(
    query: Timeline, reference: Timeline, start_s: float, end_s: float, line: Line
) -> tuple[Line, float]:
    """The line nearby on which the frames from `start_s` to `end_s` agree best, and their mean distance in bits.

    Both ends of the stretch are moved by up to 0.4 s in ever smaller steps; where it makes less than half a frame of
    difference at either end the natural speed is kept.
    """
    numbers = _spread(query, start_s, end_s)
    if len(numbers) == 0:
        return line, 256.0
    times = query.times_s[numbers]
    first_s, last_s = float(times[0]), float(times[-1])
    length_s = max(last_s - first_s, query.frame_s)
    ends = np.array([line.speed * first_s + line.offset_s, line.speed * (first_s + length_s) + line.offset_s])
    share = (times - first_s) / length_s
    reach_s, best = _FIT_REACH_S * max(1.0, line.speed), 256.0
    for _ in range(_FIT_ROUNDS):
        steps = np.linspace(-reach_s, reach_s, _FIT_STEPS)
        moves = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
        moves = moves[np.argsort(np.abs(moves).sum(1), kind="stable")]
        tried = ends + moves
        at = tried[:, :1] * (1 - share) + tried[:, 1:] * share
        bits = np.minimum(query.distances(numbers[None, :], reference, reference.shown_at(at)), FARTHEST_BITS)
        bits[~reference.covers(at)] = FARTHEST_BITS
        speeds = (tried[:, 1] - tried[:, 0]) / length_s
        bits[(speeds < _SLOWEST) | (speeds > _FASTEST)] = 256.0
        means = bits.mean(1)
        chosen = int(means.argmin())
        best, ends = float(means[chosen]), tried[chosen]
        reach_s *= 2.2 / (_FIT_STEPS - 1)
    speed = float(ends[1] - ends[0]) / length_s
    return Line(speed, float(ends[0]) - speed * first_s), best


def agreeing(
    query: Timeline, reference: Timeline, line: Line, core: float, start_s: float, end_s: float
) -> list[Stretch]:
    """The stretches along `line`, within query seconds `start_s` to `end_s`, in which frames agree.

    `core` is the mean distance where agreement is certain: a frame counts against when it is 22 bits farther.
    A change between agreeing and not costs half a second of the contrary, so that single frames do not split.
    """
    numbers = query.within(start_s, end_s)
    at = line.at(query.times_s[numbers])
    numbers, at = numbers[reference.covers(at)], at[reference.covers(at)]
    if len(numbers) == 0:
        return []
    others = reference.shown_at(at)
    bits = query.distances(numbers, reference, others)
    neutral = float(np.clip(core + _MARGIN_BITS, _LOWEST_NEUTRAL_BITS, _NEUTRAL_BITS))
    gain = np.clip((neutral - bits) / _MARGIN_BITS, -2.0, 1.0)
    is_plain = query.is_plain[numbers] | reference.is_plain[others]
    gain[is_plain] = np.where(bits[is_plain] <= _SAME_BITS_WHERE_FLAT, _FLAT_SHARE, -_FLAT_SHARE)
    stretches = []
    # A clip of a few frames, or of one, is too short to pay the usual price.
    cost = min(_SWITCH_COST_S / query.frame_s, len(gain) / 4)
    for first, last in _runs(gain, cost):
        inside = bits[first : last + 1]
        stretches.append(Stretch(int(numbers[first]), int(numbers[last]), line, float(inside.mean())))
    return stretches


def motion_along(query: Timeline, reference: Timeline, stretch: Stretch) -> Motion:
    """How far what changes within the stretch changes alike on both sides."""
    start_s, end_s = float(query.times_s[stretch.first]), float(query.times_s[stretch.last])
    # A lag of a quarter of a second on both sides: less of slow motion would be the same frame twice.
    lag_s = LAG_S / min(1.0, stretch.line.speed)
    moments = query.times_s[query.shown_at(np.arange(start_s, end_s - lag_s + 1e-6, STEP_S))]
    later = query.times_s[query.shown_at(moments + lag_s)]
    own = [query.around(times_s, _AVERAGED_S) for times_s in (moments, later)]
    speed = stretch.line.speed
    others = [reference.around(stretch.line.at(times_s), _AVERAGED_S * speed) for times_s in (moments, later)]
    tells = ~(own[0].is_plain | own[1].is_plain | others[0].is_plain | others[1].is_plain)
    return motion_of(own[1].bits[tells] - own[0].bits[tells], others[1].bits[tells] - others[0].bits[tells])


def _spread(query: Timeline, start_s: float, end_s: float) -> NDArray[np.intp]:
    """At most 160 frames of the query, evenly over the stretch, none of them flat where that can be helped."""
    kept = query.telling_within(start_s, end_s)
    if len(kept) <= _MAX_FRAMES_FITTED:
        return kept
    return kept[np.linspace(0, len(kept) - 1, _MAX_FRAMES_FITTED).round().astype(np.intp)]


def _runs(gain: NDArray[np.float64], switch_cost: float) -> list[tuple[int, int]]:
    """First and last of every run that the best labelling calls agreeing: Viterbi over two states.

    A frame called agreeing earns its gain, one called different the contrary; every change costs `switch_cost`.
    """
    total_in, total_out = -switch_cost, 0.0
    from_out, from_in = np.zeros(len(gain), bool), np.zeros(len(gain), bool)
    for number, earned in enumerate(gain.tolist()):
        enters, leaves = total_out - switch_cost, total_in - switch_cost
        from_out[number], from_in[number] = enters > total_in, leaves > total_out
        total_in, total_out = max(total_in, enters) + earned, max(total_out, leaves) - earned
    is_in = np.zeros(len(gain), bool)
    inside = total_in > total_out
    for number in range(len(gain) - 1, -1, -1):
        is_in[number] = inside
        if inside and from_out[number]:
            inside = False
        elif not inside and from_in[number]:
            inside = True
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_in, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)]
