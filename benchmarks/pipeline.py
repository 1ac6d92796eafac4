"""Seconds and peak memory per stage of a 10 s 720p take, and what all that proves it costs over encoding alone.

    python benchmarks/pipeline.py [--quick] [--seconds 10] [--size 1280x720] [--json FILE]

The limit compared with is the x264 encode of the very same frames with the same settings and nothing else; every
stage after decoding (scale, watermark, encode, fingerprint, match, sign, gate) is measured in the same run.
`--quick` makes a 2 s take and leaves the model out by panning over a real film frame by frame.
"""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "platform")]

from studio.runs.rendering import Stopwatch  # noqa: E402 (needs the path above)

PROMPT = "A red car on a street at dusk, camera pans right"
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def resident_mib(pid: int | str = "self") -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


class Meter(Stopwatch):
    """A stopwatch that also samples the memory of this process and its children while a stage runs."""

    def __init__(self) -> None:
        super().__init__()
        self.peak_mib: dict[str, float] = {}
        self._stage: str | None = None
        threading.Thread(target=self._sample, daemon=True).start()

    def _note(self) -> None:
        stage = self._stage
        if stage is not None:
            now = resident_mib() + sum(map(resident_mib, children()))
            self.peak_mib[stage] = max(self.peak_mib.get(stage, 0.0), now)

    def _sample(self) -> None:
        while True:
            self._note()
            time.sleep(0.02)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        self._stage = stage
        try:
            with super().measure(stage):
                yield
            self._note()
        finally:
            self._stage = None


def children(pid: int | None = None) -> list[int]:
    """All descendants: a confined inspection runs in a child of a child."""
    found = []
    for task in Path(f"/proc/{pid or 'self'}/task").glob("*/children"):
        try:
            direct = [int(word) for word in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in direct:
            found += [child, *children(child)]
    return found


def frames_from_film(frames: int) -> Iterator[Any]:
    """Frames of a real clip, over and over; stands for a model's output where only the rest is measured."""
    from provenance.media import read_frames

    fixtures = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))
    clip = fixtures / "bigbuckbunny" / "bigbuckbunny.mp4"
    if not clip.exists():
        raise SystemExit(f"--quick needs the real media: {clip} does not exist; set SLATE_FIXTURES")
    made = 0
    while made < frames:
        for frame in read_frames(clip):
            if made == frames:
                return
            made += 1
            yield frame.rgb


