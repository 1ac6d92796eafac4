"""Chooses how strongly a shot is marked: as little as its test copy allows, and never more than its quality bears."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from provenance.quality import QualityMeter, VmafResult, ssim, vmaf
from provenance.quality.measures import SSIM_WINDOW
from provenance.watermark.embed import Embedder
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.mask import CEILING, Cells, Mask
from provenance.watermark.profiles import Profile, small_picture_allowance_db
from provenance.watermark.proxy import ProxyReading, read_proxy, streaming_copy

AIM_MARGIN_DB = 4.0  # a test copy is read even if the mark were this much fainter
ENOUGH_MARGIN_DB = 1.5
_AIM_Z = 9.0
_MAX_PROXIES = 3
_MAX_SSIM_STEPS = 3
_SMALL_PICTURE_SSIM = 0.005
_VMAF_EVERY = 4
_ROUNDING_POWER = 1 / 12
_MEASURED_FRAMES = 16
_MASKED_FRAMES = 8
# Beyond the first, flat and dark pictures show grain to a close look although their PSNR is high; beyond the second, to
# anybody. Between them only where the test copy would be lost otherwise.
_QUIET_FACTOR, _LARGEST_FACTOR = 1.7, 2.3

Luma = NDArray[np.uint8]


@dataclass(frozen=True)
class Bounds:
    """Strengths between which a shot may be marked: faintest, usual, strongest."""

    faintest: float
    usual: float
    strongest: float

    def at_most(self, limit: float) -> "Bounds":
        """The same, none above `limit`."""
        return Bounds(min(self.faintest, limit), min(self.usual, limit), min(self.strongest, limit))


@dataclass(frozen=True)
class Quality:
    """Marked against unmarked luma of a probe.

    vmaf_of_itself: what VMAF gives the unmarked probe compared with itself, often below 100 where little moves.
    """

    psnr_db: float
    ssim: float | None
    vmaf: VmafResult
    vmaf_of_itself: float | None


@dataclass(frozen=True)
class Strength:
    """The factor to mark a shot with, and what a probe of it showed.

    limit: the largest factor that the floors of PSNR and SSIM allow.
    """

    factor: float
    limit: float
    quality: Quality
    proxy: ProxyReading

    @property
    def has_headroom(self) -> bool:
        """Whether the floors leave room for at least 1 dB more."""
        return self.limit > 1.12 * self.factor


def choose_strength(
    probe: Sequence[Luma], key: WatermarkKey, payload: Payload, fps: Fraction, profile: Profile
) -> Strength:
    """Marks, copies and reads back the first second or so of a shot until the strength suits it.

    probe: (H, W) uint8 luma of neighbouring frames from the beginning of the shot, at least one. PSNR and SSIM
    never fall below the profile's floor. Within it the mark is as faint as a copy at `profile.proxy_crf` that is
    still read with a margin of 4 dB allows; fainter, down to a margin of 1.5 dB, where VMAF asks for it, because
    endurance goes before VMAF. Raises PictureShape, EncodingFailed, ValueError without a frame.
    """
    if not probe:
        raise ValueError("a strength needs at least one frame")
    return _Choice(probe, key, payload, fps, profile).make()


def strongest(chosen: Strength) -> Strength:
    """The same shot at the most its floors allow, for a second pass where the first was not read."""
    return replace(chosen, factor=chosen.limit)


class _Choice:
    """One search; every strength tried is marked, copied and measured once."""

    def __init__(
        self, probe: Sequence[Luma], key: WatermarkKey, payload: Payload, fps: Fraction, profile: Profile
    ) -> None:
        self._probe, self._key, self._payload, self._fps, self._profile = probe, key, payload, fps, profile
        self._readings: dict[float, ProxyReading] = {}
        self._of_itself: VmafResult | None = None

    def make(self) -> Strength:
        bounds = bounds_of(self._probe, self._profile)
        limit = self._limit(bounds.strongest)
        bounds = bounds.at_most(limit)
        factor = bounds.usual
        while factor not in self._readings and len(self._readings) < _MAX_PROXIES:
            self._read_at(factor)
            factor = next_factor(self._readings, bounds)
        factor = best_factor(self._readings)
        quality = self._measure(factor)
        fainter = fainter_for_vmaf(factor, self._readings[factor], quality, self._profile)
        if fainter < factor and is_safe(self._read_at(fainter)):
            factor, quality = fainter, self._measure(fainter)
        return Strength(factor, limit, quality, self._readings[factor])

    def _limit(self, factor: float) -> float:
        """The largest factor up to this one with which SSIM holds its floor."""
        height, width = self._probe[0].shape
        floor = ssim_floor(self._profile, width, height)
        if min(height, width) < SSIM_WINDOW:
            return factor
        sampled = sorted({0, len(self._probe) // 2, len(self._probe) - 1})
        for _ in range(_MAX_SSIM_STEPS):
            marked = self._marked(factor)
            likeness = float(np.mean([ssim(self._probe[n], marked[n]) for n in sampled]))
            if likeness >= floor:
                break
            # What is missing to 1 grows about with the power of the mark.
            factor *= 0.98 * float(np.sqrt((1 - floor) / (1 - likeness)))
        return factor

    def _marked(self, factor: float) -> list[Luma]:
        height, width = self._probe[0].shape
        embedder = Embedder(
            self._key, self._payload, width, height, self._fps, profile=self._profile, strength=factor
        )
        return [embedder.mark(luma) for luma in self._probe]

    def _read_at(self, factor: float) -> ProxyReading:
        if factor not in self._readings:
            kind, marked = streaming_copy(self._profile), iter(self._marked(factor))
            self._readings[factor] = read_proxy(kind, marked, self._key, self._payload, self._fps)
        return self._readings[factor]

    def _measure(self, factor: float) -> Quality:
        pairs = list(zip(self._probe, self._marked(factor), strict=True))[:_MEASURED_FRAMES]
        meter = QualityMeter()
        for before, after in pairs:
            meter.add(before, after)
        if meter.psnr_db is None:
            raise ValueError("a strength needs at least one frame")
        if any(side % 2 for side in self._probe[0].shape):
            reason = "VMAF was not measured: the picture's sides are odd."
            return Quality(meter.psnr_db, meter.ssim, VmafResult(None, reason), None)
        if self._of_itself is None:
            self._of_itself = vmaf(((before, before) for before, _ in pairs), every=_VMAF_EVERY)
        score = vmaf(pairs, every=_VMAF_EVERY)
        return Quality(meter.psnr_db, meter.ssim, score, self._of_itself.score)


def bounds_of(probe: Sequence[Luma], profile: Profile) -> Bounds:
    """The strengths at which the probe comes out at the profile's ceiling, usual and floor PSNR on average.

    The embedder itself keeps single frames from falling far below the floor.
    """
    mask = Mask()
    allowed = [mask.amplitude(luma) for luma in probe[:: max(1, len(probe) // _MASKED_FRAMES)]]
    allowance_db = small_picture_allowance_db(probe[0].shape[1], probe[0].shape[0])

    def at(psnr_db: float, largest: float) -> float:
        wanted = 255.0**2 * 10 ** (-(psnr_db - allowance_db) / 10) - _ROUNDING_POWER
        return _factor_for(max(wanted, 1e-6), allowed, largest)

    faintest, usual = (at(psnr_db, _QUIET_FACTOR) for psnr_db in (profile.ceiling_psnr_db, profile.psnr_db))
    return Bounds(faintest, usual, at(profile.floor_psnr_db, _LARGEST_FACTOR))


def _factor_for(power: float, allowed: list[Cells], largest: float) -> float:
    """The factor up to `largest` at which these amplitudes, none above the ceiling, have this mean power."""
    low, high = 0.01, largest
    for _ in range(20):
        middle = float(np.sqrt(low * high))
        reached = float(np.mean([np.mean(np.square(np.minimum(one * middle, CEILING))) for one in allowed]))
        low, high = (middle, high) if reached < power else (low, middle)
    return low


def ssim_floor(profile: Profile, width: int, height: int) -> float:
    """The profile's floor, 0.005 less for pictures below 1280x720, which are marked more strongly."""
    return profile.floor_ssim - min(_SMALL_PICTURE_SSIM, small_picture_allowance_db(width, height) / 100)


