"""What the mark in sound survives, how far it lies under hearing, what it costs, and how high chance reaches.

    python benchmarks/audio_watermark.py [--quick] [--rows WORD ...] [--json FILE]

Sounds: the tracks of the fixture films, speech, and synthetic music. Every attack is put on excerpts of 5 s cut
at odd places and on the whole sound (at most 20 s); a row counts how many give the whole message of 72 bits
and tag, with nothing but the key known. `--quick` takes three sounds and one excerpt of each.
"""

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from math import exp
from pathlib import Path

import av
import numpy as np
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from provenance.media import read_audio  # noqa: E402 (needs the path above)
from provenance.watermark import Payload, WatermarkKey  # noqa: E402
from provenance.watermark.audio import AudioDetector, QualityMeter, mark_sound  # noqa: E402
from provenance.watermark.audio.listening import Listener  # noqa: E402
from provenance.watermark.audio.search import SHIFTS, Folded  # noqa: E402
from provenance.watermark.audio.whitening import cells  # noqa: E402

FIXTURES = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))
RATE = 48_000
LONGEST_S = 20
EXCERPT_S = 5
CUTS_S = (1.137, 6.211, 12.303)
KEY = WatermarkKey("benchmark", bytes(range(32)))
OTHER_KEY = WatermarkKey("other", bytes(range(1, 33)))
PAYLOAD = Payload(0x9F3C_0B52_77A1_E46D)
SECONDS_FOR_SPEED = 60.0

Sound = np.ndarray  # (n, 2) float32
Attack = Callable[[Sound], tuple[Sound, int]]


def track(path: str, seconds: float = LONGEST_S) -> Sound:
    """The beginning of a fixture's track in stereo at 48 kHz."""
    blocks, length = [], 0
    for block in read_audio(FIXTURES / path, sample_rate=RATE):
        blocks.append(block.samples)
        length += len(block.samples)
        if length >= seconds * RATE:
            break
    sound = np.concatenate(blocks)[: int(seconds * RATE)]
    if sound.shape[1] == 6:  # left, right, centre, low, and both surrounds, as ITU-R BS.775 mixes them
        mix = np.array([[1, 0], [0, 1], [0.71, 0.71], [0, 0], [0.71, 0], [0, 0.71]], dtype=np.float32)
        return sound @ mix
    return np.repeat(sound, 2, axis=1) if sound.shape[1] == 1 else sound


def speech() -> Sound:
    """A second of speech, said twelve times with pauses of room noise."""
    once = track("augly-audio-mono/vad-go-mono-32000.wav")
    pause = 1e-4 * np.random.default_rng(0).standard_normal((9600, 2))
    return np.concatenate([once, pause.astype(np.float32)] * 12)


def music(seconds: float = LONGEST_S) -> Sound:
    """Plucked chords, a bass drum and cymbals; harmonic, percussive and panned."""
    rng = np.random.default_rng(5)
    total = np.zeros((int(seconds * RATE), 2))
    for beat, at in enumerate(np.arange(0, seconds - 1.5, 0.4)):
        chord = (220.0, 277.2, 329.6) if beat // 4 % 2 == 0 else (196.0, 246.9, 293.7)
        notes = [(pitch * octave, rng.uniform(0.2, 0.8)) for pitch in chord for octave in (1, 2)]
        time_s = np.arange(int(1.2 * RATE)) / RATE
        struck = np.zeros((len(time_s), 2))
        for pitch, pan in notes:
            tone = sum(
                np.sin(2 * np.pi * pitch * n * time_s) / n**1.3 for n in range(1, 16) if pitch * n < 9000
            )
            struck += (tone * np.exp(-time_s * 3) * np.minimum(time_s / 0.01, 1))[:, None] * (pan, 1 - pan)
        struck += (rng.standard_normal(len(time_s)) * np.exp(-time_s * 40))[:, None]
        if beat % 2 == 0:
            struck += (
                3
                * (np.sin(2 * np.pi * (55 * time_s - 1.5 * np.exp(-time_s * 20))) * np.exp(-time_s * 9))[
                    :, None
                ]
            )
        first = int(at * RATE)
        total[first : first + len(time_s)] += struck
    return (0.7 * total / np.abs(total).max()).astype(np.float32)


