"""Renders one take in a single pass: frames are decoded, scaled, marked, encoded and fingerprinted as they come.

Free of Django, so that it runs in the child process that owns the model and in benchmarks.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

from generation.engines import Engine
from generation.planning import plan_shot
from generation.raster import fit
from generation.shots import Shot
from provenance.fingerprint import ClipFingerprint, Fingerprinter, FrameFingerprint
from provenance.fingerprint.wire import clip_from_wire, clip_to_wire
from provenance.media import Picture, VideoWriter
from provenance.watermark import Embedder, Payload, WatermarkKey
from provenance.watermark.certificate import Certificate, Witness
from provenance.watermark.profiles import PROFILES, Profile
from provenance.watermark.strength import Strength, choose_strength, strongest

# Shares of the whole bar, by what the stages take on the draft model with two cores.
DENOISE_ENDS_AT = 0.55
RENDER_ENDS_AT = 0.85
# What is held back at the beginning so that the mark's strength can be tried out on it.
PROBE_S = 1.5
PROBE_BYTES = 64 << 20

Report = Callable[[str, float], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class RenderJob:
    """What the child is asked for; JSON-able, and secret (it holds the watermark key)."""

    prompt: str
    negative_prompt: str
    duration_frames: int
    fps: str
    width: int
    height: int
    seed: int
    output: str
    watermark_key_id: str
    watermark_secret_hex: str
    mark_id: int
    mark_profile: str = "clean"

    def shot(self) -> Shot:
        return Shot(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            duration_frames=self.duration_frames,
            fps=Fraction(self.fps),
            width=self.width,
            height=self.height,
            seed=self.seed,
        )

    def payload(self) -> Payload:
        return Payload(asset_id=self.mark_id)

    def key(self) -> WatermarkKey:
        return WatermarkKey(self.watermark_key_id, bytes.fromhex(self.watermark_secret_hex))

    def profile(self) -> Profile:
        return PROFILES[self.mark_profile]

    @property
    def probe_frames(self) -> int:
        """How many frames are held back: 1.5 s, fewer where pictures are large, at least 2."""
        picture_bytes = self.width * self.height * 3 // 2
        return max(2, min(round(PROBE_S * Fraction(self.fps)), PROBE_BYTES // picture_bytes))


@dataclass(frozen=True)
class RenderResult:
    """What came out: the recipe, the fingerprint of the marked frames, what the mark bears, and seconds per stage.

    mark_certificate: `provenance.watermark.certificate.Certificate.as_dict`, and "passes": how often the take
    was encoded until a copy of it could be read.
    """

    recipe: dict[str, Any]
    duration_frames: int
    payload: bytes
    fingerprint: ClipFingerprint
    timings: dict[str, float]
    mark_certificate: dict[str, Any]

    @property
    def fingerprints(self) -> tuple[FrameFingerprint, ...]:
        """The hashed frames."""
        return self.fingerprint.frames

    def as_dict(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "duration_frames": self.duration_frames,
            "payload": self.payload.hex(),
            "fingerprint": clip_to_wire(self.fingerprint),
            "timings": self.timings,
            "mark_certificate": self.mark_certificate,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "RenderResult":
        return cls(
            recipe=value["recipe"],
            duration_frames=value["duration_frames"],
            payload=bytes.fromhex(value["payload"]),
            fingerprint=clip_from_wire(value["fingerprint"]),
            timings=value["timings"],
            mark_certificate=value["mark_certificate"],
        )


@dataclass
class Stopwatch:
    """Adds up seconds per named stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