def encode_alone(
    native: Iterator[Any], frames: int, size: tuple[int, int], fps: Fraction, path: Path
) -> float:
    """Seconds to encode the same, unmarked pictures with the settings of a take, and nothing else."""
    from generation.raster import fit
    from provenance.media import Picture, VideoWriter

    seconds = 0.0
    with VideoWriter(path, *size, fps) as writer:
        for _ in range(frames):
            picture = Picture.from_rgb(fit(next(native), *size))
            started = time.perf_counter()
            writer.write(picture)
            seconds += time.perf_counter() - started
        started = time.perf_counter()
        writer.close()
        seconds += time.perf_counter() - started
    return seconds


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--size", default="1280x720")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    seconds = 2.0 if options.quick else options.seconds
    width, height = map(int, options.size.split("x"))

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SLATE_VAR"] = str(Path(scratch) / "var")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
        import django

        django.setup()
        from django.conf import settings

        try:
            report = measure(Path(scratch), seconds, (width, height), with_model=not options.quick)
        finally:
            settings.EMBEDDED_SERVER.stop()
    show(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def measure(scratch: Path, seconds: float, size: tuple[int, int], *, with_model: bool) -> dict[str, Any]:
    from provenance.inspect import inspect_file
    from provenance.watermark import Payload, WatermarkKey
    from studio.credentials.services import ensure_authority
    from studio.installation import create_demo, prepare
    from studio.references.search import find_works
    from studio.references.services import add_works, get_or_create_bank, media_files
    from studio.runs.rendering import RenderJob, encode_frames
    from studio.tenancy.models import Studio

    fps = Fraction(24)
    frames = round(seconds * fps)
    meter = Meter()
    prepare()
    create_demo()
    studio = Studio.objects.get()
    fixtures = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))
    if fixtures.is_dir():
        add_works(get_or_create_bank(studio, "Benchmark"), media_files([fixtures / "bigbuckbunny"]))
    authority = ensure_authority()

    again = generated(meter, seconds, size) if with_model else lambda: frames_from_film(frames)
    key = WatermarkKey("benchmark", bytes(range(32)))
    payload = Payload(asset_id=0x1234_5678_9ABC_DEF0)
    master = scratch / "master.mp4"
    job = RenderJob(
        prompt=PROMPT,
        negative_prompt="",
        duration_frames=frames,
        fps=str(fps),
        width=size[0],
        height=size[1],
        seed=7,
        output=str(master),
        watermark_key_id=key.key_id,
        watermark_secret_hex=key.secret.hex(),
        mark_id=payload.asset_id,
    )
    encoded = encode_frames(again(), job, meter, lambda *_: None, lambda: False)
    with meter.measure("match"):
        find_works(encoded.fingerprint, [studio.pk])
    from provenance.manifest.signing import sign_file

    signed = scratch / "signed.mp4"
    with meter.measure("sign"):
        sign_file(master, signed, statement(size, fps, frames, payload), authority)
    with meter.measure("gate"):
        seen = inspect_file(signed, keys=[key], trust_pem=authority.root_pem, timeout_s=600)
    if not any(mark.payload == payload for mark in seen.watermarks):
        raise SystemExit("the gate did not read the watermark back; these figures would mean nothing")
    alone_s = encode_alone(again(), frames, size, fps, scratch / "alone.mp4")

    before = ("load", "denoise", "decode")
    after_decoding = sum(seconds for stage, seconds in meter.seconds.items() if stage not in before)
    return {
        "take": {"seconds": seconds, "size": list(size), "fps": 24, "frames": frames, "model": with_model},
        "machine": {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "stages": [
            {"stage": stage, "seconds": round(seconds, 3), "peak_mib": round(meter.peak_mib[stage])}
            for stage, seconds in meter.seconds.items()
        ],
        "x264_alone_s": round(alone_s, 3),
        "after_decoding_s": round(after_decoding, 3),
        "ratio_after_decoding_to_x264_alone": round(after_decoding / alone_s, 3),
        "master_bytes_ratio_marked_to_unmarked": round(
            master.stat().st_size / (scratch / "alone.mp4").stat().st_size, 3
        ),
        "peak_process_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def generated(meter: Meter, seconds: float, size: tuple[int, int]) -> Callable[[], Iterator[Any]]:
    """Denoise with the shipped model; what is returned decodes the latents, as often as it is called."""
    from generation.engines import open_engine
    from generation.planning import plan_shot
    from generation.shots import Shot

    with meter.measure("load"):
        engine = open_engine("draft")
    shot = Shot(
        prompt=PROMPT,
        duration_frames=round(seconds * 24),
        fps=Fraction(24),
        width=size[0],
        height=size[1],
        seed=7,
    )
    with meter.measure("denoise"):
        latents = engine.denoise(
            shot, plan_shot(shot, engine.capabilities), on_progress=lambda _: None, should_stop=lambda: False
        )
    return lambda: engine.decode(latents)


def statement(size: tuple[int, int], fps: Fraction, frames: int, payload: Any) -> Any:
    from datetime import UTC, datetime
    from uuid import uuid4

    from provenance.manifest.commitment import commit_all, new_salt
    from provenance.manifest.statement import Generator, Model, TakeStatement, WatermarkBinding

    duration_ms = round(frames / fps * 1000)
    return TakeStatement(
        title="Benchmark",
        take_id=str(uuid4()),
        created_at=datetime.now(UTC),
        generator=Generator("Slate", "0.1.0", "2.4.0"),
        model=Model("draft", "0" * 64, "LTXPipeline"),
        commitments=commit_all(new_salt(), recipe=b"{}", prompt="benchmark", seed=7),
        width=size[0],
        height=size[1],
        fps=fps,
        duration_ms=duration_ms,
        watermark=WatermarkBinding("org.slate.tilemark.1", payload.to_bytes(), duration_ms),
    )


def show(report: dict[str, Any]) -> None:
    take = report["take"]
    print(
        f"\n{take['seconds']:g} s take, {take['size'][0]}x{take['size'][1]}, {take['frames']} frames, "
        f"{report['machine']['cores']} cores\n"
    )
    print(f"{'stage':<14}{'seconds':>10}{'of x264 alone':>16}{'peak MiB':>11}")
    for row in report["stages"]:
        share = row["seconds"] / report["x264_alone_s"]
        print(f"{row['stage']:<14}{row['seconds']:>10.2f}{share:>15.2f}x{row['peak_mib']:>11}")
    print(f"{'x264 alone':<14}{report['x264_alone_s']:>10.2f}{1:>15.2f}x")
    print(
        f"\neverything after decoding: {report['after_decoding_s']:.2f} s = "
        f"{report['ratio_after_decoding_to_x264_alone']:.2f}x the x264 encode alone; "
        f"file size {report['master_bytes_ratio_marked_to_unmarked']:.2f}x the unmarked one"
    )


if __name__ == "__main__":
    main()
