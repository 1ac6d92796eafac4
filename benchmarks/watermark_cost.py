"""What the mark costs: time, memory, bitrate and quality, measured on the benchmark's clips.

    python benchmarks/watermark_cost.py embed|detect FILE

prints the peak memory in MiB of one such pass over a file; the benchmark runs it in a process of its own.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.watermark_cache import digest, recall, remember  # noqa: E402 (needs the path above)
from benchmarks.watermark_clips import BY_NAME, Clip  # noqa: E402
from benchmarks.watermark_codecs import Encoding, encode  # noqa: E402
from benchmarks.watermark_trials import (  # noqa: E402
    EMBED_CODE,
    KEY,
    MASTER,
    Trial,
    attacked,
    decoded,
    marked_pictures,
    master,
    payload_of,
    source,
    strength_of,
    watch,
)
from provenance.media import Picture  # noqa: E402
from provenance.quality import QualityMeter, vmaf  # noqa: E402
from provenance.watermark import Embedder  # noqa: E402
from provenance.watermark.profiles import PROFILES  # noqa: E402

DELIVERY = Encoding("h264", 23, "fast")
LENGTHS_S = (5, 60)
_VMAF_EVERY = 3
_FRAMES_TIMED = 100


def quality_of(name: str, profile: str) -> dict[str, Any]:
    """Luma PSNR, SSIM and VMAF of the marked frames before any encoding, and bytes at CRF 23 over the unmarked ones."""
    clip = BY_NAME[name]
    clean = source(clip, 5.0)
    strength = strength_of(clip, profile)
    identity = digest(clean.name, EMBED_CODE, profile, DELIVERY, _VMAF_EVERY, round(strength, 4))
    kept = recall("quality", identity)
    if kept is None:
        meter = QualityMeter()
        for before, after in _pairs(clip, clean, profile):
            meter.add(before, after)
        seen = vmaf(_pairs(clip, clean, profile), every=_VMAF_EVERY)
        marked = marked_pictures(clean, clip, profile)
        kept = {
            "strength": strength,
            "psnr_db": meter.psnr_db,
            "ssim": meter.ssim,
            "vmaf": seen.score,
            "vmaf_reason": seen.reason,
            "bitrate_ratio": _encoded_bytes(marked, clip.fps) / _encoded_bytes(decoded(clean), clip.fps),
        }
        remember("quality", identity, kept)
    return {"clip": name, "profile": profile} | kept


def _pairs(clip: Clip, clean: Path, profile: str) -> Iterator[Any]:
    marked = marked_pictures(clean, clip, profile)
    for before, after in zip(decoded(clean), marked, strict=True):
        yield Picture(before).luma, after.luma


def _encoded_bytes(pictures: Iterable[Any], fps: Fraction) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "delivery.mp4"
        encode(pictures, fps, path, DELIVERY)
        return path.stat().st_size


def speeds(names: Sequence[str]) -> dict[str, Any]:
    """Frames marked per second, and seconds to detect in files of 5 s; alone on the machine, all cores allowed."""
    embed_fps, marked_s, attacked_s, unmarked_s = [], [], [], []
    for name in names:
        clip = BY_NAME[name]
        clean = source(clip, 5.0)
        embed_fps.append(_embed_fps(clip, clean))
        marked = master(clip, 5.0, "clean")
        marked_s.append(_detect_s(attacked(Trial(name, "h264-23"), marked, 5.0)))
        attacked_s.append(_detect_s(attacked(Trial(name, "chain"), marked, 5.0)))
        unmarked_s.append(_detect_s(attacked(Trial(name, "h264-23"), clean, 5.0, "unmarked")))
    return {
        "clips": list(names),
        "embed_fps": median(embed_fps),
        "detect_marked_s": [median(marked_s), max(marked_s)],
        "detect_chain_s": [median(attacked_s), max(attacked_s)],
        "detect_unmarked_s": [median(unmarked_s), max(unmarked_s)],
    }


def _embed_fps(clip: Clip, clean: Path) -> float:
    lumas = [Picture(frame).luma.copy() for frame in islice(decoded(clean), _FRAMES_TIMED)]
    embedder = Embedder(KEY, payload_of(clip), *clip.size, clip.fps, profile=PROFILES["clean"])
    embedder.mark(lumas[0])
    started = time.perf_counter()
    for luma in lumas[1:]:
        embedder.mark(luma)
    return (len(lumas) - 1) / (time.perf_counter() - started)


def _detect_s(path: Path) -> float:
    started = time.perf_counter()
    watch(path, threads=os.cpu_count() or 1).detect([KEY])
    return time.perf_counter() - started


def memory(name: str) -> dict[str, dict[str, float]]:
    """Peak MiB of processes that mark and encode, detect, and search in vain, by the seconds of the clip."""
    clip = BY_NAME[name]
    clean, marked = source(clip, 5.0), master(clip, 5.0, "clean")
    peaks: dict[str, dict[str, float]] = {}
    for what, command, path in (
        ("mark", "embed", clean),
        ("detect", "detect", marked),
        ("search in vain", "detect", clean),
    ):
        peaks[what] = {f"{seconds} s": _peak_mib(command, path, clip.fps, seconds) for seconds in LENGTHS_S}
    return peaks


def _peak_mib(command: str, path: Path, fps: Fraction, seconds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.mp4"
        frames = (frame for _ in range(seconds) for frame in decoded(path))
        encode(islice(frames, int(seconds * fps)), fps, long, MASTER)
        done = subprocess.run(
            [sys.executable, __file__, command, str(long)], capture_output=True, text=True, check=True
        )
    return float(done.stdout)


def _measure_one(what: str, path: Path) -> float:
    """In a process of its own: peak resident MiB."""
    clip = BY_NAME["bunny"]
    if what == "embed":
        with tempfile.TemporaryDirectory() as folder:
            marked = marked_pictures(path, clip, "clean")
            encode(marked, clip.fps, Path(folder) / "marked.mp4", MASTER)
    else:
        watch(path).detect([KEY])
    # Not getrusage: a child begins with the peak of the process that started it.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def summarise(qualities: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per profile the mean and the worst of each figure."""
    lines = []
    for profile in dict.fromkeys(one["profile"] for one in qualities):
        of_profile = [one for one in qualities if one["profile"] == profile]
        line: dict[str, Any] = {"profile": profile, "clips": len(of_profile)}
        for figure, worst in (("psnr_db", min), ("ssim", min), ("vmaf", min), ("bitrate_ratio", max)):
            values = {one["clip"]: one[figure] for one in of_profile if one[figure] is not None}
            if values:
                at = worst(values, key=values.__getitem__)
                line[figure] = {"mean": mean(values.values()), "worst": values[at], "worst_clip": at}
        lines.append(line)
    return lines


if __name__ == "__main__":
    print(_measure_one(sys.argv[1], Path(sys.argv[2])))