def next_factor(readings: dict[float, ProxyReading], bounds: Bounds) -> float:
    """The strength to try after these: a strength tried already means that there is nothing more to learn."""
    safe = [factor for factor, reading in readings.items() if is_safe(reading)]
    lost = [factor for factor, reading in readings.items() if not is_safe(reading)]
    if not safe:
        return bounds.strongest
    lowest = min(safe)
    if lost:
        # A step of less than 1 dB is not worth another copy.
        return float(np.sqrt(lowest * max(lost))) if lowest > 1.25 * max(lost) else lowest
    spare_db = (readings[lowest].margin_db or 0.0) - AIM_MARGIN_DB
    if spare_db < 1.0:
        return lowest
    by_z = max(readings[lowest].z / _AIM_Z, 1.0)
    return max(lowest / min(10 ** (spare_db / 20), by_z), bounds.faintest)


def best_factor(readings: dict[float, ProxyReading]) -> float:
    """The faintest strength whose copy is safe; else the strongest that was tried."""
    safe = [factor for factor, reading in readings.items() if is_safe(reading)]
    return min(safe) if safe else max(readings)


def is_safe(reading: ProxyReading) -> bool:
    """Whether a copy is read with at least 1.5 dB to spare."""
    return reading.reads_message and reading.margin_db is not None and reading.margin_db >= ENOUGH_MARGIN_DB


def fainter_for_vmaf(factor: float, reading: ProxyReading, quality: Quality, profile: Profile) -> float:
    """The factor, lowered towards the profile's VMAF as far as the margin of the copy goes."""
    lost = lost_vmaf(quality)
    if lost is None or lost <= 100 - profile.floor_vmaf or not is_safe(reading):
        return factor
    spare_db = (reading.margin_db or 0.0) - ENOUGH_MARGIN_DB
    # A little less than there is to spare, because the margin of the next copy is not quite what this one's was.
    return factor * max((100 - profile.floor_vmaf) / lost, 10 ** (-0.8 * spare_db / 20))


def lost_vmaf(quality: Quality) -> float | None:
    """What the mark took away; None without VMAF. An unmarked shot counts as 100, whatever VMAF says of it."""
    if quality.vmaf.score is None or quality.vmaf_of_itself is None:
        return None
    return max(quality.vmaf_of_itself - quality.vmaf.score, 0.0)


def note_on(reading: ProxyReading, chosen: Strength, profile: Profile) -> str:
    """Sentences on what falls short of the profile's aims; empty where nothing does."""
    notes = []
    if not is_safe(reading):
        state = "is read only just" if reading.reads_message else "is not read"
        notes.append(f"The mark {state} in a copy of the take at CRF {reading.kind.crf}.")
        if not chosen.has_headroom:
            notes.append("A stronger one would cost more quality than the profile allows.")
    lost = lost_vmaf(chosen.quality)
    if lost is None:
        notes.append(chosen.quality.vmaf.reason)
    elif lost > 100 - profile.floor_vmaf:
        notes.append(f"It takes {lost:.1f} off VMAF: a fainter one would not outlast that copy.")
    return " ".join(notes)
