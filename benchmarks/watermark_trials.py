"""Carries out one trial of the watermark benchmark: clip, marked master, attack, detection; each step kept on disk."""

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from benchmarks.watermark_attacks import Rgb, Video
from benchmarks.watermark_cache import (
    CACHE,
    ROOT,
    bare_code,
    code_of_function,
    code_of_module,
    digest,
    discard_older,
    recall,
    remember,
)
from benchmarks.watermark_clips import BY_NAME, Clip
from benchmarks.watermark_codecs import LOSSLESS, Encoding, encode
from benchmarks.watermark_rows import ROW_BY_NAME, Row
from provenance.media import Picture, read_frames
from provenance.watermark import (
    KIND_TEST,
    Detection,
    Detector,
    Embedder,
    IssuedMessages,
    Payload,
    WatermarkKey,
)
from provenance.watermark.profiles import PROFILES
from provenance.watermark.strength import choose_strength

KEY = WatermarkKey("benchmark", hashlib.sha256(b"the key of the watermark benchmark").digest())
OTHER_KEY = WatermarkKey("other", hashlib.sha256(b"a key nothing was marked with").digest())
PROBE_S = 1.5
ISSUED_DECOYS = 100_000
MASTER = Encoding("h264", 17, "fast", "film")
_WATERMARK = ROOT / "provenance" / "watermark"
EMBED_CODE = code_of_module(_WATERMARK / "embed.py")
CHOICE_CODE = digest(*(bare_code(_WATERMARK / name) for name in ("strength.py", "proxy.py")))
DETECT_CODE = code_of_module(_WATERMARK / "detect.py")


@dataclass(frozen=True)
class Trial:
    """One attack on one clip; `part` says which of the row's moments."""

    clip: str
    row: str
    part: float = 0.0


def payload_of(clip: Clip) -> Payload:
    """The message of a clip: 64 bits of the hash of its name, of the kind that never resolves publicly."""
    return Payload(int.from_bytes(hashlib.sha256(clip.name.encode()).digest()[:8], "big"), KIND_TEST)


def source(clip: Clip, seconds: float) -> Path:
    """The clip without a mark, losslessly encoded; made when it is not there yet."""
    name = digest(clip.fps, clip.size, code_of_function(clip.frames), seconds)
    path = CACHE / "clips" / f"{clip.name}-{seconds:g}s-{name}.mp4"
    if not path.exists():
        encode(clip.frames(min(seconds, clip.longest_s)), clip.fps, path, LOSSLESS)
        discard_older(path)
    return path


def strength_of(clip: Clip, profile: str) -> float:
    """The factor the platform would choose from the first 1.5 s of the clip.

    It is kept as long as embedder and choice stay the same; a changed detector alone does not choose anew.
    """
    clean = source(clip, 5.0)
    name = digest(clean.name, EMBED_CODE, CHOICE_CODE, profile)
    kept = recall("strengths", name)
    if kept is None:
        probe = [Picture(frame).luma.copy() for frame in islice(decoded(clean), round(PROBE_S * clip.fps))]
        kept = choose_strength(probe, KEY, payload_of(clip), clip.fps, PROFILES[profile]).factor
        remember("strengths", name, kept)
    return float(kept)


def marked_pictures(path: Path, clip: Clip, profile: str) -> Iterator[Picture]:
    """The pictures of a file with the clip's message in their luma, as strong as the platform would mark them."""
    strength = strength_of(clip, profile)
    embedder: Embedder | None = None
    for frame in decoded(path):
        picture = Picture(frame)
        if embedder is None:
            size = picture.width, picture.height
            embedder = Embedder(
                KEY, payload_of(clip), *size, clip.fps, profile=PROFILES[profile], strength=strength
            )
        picture.luma = embedder.mark(picture.luma)
        yield picture


def master(clip: Clip, seconds: float, profile: str) -> Path:
    """The marked clip as the platform would deliver it: H.264 CRF 17; made when it is not there yet."""
    clean = source(clip, seconds)
    name = digest(
        clean.name, EMBED_CODE, profile, payload_of(clip), MASTER, round(strength_of(clip, profile), 4)
    )
    path = CACHE / "masters" / f"{clip.name}-{seconds:g}s-{profile}-{name}.mp4"
    if not path.exists():
        encode(marked_pictures(clean, clip, profile), clip.fps, path, MASTER)
        discard_older(path)
    return path