SOUNDS: dict[str, Callable[[], Sound]] = {
    "bunny-480p": lambda: track("bigbuckbunny/bbb-480p-30s-video.mp4"),
    "speech": speech,
    "music": music,
    "bunny-720p": lambda: track("bigbuckbunny/bigbuckbunny.mp4"),
    "chair": lambda: track("threatexchange/videos/chair-orig-22-sd-bar.mp4"),
    "doorknob": lambda: track("threatexchange/videos/doorknob-hd-no-bar.mp4"),
}
QUICK_SOUNDS = ("bunny-480p", "speech", "music")


def resampled(sound: Sound, before: int, after: int) -> Sound:
    ratio = Fraction(after, before)
    return resample_poly(sound, ratio.numerator, ratio.denominator, axis=0).astype(np.float32)


def coded(codec: str, bit_rate: int, container: str, rate: int = RATE) -> Attack:
    """Through an encoder and back, at `rate`."""

    def run(sound: Sound) -> tuple[Sound, int]:
        return through_codec(
            resampled(sound, RATE, rate) if rate != RATE else sound, rate, codec, bit_rate, container
        )

    return run


def through_codec(sound: Sound, rate: int, codec: str, bit_rate: int, container: str) -> tuple[Sound, int]:
    """The sound after encoding and decoding, and its rate then."""
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, "w", format=container) as writer:
        stream = writer.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = bit_rate
        stream.codec_context.open()
        encoder = stream.codec_context
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        fit = av.AudioResampler(encoder.format.name, layout, rate, frame_size=encoder.frame_size or 1024)
        for piece in [*fit.resample(frame), *fit.resample(None)]:
            writer.mux(stream.encode(piece))
        writer.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as reader:
        after = reader.streams.audio[0].rate
        planar = av.AudioResampler("fltp", layout, after)
        pieces = [p for f in reader.decode(audio=0) for p in planar.resample(f)]
        return np.concatenate([piece.to_ndarray() for piece in pieces], axis=1).T, after


def filtered(*filters: tuple[str, str]) -> Attack:
    """Through filters of ffmpeg."""

    def run(sound: Sound) -> tuple[Sound, int]:
        graph = av.filter.Graph()
        source = graph.add_abuffer(
            sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE)
        )
        # Some filters change the format of samples; the last one changes it back.
        steps = [*filters, ("aformat", "sample_fmts=fltp")]
        chain = [source, *(graph.add(name, argument) for name, argument in steps), graph.add("abuffersink")]
        graph.link_nodes(*chain).configure()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        graph.push(frame)
        graph.push(None)
        pieces = []
        while True:
            try:
                pieces.append(graph.pull().to_ndarray())
            except (av.error.BlockingIOError, av.error.EOFError):
                return np.concatenate(pieces, axis=1).T, RATE

    return run


def noisy(snr_db: float) -> Attack:
    def run(sound: Sound) -> tuple[Sound, int]:
        level = np.sqrt(np.mean(sound**2)) * 10 ** (-snr_db / 20)
        noise = np.random.default_rng(2).standard_normal(sound.shape)
        return (sound + level * noise).astype(np.float32), RATE

    return run


def faster(factor: Fraction) -> Attack:
    """Played faster with the pitch going along, as tape does."""
    return lambda sound: (
        resample_poly(sound, factor.denominator, factor.numerator, axis=0).astype(np.float32),
        RATE,
    )


def plain(change: Callable[[Sound], Sound]) -> Attack:
    return lambda sound: (change(sound).astype(np.float32), RATE)


def quantised(sound: Sound) -> Sound:
    return np.round(sound * 32768) / 32768


