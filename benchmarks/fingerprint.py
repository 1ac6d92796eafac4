"""How fast clips are fingerprinted on one core, and how exactly the hashes are those of imagehash and pdqhash.

    python benchmarks/fingerprint.py [--quick] [--json FILE]

One thread throughout, real media only. Extraction is everything `fingerprint_file` does, decoding and sound included,
and is compared with decoding the same file; times real time are seconds of film per second of processor time. Hashes
are compared on every frame of the fixtures, `--quick` on every eighth, ours and theirs on the same RGB pixels in the
same run. Memory: the same clip handed in over and over as one long film, and what of the growth is the fingerprint
itself.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402 (needs the setting above)
import imagehash  # noqa: E402
import numpy as np  # noqa: E402
import pdqhash  # noqa: E402
from PIL import Image  # noqa: E402

from provenance.fingerprint import hamming  # noqa: E402 (needs the path above)
from provenance.fingerprint.contents import ClipFingerprint  # noqa: E402
from provenance.fingerprint.extraction import Fingerprinter, fingerprint_file  # noqa: E402
from provenance.fingerprint.pdq256 import hash_picture  # noqa: E402
from provenance.fingerprint.phash64 import phash  # noqa: E402
from provenance.fingerprint.wire import clip_to_wire  # noqa: E402
from provenance.media import probe, read_frames  # noqa: E402

FIXTURES = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))
SPEED_CLIPS = (
    "bigbuckbunny/bigbuckbunny.mp4",
    "imageio/cockatoo.mp4",
    "threatexchange/videos/doorknob-hd-no-bar.mp4",
)
MEDIA = (".mp4", ".mkv", ".png", ".jpg")
ROUNDS = 3
LONG_MINUTES, QUICK_LONG_MINUTES = 60, 10
LONG_SIZE, LONG_FPS = (320, 180), 24
TARGETS = {"real_time": 12.0, "phash_ratio": 2.5, "phash_differing": 0, "pdq_bits": 6}
Json = dict[str, Any]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    if not FIXTURES.is_dir():
        raise SystemExit(f"The real media is not at {FIXTURES}; set SLATE_FIXTURES.")
    cv2.setNumThreads(1)
    report: Json = {
        "speed": measure_speed(1 if options.quick else ROUNDS),
        "hashes": compare_hashes(8 if options.quick else 1),
        "memory": measure_memory(QUICK_LONG_MINUTES if options.quick else LONG_MINUTES),
    }
    missed = show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if missed else 0


def measure_speed(rounds: int) -> list[Json]:
    """Seconds of film per second of processor time, the best of several rounds, for each 720p clip."""
    fingerprint_file(FIXTURES / SPEED_CLIPS[0], threads=1)  # loads what is loaded once
    rows = []
    for name in SPEED_CLIPS:
        path = FIXTURES / name
        fps = float(probe(path).fps)
        frames = sum(1 for _ in read_frames(path, threads=1))
        ways: dict[str, Callable[[], object]] = {
            "decode": lambda path=path: sum(1 for _ in read_frames(path, threads=1)),
            "reference": lambda path=path: fingerprint_file(path, threads=1),
            "query": lambda path=path: fingerprint_file(path, threads=1, query=True),
        }
        seconds = {way: min(processor_seconds(run) for _ in range(rounds)) for way, run in ways.items()}
        times = {way: frames / fps / spent for way, spent in seconds.items()}
        rows.append({"clip": name, "fps": fps, "frames": frames, "times_real_time": times})
    return rows


def processor_seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def compare_hashes(every: int) -> Json:
    """Ours and theirs on the same frames: seconds, differing pHashes, bits between the PDQs by the quality."""
    seconds = dict.fromkeys(("phash", "imagehash", "pdq", "pdqhash"), 0.0)
    differing = 0
    bits: list[tuple[int, int]] = []
    for rgb in frames_of_fixtures(every):
        ours, seconds["phash"] = timed(lambda rgb=rgb: phash(rgb), seconds["phash"])
        theirs, seconds["imagehash"] = timed(
            lambda rgb=rgb: imagehash.phash(Image.fromarray(rgb)), seconds["imagehash"]
        )
        differing += ours.hex() != str(theirs)
        hashed, seconds["pdq"] = timed(lambda rgb=rgb: hash_picture(rgb), seconds["pdq"])
        (vector, quality), seconds["pdqhash"] = timed(
            lambda rgb=rgb: pdqhash.compute(rgb), seconds["pdqhash"]
        )
        bits.append((quality, hamming(hashed.packed, np.packbits(vector.astype(np.uint8)).tobytes())))
    good = [distance for quality, distance in bits if quality == 100]
    return {
        "frames": len(bits),
        "fps": {name: len(bits) / spent for name, spent in seconds.items()},
        "phash_differing": differing,
        "pdq_equal": sum(distance == 0 for _, distance in bits),
        "pdq_worst_at_100": max(good),
        "pdq_mean_at_100": sum(good) / len(good),
        "frames_at_100": len(good),
    }


def timed(run: Callable[[], Any], before_s: float) -> tuple[Any, float]:
    started = time.perf_counter()
    value = run()
    return value, before_s + time.perf_counter() - started


def frames_of_fixtures(every: int) -> Iterator[Any]:
    for path in sorted(FIXTURES.rglob("*")):
        if path.suffix in MEDIA:
            for frame in read_frames(path, threads=1):
                if frame.index % every == 0:
                    yield np.ascontiguousarray(frame.rgb)


def measure_memory(minutes: int) -> Json:
    """Growth of this process over a film of many shots, beside the size of what is kept of it."""
    clip = [
        (cv2.resize(frame.luma, LONG_SIZE), cv2.resize(frame.rgb, LONG_SIZE))
        for frame in read_frames(FIXTURES / SPEED_CLIPS[0], threads=1)
    ]
    fingerprinter = Fingerprinter()
    samples: list[tuple[float, float]] = []
    for index in range(minutes * 60 * LONG_FPS):
        luma, rgb = clip[index % len(clip)]
        fingerprinter.add(index, index / LONG_FPS, luma, lambda rgb=rgb: rgb)
        if index % (minutes * 60 * LONG_FPS // 4) == LONG_FPS * 30:
            gc.collect()
            samples.append((index / LONG_FPS / 60, resident_mib()))
    made = fingerprinter.finish()
    gc.collect()
    return {
        "minutes": minutes,
        "growth_mib": resident_mib() - samples[0][1],
        "kept_mib": kept_bytes(made) / 2**20,
        "samples": samples,
        "rows": len(made.frames),
        "keyframes": len(made.keyframes),
        "wire_mib": len(json.dumps(clip_to_wire(made))) / 2**20,
    }


def kept_bytes(clip: ClipFingerprint) -> int:
    features = sum(k.points.nbytes + k.descriptors.nbytes + len(k.preview) for k in clip.keyframes)
    track = clip.track.times_s.nbytes + clip.track.hashes.nbytes + clip.track.qualities.nbytes
    per_row = 400  # a frozen dataclass with two byte strings, as sys.getsizeof adds up
    return features + track + per_row * len(clip.frames)


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def show(report: Json) -> list[str]:
    """Prints the tables; the targets that were missed."""
    missed = []
    print(
        f"{'720p clip, times real time on one core':<46}{'fps':>6}{'decode':>9}{'reference':>11}{'query':>8}"
    )
    for row in report["speed"]:
        times = row["times_real_time"]
        print(
            f"{row['clip']:<46}{row['fps']:>6.0f}{times['decode']:>9.1f}{times['reference']:>11.1f}"
            f"{times['query']:>8.1f}"
        )
        if times["reference"] < TARGETS["real_time"]:
            missed.append(f"{row['clip']}: {times['reference']:.1f} times real time")
    print(f"{'target of references':<61}{TARGETS['real_time']:>11g}")
    hashes = report["hashes"]
    fps = hashes["fps"]
    ratio = fps["phash"] / fps["imagehash"]
    print(f"\n{hashes['frames']} frames of the fixtures, same RGB pixels")
    print(
        f"  pHash {fps['phash']:.0f}/s, imagehash {fps['imagehash']:.0f}/s: {ratio:.1f} times as fast",
        end="; ",
    )
    print(f"{hashes['phash_differing']} hashes differ (target 0, {TARGETS['phash_ratio']:g} times)")
    pdq_ratio = fps["pdq"] / fps["pdqhash"]
    print(
        f"  PDQ   {fps['pdq']:.0f}/s, pdqhash   {fps['pdqhash']:.0f}/s: {pdq_ratio:.1f} times as fast",
        end="; ",
    )
    print(
        f"{hashes['pdq_equal']} equal; at quality 100 ({hashes['frames_at_100']} frames) "
        f"{hashes['pdq_mean_at_100']:.2f} bits apart in the mean, {hashes['pdq_worst_at_100']} at worst"
    )
    if hashes["phash_differing"] or ratio < TARGETS["phash_ratio"]:
        missed.append("pHash")
    if hashes["pdq_worst_at_100"] > TARGETS["pdq_bits"]:
        missed.append("PDQ")
    memory = report["memory"]
    print(
        f"\n{memory['minutes']} minutes: memory grew by {memory['growth_mib']:.1f} MiB, of which the fingerprint is "
        f"{memory['kept_mib']:.1f} ({memory['rows']} rows, {memory['keyframes']} key frames); "
        f"{memory['wire_mib']:.1f} MiB as JSON"
    )
    for what in missed:
        print(f"missed: {what}")
    return missed


if __name__ == "__main__":
    sys.exit(main())