def decoded(path: Path) -> Iterator[Any]:
    """Decoded frames that may be written to."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            frame.make_writable()
            yield frame


def attacked(trial: Trial, original: Path, seconds: float, group: str = "marked") -> Path:
    """The file that the row's attack makes of another, `seconds` long; made when it is not there yet.

    `group` keeps apart what was made of a clip marked by different means.
    """
    row, fps = ROW_BY_NAME[trial.row], BY_NAME[trial.clip].fps
    if row.encoding is None:
        return original
    steps = row.steps_at(trial.part)
    how = [(code_of_function(step.function), sorted(step.arguments.items())) for step in steps]
    name = digest(original.name, how, row.encoding, row.jpeg_quality, trial.part if row.jpeg_quality else "")
    part = f"@{trial.part:g}" if len(row.parts) > 1 else ""
    file = f"{trial.row}{part}-{name}.{'jpg' if row.jpeg_quality else 'mp4'}"
    path = CACHE / "attacked" / group / trial.clip / file
    if path.exists():
        return path
    start_s = trial.part * seconds if row.jpeg_quality else 0.0
    video = Video(fps, (frame.rgb for frame in read_frames(original, start_s=start_s, threads=1)))
    for step in steps:
        video = step.apply(video)
    if row.jpeg_quality:
        _write_jpeg(next(iter(video.frames)), row.jpeg_quality, path)
    else:
        encode(video.frames if steps else decoded(original), video.fps, path, row.encoding)
    discard_older(path)
    return path


def _write_jpeg(rgb: Rgb, quality: int, path: Path) -> None:
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(jpeg.tobytes())
    partial.replace(path)


@cache
def issued() -> dict[str, IssuedMessages]:
    """What a studio with 100,000 takes would know: all clips' payloads among as many that were never used."""
    decoys = np.random.default_rng(1).integers(0, 2**64, ISSUED_DECOYS, np.uint64, endpoint=False)
    payloads = [payload_of(clip) for clip in BY_NAME.values()]
    payloads += [Payload(int(number), KIND_TEST) for number in decoys]
    return {key.key_id: IssuedMessages(key, payloads) for key in (KEY, OTHER_KEY)}


def watch(path: Path, threads: int = 1) -> Detector:
    """A detector that has seen a file; `threads` decode."""
    detector = Detector()
    for frame in read_frames(path, threads=threads):
        detector.add(frame.luma, time_s=frame.time_s, is_key=frame.is_key)
    return detector


def carry_out(trial: Trial, *, is_repeated: bool = False) -> dict[str, Any]:
    """One line of the results; recalled when nothing that matters has changed, unless `is_repeated`."""
    row, clip = ROW_BY_NAME[trial.row], BY_NAME[trial.clip]
    original = master(clip, row.seconds, row.profile) if row.is_marked else source(clip, row.seconds)
    subject = attacked(trial, original, min(row.seconds, clip.longest_s))
    key = OTHER_KEY if row.uses_other_key else KEY
    name = digest(subject.name, DETECT_CODE, key.key_id, row.expects)
    kept = None if is_repeated else recall("results", name)
    if kept is None:
        started = time.perf_counter()
        detector = watch(subject)
        found = detector.detect([key])
        seconds = time.perf_counter() - started
        kept = _judge(row, trial, clip, found) | {"seconds": round(seconds, 3)}
        kept["succeeded_with_issued"] = kept["succeeded"]
        if not kept["succeeded"] or row.expects == "nothing":
            found = detector.detect([key], issued())
            kept["succeeded_with_issued"] = bool(_judge(row, trial, clip, found)["succeeded"])
        remember("results", name, kept)
    return {
        "clip": trial.clip,
        "row": trial.row,
        "part": trial.part,
        "file": str(subject.relative_to(ROOT)),
    } | kept


def _judge(row: Row, trial: Trial, clip: Clip, found: list[Detection]) -> dict[str, Any]:
    is_exact = bool(found) and found[0].payload == payload_of(clip)
    succeeded = not found if row.expects == "nothing" else is_exact
    result: dict[str, Any] = {"succeeded": succeeded, "found": len(found)}
    if not found:
        return result
    best = found[0]
    result |= {
        "z": round(best.z, 2),
        "is_read": best.payload is not None,
        "p_presence": best.p_presence,
        "p_message": best.p_message,
        "p_false_positive": best.p_false_positive,
        "hypotheses": best.hypotheses,
        "frames_used": best.frames_used,
        "scale": round(best.geometry.scale, 4),
        "rotation_deg": round(best.geometry.rotation_deg, 2),
        "is_mirrored": bool(best.geometry.is_mirrored),
        "start_s": best.start_s,
        "end_s": best.end_s,
        "source_start_s": best.source_start_s,
        "speed": best.speed,
    }
    if row.expects == "place":
        began = best.source_start_s
        off_s = None if began is None else began - best.start_s - trial.part * row.seconds
        result |= {"succeeded": succeeded and off_s is not None and abs(off_s) <= 1.0, "off_s": off_s}
    return result


def quiet() -> None:
    """One thread per worker process: two of them share two cores."""
    cv2.setNumThreads(1)