def render(engine: Engine, job: RenderJob, report: Report, should_stop: ShouldStop) -> RenderResult:
    """Make the marked, not yet signed file `job.output`.

    Memory is bounded by the latents, one decoding chunk and the encoder, whatever the length. Raises
    GenerationStopped once `should_stop` answers true; the half-made file is removed on any error.
    """
    watch = Stopwatch()
    shot = job.shot()
    plan = plan_shot(shot, engine.capabilities)
    report("denoising", 0.0)
    with watch.measure("denoise"):
        latents = engine.denoise(
            shot,
            plan,
            on_progress=lambda done: report("denoising", DENOISE_ENDS_AT * done.share),
            should_stop=should_stop,
        )
    encoded = encode_frames(engine.decode(latents), job, watch, report, should_stop)
    passes = 1
    if not encoded.certificate.is_read and encoded.certificate.headroom:
        more = strongest(encoded.strength)
        encoded = encode_frames(engine.decode(latents), job, watch, report, should_stop, strength=more)
        passes = 2
    return RenderResult(
        recipe=engine.recipe(shot, plan).as_dict(),
        duration_frames=job.duration_frames,
        payload=job.payload().to_bytes(),
        fingerprint=encoded.fingerprint,
        timings=watch.seconds,
        mark_certificate={**encoded.certificate.as_dict(), "passes": passes},
    )


@dataclass(frozen=True)
class Encoded:
    """One pass over the frames: the fingerprint of the marked ones, and what their mark was measured to bear."""

    fingerprint: ClipFingerprint
    strength: Strength
    certificate: Certificate


def encode_frames(
    native_frames: Iterator[Any],
    job: RenderJob,
    watch: Stopwatch,
    report: Report,
    should_stop: ShouldStop,
    *,
    strength: Strength | None = None,
) -> Encoded:
    """The one pass: take native frames (H, W, 3) uint8 as they are decoded, and write the marked file.

    The first frames are held back until a strength is chosen on them, unless one is given. `watch` gets the
    seconds of each stage. Raises GenerationStopped once `should_stop` answers true.
    """
    report("rendering", DENOISE_ENDS_AT)
    fps, key, payload, size = Fraction(job.fps), job.key(), job.payload(), (job.width, job.height)
    pictures = _pictures(native_frames, job, watch, should_stop)
    if strength is None:
        held = list(islice(pictures, job.probe_frames))
        with watch.measure("strength"):
            probe = [picture.luma for picture in held]
            strength = choose_strength(probe, key, payload, fps, job.profile())
        pictures = chain(held, pictures)
        del held, probe
    embedder = Embedder(key, payload, *size, fps, profile=job.profile(), strength=strength.factor)
    witness = Witness(strength, job.profile(), key, payload, size, fps, job.duration_frames)
    fingerprinter = Fingerprinter(query=True)
    with VideoWriter(Path(job.output), *size, fps) as writer:
        for index, picture in enumerate(pictures):
            with watch.measure("watermark"):
                marked = embedder.mark(picture.luma)
            with watch.measure("certificate"):
                witness.add(picture.luma, marked)
            picture.luma = marked
            with watch.measure("encode"):
                writer.write(picture)
            with watch.measure("fingerprint"):
                fingerprinter.add(index, float(index / fps), picture.luma, picture.to_rgb)
            share = (index + 1) / job.duration_frames
            report("rendering", DENOISE_ENDS_AT + (RENDER_ENDS_AT - DENOISE_ENDS_AT) * share)
        with watch.measure("encode"):
            writer.close()
    with watch.measure("certificate"):
        certificate = witness.certificate()
    return Encoded(fingerprinter.finish(float(job.duration_frames / fps)), strength, certificate)


def _pictures(
    native_frames: Iterator[Any], job: RenderJob, watch: Stopwatch, should_stop: ShouldStop
) -> Iterator[Picture]:
    """The take's frames in its own size, one at a time."""
    from generation.errors import GenerationStopped

    for _ in range(job.duration_frames):
        with watch.measure("decode"):
            native = next(native_frames)
        if should_stop():
            raise GenerationStopped("The run was stopped before it was finished.", "Start it again.")
        with watch.measure("scale"):
            picture = Picture.from_rgb(fit(native, job.width, job.height))
        yield picture