ATTACKS: dict[str, Attack] = {
    "none": plain(lambda sound: sound),
    "AAC 96 kb/s": coded("aac", 96_000, "mp4"),
    "AAC 64 kb/s": coded("aac", 64_000, "mp4"),
    "MP3 128 kb/s": coded("libmp3lame", 128_000, "mp3"),
    "MP3 64 kb/s": coded("libmp3lame", 64_000, "mp3"),
    "Opus 64 kb/s": coded("libopus", 64_000, "ogg"),
    "Opus 24 kb/s": coded("libopus", 24_000, "ogg"),
    "44.1 kHz, AAC 96": coded("aac", 96_000, "mp4", 44_100),
    "48 to 44.1 to 48 kHz": plain(lambda sound: resampled(resampled(sound, RATE, 44_100), 44_100, RATE)),
    "16 kHz": lambda sound: (resampled(sound, RATE, 16_000), 16_000),
    "-12 dB, 16 bit": plain(lambda sound: quantised(0.25 * sound)),
    "mono": plain(lambda sound: sound.mean(axis=1, keepdims=True)),
    "left alone": plain(lambda sound: sound[:, :1]),
    "trim 0.777 s": plain(lambda sound: sound[37_307:]),
    "speed 0.98": faster(Fraction(98, 100)),
    "speed 1.02": faster(Fraction(102, 100)),
    "speed 25/24": faster(Fraction(25, 24)),
    "tempo 1.03, pitch kept": filtered(("atempo", "1.03")),
    "noise 30 dB": noisy(30),
    "noise 20 dB": noisy(20),
    "low-pass 4 kHz": filtered(("lowpass", "f=4000")),
    "compressor 4:1": filtered(("acompressor", "threshold=0.05:ratio=4")),
    "echo": filtered(("aecho", "0.8:0.7:40|90:0.4|0.3")),
    "telephone (AMR 12.2)": lambda sound: through_codec(
        resampled(sound.mean(axis=1, keepdims=True), RATE, 8000), 8000, "libopencore_amrnb", 12_200, "3gp"
    ),
    "repost: trim, -3 dB, 44.1 kHz, AAC 64": lambda sound: through_codec(
        0.7 * resampled(sound[9_001:], RATE, 44_100), 44_100, "aac", 64_000, "mp4"
    ),
}
QUICK_ATTACKS = (
    "none",
    "AAC 96",
    "MP3 128",
    "44.1 kHz",
    "-12 dB",
    "mono",
    "trim",
    "speed 1.02",
    "noise 30",
    "repost",
)


@dataclass
class Row:
    """How many excerpts and whole sounds gave the message after one attack."""

    attack: str
    excerpts: list[bool] = field(default_factory=list)
    wholes: list[bool] = field(default_factory=list)
    z: list[float] = field(default_factory=list)

    def line(self) -> str:
        return (
            f"{self.attack:<38} {sum(self.excerpts):3d}/{len(self.excerpts):<3d}"
            f" {sum(self.wholes):3d}/{len(self.wholes):<3d} {np.median(self.z):6.1f}"
        )


def read(sound: Sound, rate: int, key: WatermarkKey = KEY) -> tuple[bool, float]:
    """Whether the whole message is read, and z of the best mark found (0 where there is none)."""
    detector = AudioDetector(rate, SECONDS_FOR_SPEED)
    detector.add(np.ascontiguousarray(sound, dtype=np.float32))
    found = detector.detect([key])
    return bool(found) and found[0].payload == PAYLOAD, found[0].z if found else 0.0


def excerpts(sound: Sound, most: int) -> list[Sound]:
    length = EXCERPT_S * RATE
    starts = [int(cut * RATE) for cut in CUTS_S if cut * RATE + length <= len(sound)][:most]
    return [sound[start : start + length] for start in starts] or [sound[:length]]


def survival(marked: dict[str, Sound], attacks: dict[str, Attack], most: int) -> list[Row]:
    rows = []
    print(f"\n{'attack':<38} {'5 s':>7} {'whole':>7} {'z, 5 s':>6}")
    for name, attack in attacks.items():
        row = Row(name)
        for sound in marked.values():
            for excerpt in excerpts(sound, most):
                is_read, z = read(*attack(excerpt))
                row.excerpts.append(is_read)
                row.z.append(z)
            row.wholes.append(read(*attack(sound))[0])
        rows.append(row)
        print(row.line(), flush=True)
    return rows


