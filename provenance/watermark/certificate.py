"""What was measured while a take was marked: its quality, and which copies of it are still read."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from provenance.quality import QualityMeter
from provenance.watermark.keys import Payload, WatermarkKey
from provenance.watermark.profiles import Profile, small_picture_allowance_db
from provenance.watermark.proxy import PHONE_UPLOAD, ProxyReader, ProxyReading, streaming_copy
from provenance.watermark.strength import Strength, note_on

_STRETCH_S = 2.0
_MEASURED_FRAMES = 64


@dataclass(frozen=True)
class Certificate:
    """What a marked take is known to bear.

    strength: factor on what the picture can bear, at most; psnr_db, worst_psnr_db, ssim: of `measured_frames`
    frames over the whole take, before encoding; vmaf: of the take's first frames, None where it cannot be
    measured, and vmaf_of_itself what VMAF gives unmarked frames compared with themselves. proxies: copies made of
    up to 4 s of the take, the one that decides first. headroom: whether more strength would still be within the
    quality floor. note: what people should know, empty where all is well.
    """

    profile: str
    strength: float
    psnr_db: float
    worst_psnr_db: float
    psnr_floor_db: float
    ssim: float | None
    vmaf: float | None
    vmaf_of_itself: float | None
    proxies: tuple[ProxyReading, ...]
    measured_frames: int
    headroom: bool
    note: str

    @property
    def is_read(self) -> bool:
        """Whether the copy that decides was read."""
        return self.proxies[0].reads_message

    def as_dict(self) -> dict[str, object]:
        """JSON-able; infinite PSNR (nothing was changed) becomes None."""
        deciding = self.proxies[0]
        return {
            "profile": self.profile,
            "strength": round(self.strength, 4),
            "psnr_db": _finite(self.psnr_db),
            "worst_psnr_db": _finite(self.worst_psnr_db),
            "psnr_floor_db": round(self.psnr_floor_db, 2),
            "ssim": _rounded(self.ssim, 4),
            "vmaf": _rounded(self.vmaf, 2),
            "vmaf_of_itself": _rounded(self.vmaf_of_itself, 2),
            "proxies": [proxy.as_dict() for proxy in self.proxies],
            "proxy_crf": deciding.kind.crf,
            "proxy_z": round(deciding.z, 2),
            "proxy_reads_message": deciding.reads_message,
            "margin_db": _rounded(deciding.margin_db, 2),
            "measured_frames": self.measured_frames,
            "headroom": self.headroom,
            "note": self.note,
        }


class Witness:
    """Sees every frame of a take before and after it is marked, and writes the certificate at the end.

    It measures at most 64 frames, and copies at most the first 2 s and the 2 s in the middle. Memory does not
    grow with the length.
    """

    def __init__(
        self,
        strength: Strength,
        profile: Profile,
        key: WatermarkKey,
        payload: Payload,
        size: tuple[int, int],
        fps: Fraction,
        duration_frames: int,
    ) -> None:
        self._strength, self._profile, self._fps = strength, profile, fps
        self._allowance_db = small_picture_allowance_db(*size)
        self._meter = QualityMeter(every=-(-duration_frames // _MEASURED_FRAMES))
        kinds = (streaming_copy(profile), PHONE_UPLOAD)
        self.readers = [ProxyReader(kind, key, payload, *size, fps) for kind in kinds]
        stretch = max(1, round(_STRETCH_S * fps))
        middle = max(stretch, (duration_frames - stretch) // 2)
        self._copied = (range(0, stretch), range(middle, middle + stretch))
        self._frames = 0

    def add(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
        """Takes one frame of (H, W) uint8 luma, unmarked and marked. Raises PictureShape, EncodingFailed."""
        self._meter.add(before, after)
        if any(self._frames in stretch for stretch in self._copied):
            for reader in self.readers:
                reader.add(after, float(self._frames / self._fps))
        self._frames += 1

    def certificate(self) -> Certificate:
        """To be called once, after the last frame. Raises ValueError when there was none."""
        psnr_db, worst_psnr_db = self._meter.psnr_db, self._meter.worst_psnr_db
        if psnr_db is None or worst_psnr_db is None:
            raise ValueError("a certificate needs at least one frame")
        proxies = tuple(reader.read() for reader in self.readers)
        chosen = self._strength
        return Certificate(
            profile=self._profile.name,
            strength=chosen.factor,
            psnr_db=psnr_db,
            worst_psnr_db=worst_psnr_db,
            psnr_floor_db=self._profile.floor_psnr_db - self._allowance_db,
            ssim=self._meter.ssim,
            vmaf=chosen.quality.vmaf.score,
            vmaf_of_itself=chosen.quality.vmaf_of_itself,
            proxies=proxies,
            measured_frames=self._meter.measured_frames,
            headroom=chosen.has_headroom,
            note=note_on(proxies[0], chosen, self._profile),
        )


def _finite(value: float) -> float | None:
    return round(value, 2) if np.isfinite(value) else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
