"""What an attacker learns by averaging one marked clip: how like the tile the average is, and what subtracting it does.

The attacker knows the method and the size of the tile, not the key.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.watermark_cache import CACHE, code_of_module, digest, discard_older, recall, remember
from benchmarks.watermark_clips import BY_NAME
from benchmarks.watermark_codecs import encode
from benchmarks.watermark_trials import DETECT_CODE, KEY, MASTER, decoded, master, payload_of, watch
from provenance.media import Picture
from provenance.watermark.carrier import SEGMENT_S, TILE, tile, variant_at

_BLUR_SIGMA = 4.0
_LIMIT = 2.5
GAINS = (0.5, 1.0, 1.5)
_OWN_CODE = code_of_module(Path(__file__).resolve())

Tile = NDArray[np.float64]


def averaging_trial(name: str) -> dict[str, Any]:
    """Averages one 5 s master, whole and per segment, and subtracts the average from it again."""
    clip = BY_NAME[name]
    path = master(clip, 5.0, "clean")
    identity = digest(path.name, DETECT_CODE, _OWN_CODE)
    kept = recall("averaging", identity)
    if kept is None:
        by_segment = _averages(path, float(clip.fps))
        whole: Tile = np.sum(list(by_segment.values()), axis=0)
        payload = payload_of(clip)
        true = {segment: tile(KEY, payload, variant_at(segment * SEGMENT_S)) for segment in by_segment}
        kept = {
            "whole_clip": median(_alike(whole, one) for one in true.values()),
            "per_segment": median(_alike(by_segment[segment], one) for segment, one in true.items()),
        }
        for gain in GAINS:
            cleaned = CACHE / "cleaned" / f"{name}-{gain}-{identity}.mp4"
            pictures = _subtracted(path, whole, gain)
            encode(pictures, clip.fps, cleaned, MASTER)
            discard_older(cleaned)
            found = watch(cleaned).detect([KEY])
            kept[f"subtracted_{gain:g}"] = (
                "message" if found and found[0].payload == payload else ("presence" if found else "nothing")
            )
        remember("averaging", identity, kept)
    return {"clip": name} | kept


def _averages(path: Path, fps: float) -> dict[int, Tile]:
    """Per segment of the clip the (TILE, TILE) sum of what is left of the frames after smoothing, folded."""
    sums: dict[int, Tile] = {}
    for number, frame in enumerate(decoded(path)):
        luma: Any = Picture(frame).luma.astype(np.float32)
        rest = luma - cv2.GaussianBlur(luma, (0, 0), _BLUR_SIGMA)
        rest /= np.sqrt(np.maximum(cv2.blur(rest * rest, (17, 17)), 0)) + 2
        folded = _folded(np.clip(rest, -_LIMIT, _LIMIT))
        segment = int(number / fps / SEGMENT_S + 1e-9)
        sums[segment] = sums.get(segment, np.zeros((TILE, TILE))) + folded
    return sums


def _folded(plane: Any) -> Tile:
    height, width = (-(-side // TILE) * TILE for side in plane.shape)
    padded = np.zeros((height, width))
    padded[: plane.shape[0], : plane.shape[1]] = plane
    return padded.reshape(height // TILE, TILE, width // TILE, TILE).sum(axis=(0, 2))


def _alike(estimate: Tile, true: NDArray[np.float32]) -> float:
    return float(np.corrcoef(estimate.ravel(), true.ravel())[0, 1])


def _subtracted(path: Path, estimate: Tile, gain: float) -> Any:
    """The clip less the estimate, as strong as `gain` times a mark at 46 dB would be."""
    unit = (estimate - estimate.mean()) / estimate.std()
    strength = gain * 255 * 10 ** (-46 / 20)
    pattern: Any = None
    for frame in decoded(path):
        picture = Picture(frame)
        height, width = picture.luma.shape
        if pattern is None:
            tiled = np.tile(unit, (height // TILE + 1, width // TILE + 1))[:height, :width]
            pattern = (strength * tiled).astype(np.float32)
        picture.luma = np.clip(np.rint(picture.luma - pattern), 0, 255).astype(np.uint8)
        yield picture


def summarise(trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the clips, and how many still gave their message after the subtraction."""
    summary: dict[str, Any] = {"clips": len(trials)}
    for figure in ("whole_clip", "per_segment"):
        summary[figure] = median(trial[figure] for trial in trials)
    summary["left_after_subtraction"] = {}
    for gain in GAINS:
        outcomes = [trial[f"subtracted_{gain:g}"] for trial in trials]
        summary["left_after_subtraction"][f"{gain:g}"] = {
            outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))
        }
    return summary