def quality(sounds: dict[str, Sound], marked: dict[str, Sound]) -> dict[str, dict[str, float | None]]:
    found = {}
    print(f"\n{'sound':<12} {'length':>7} {'SNR':>7} {'seg. SNR':>8} {'NMR':>7}  frames over the threshold")
    for name, sound in sounds.items():
        meter = QualityMeter(RATE)
        meter.add(sound, marked[name])
        measured = meter.result()
        found[name] = measured.as_dict()
        print(
            f"{name:<12} {len(sound) / RATE:5.1f} s {measured.snr_db:4.1f} dB {measured.segmental_snr_db:5.1f} dB"
            f" {measured.nmr_db:4.1f} dB  {100 * (measured.disturbed_share or 0):.1f} %"
        )
    return found


def cost(sound: Sound) -> dict[str, float]:
    """Seconds of sound per second of work."""
    seconds = len(sound) / RATE
    started = time.perf_counter()
    marked = mark_sound(sound, RATE, KEY, PAYLOAD)
    embedding_s = time.perf_counter() - started
    timings = {}
    for name, heard in (("detect_marked", marked), ("detect_unmarked", sound)):
        started = time.perf_counter()
        read(heard, RATE)
        timings[name] = time.perf_counter() - started
    print(
        f"\ncost on {seconds:.0f} s of stereo: mark {seconds / embedding_s:.0f} x real time; detect"
        f" {timings['detect_marked']:.2f} s where marked, {timings['detect_unmarked']:.2f} s where not"
    )
    return {"mark_times_real_time": seconds / embedding_s, **timings}


def chance(sounds: dict[str, Sound], trials: int) -> dict[str, float]:
    """The highest pilot of random keys in unmarked sound, against the bound on its probability."""
    folds = []
    for sound in sounds.values():
        for excerpt in excerpts(sound, 3):
            listener = Listener(RATE)
            listener.add(np.ascontiguousarray(excerpt))
            found = cells(listener.units()[0])
            folds += [] if found is None else [Folded(found.fold())]
    per_fold = -(-trials // len(folds))
    rng = np.random.default_rng(7)
    keys = [WatermarkKey("trial", rng.bytes(32)) for _ in range(per_fold)]
    z = np.array([fold.find_pilot(key).z for key in keys for fold in folds])
    print(f"\nchance: {len(z)} trials on unmarked sound, each the best of {SHIFTS} shifts")
    for level in (4.0, 4.5, 5.0, 5.5):
        bound = min(1.0, SHIFTS * exp(-(level**2) / 2))
        print(f"  z > {level}: {np.mean(z > level):.5f} observed, {bound:.5f} bound")
        if np.mean(z > level) > bound + 3 * np.sqrt(bound / len(z)):
            sys.exit("the bound does not hold")
    print(f"  highest {z.max():.2f}")
    wrong = [read(mark_sound(sound, RATE, KEY, PAYLOAD), RATE, OTHER_KEY)[1] for sound in sounds.values()]
    print(f"  marked with another key: {sum(value > 0 for value in wrong)} of {len(wrong)} found")
    return {
        "trials": len(z),
        "highest_z": float(z.max()),
        "wrong_key_found": sum(value > 0 for value in wrong),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three sounds, ten attacks")
    parser.add_argument(
        "--rows", nargs="*", default=[], help="only attacks whose name holds one of these words"
    )
    parser.add_argument("--json", type=Path, help="also write everything there")
    options = parser.parse_args()
    words = options.rows or (QUICK_ATTACKS if options.quick else [""])
    attacks = {name: attack for name, attack in ATTACKS.items() if any(word in name for word in words)}
    sounds = {name: make() for name, make in SOUNDS.items() if not options.quick or name in QUICK_SOUNDS}
    marked = {name: mark_sound(sound, RATE, KEY, PAYLOAD) for name, sound in sounds.items()}
    report = {
        "quality": quality(sounds, marked),
        "survival": [asdict(row) for row in survival(marked, attacks, 1 if options.quick else len(CUTS_S))],
        "chance": chance(sounds, 500 if options.quick else 10_000),
        "cost": cost(next(iter(sounds.values()))),
    }
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
