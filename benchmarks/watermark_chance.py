"""Counts false findings on unmarked contents with random keys, and compares chance with the bound that is promised."""

import hashlib
from collections.abc import Sequence
from math import exp
from typing import Any

import numpy as np

from benchmarks.watermark_cache import code_of_function, digest, recall, remember
from benchmarks.watermark_clips import BY_NAME
from benchmarks.watermark_rows import ROW_BY_NAME
from benchmarks.watermark_trials import DETECT_CODE, Trial, attacked, master, source, watch
from provenance.media import read_frames
from provenance.watermark import KIND_TEST, IssuedMessages, Payload, WatermarkKey
from provenance.watermark.carrier import TILE, carriers
from provenance.watermark.hypotheses import Looks
from provenance.watermark.residual import Accumulator, residual
from provenance.watermark.sync import Pilots

KEYS_PER_CONTENT = 100
KEYS_SEARCHED = 1  # of them; a whole search takes seconds for every key
ISSUED = 10_000
ROWS = ("h264-23", "crop-50", "jpeg-50", "chain")
LEVELS_Z = (4.5, 5.0, 5.5, 6.0, 6.5, 7.0)
_FRAME_S = 1 / 25


def contents(clips: Sequence[str]) -> list[tuple[str, str, bool]]:
    """(clip, row, whether the benchmark's key marked it): every unmarked clip under four rows, and four marked ones."""
    return [(clip, row, False) for clip in clips for row in ROWS] + [
        (clip, "h264-23", True) for clip in clips[:4]
    ]


def chance_trial(clip_name: str, row_name: str, is_marked: bool, count: int) -> dict[str, Any]:
    """Looks for `count` random keys in one content: all at the common scales, a few by whole searches."""
    clip, row = BY_NAME[clip_name], ROW_BY_NAME[row_name]
    original = master(clip, row.seconds, row.profile) if is_marked else source(clip, row.seconds)
    trial = Trial(clip_name, row_name, row.parts[len(row.parts) // 2])
    path = attacked(trial, original, min(row.seconds, clip.longest_s), "marked" if is_marked else "unmarked")
    identity = digest(path.name, DETECT_CODE, count, code_of_function(chance_trial))
    kept = recall("chance", identity)
    if kept is None:
        keys = [_random_key(f"{path.stem} {number}") for number in range(count)]
        searched = keys[:KEYS_SEARCHED]
        numbers = np.random.default_rng(1).integers(0, 2**63, ISSUED)
        payloads = [Payload(int(number), KIND_TEST) for number in numbers]
        issued = {key.key_id: IssuedMessages(key, payloads) for key in searched}
        found = watch(path).detect(searched, issued)
        highest, hypotheses = _highest_z(path, keys)
        kept = {
            "keys": count,
            "searched": len(searched),
            "found": [(one.key_id, one.z, one.payload is not None) for one in found],
            "z": highest,
            "hypotheses": hypotheses,
        }
        remember("chance", identity, kept)
    return {"clip": clip_name, "row": row_name, "is_marked": is_marked} | kept


def _random_key(label: str) -> WatermarkKey:
    return WatermarkKey(label, hashlib.sha256(label.encode()).digest())


def _highest_z(path: Any, keys: Sequence[WatermarkKey]) -> tuple[list[float], int]:
    """For every key the highest z of its pilot in the detector's first stage, and over how many geometries."""
    accumulator = Accumulator()
    for frame in read_frames(path, threads=1):
        if accumulator.wants(frame.time_s, is_key=frame.is_key):
            accumulator.add(residual(frame.luma), frame.time_s, _FRAME_S)
    pilots = Pilots([carriers(key) for key in keys])
    highest, geometries = np.zeros(len(keys)), 0
    for _source, _view, whitened in next(iter(Looks(accumulator).stages())):
        geometries += len(pilots) // len(keys)
        for peak in pilots.best(whitened, len(pilots)):
            highest[peak.secret] = max(highest[peak.secret], peak.z)
    return [round(z, 3) for z in highest.tolist()], geometries


def summarise(trials: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Trials, false findings, and how often chance passed each level against what the bound allows."""
    zs = np.concatenate([np.array(trial["z"]) for trial in trials])
    levels = []
    for level in LEVELS_Z:
        allowed = sum(
            trial["keys"] * min(1.0, trial["hypotheses"] * TILE**2 * exp(-(level**2) / 2)) for trial in trials
        )
        levels.append({"z": level, "observed": int((zs > level).sum()), "bound": allowed})
    return {
        "contents": len(trials),
        "trials": len(zs),
        "searches": sum(trial["searched"] for trial in trials),
        "false_findings": sum(len(trial["found"]) for trial in trials),
        "false_messages": sum(is_read for trial in trials for _, _, is_read in trial["found"]),
        "z_median": float(np.median(zs)),
        "z_highest": float(zs.max()),
        "levels": levels,
    }
