"""Which edits of a sound are recognised, how often unrelated sounds pass for copies, and what it costs.

    python benchmarks/sound.py [--quick] [--rows WORD ...] [--json FILE]

Sounds: the tracks of the fixture films, a second of speech repeated, and synthetic music and voices. Every edit is put
on excerpts of 5 and of 15 s cut at odd places. Found means: a segment that chance gives less often than once in a
thousand, at the right time. The last column is how many excerpts of 5 s share a key with their original, without which
a search among many works does not come upon it. False alarms are counted over pairs of sounds that have nothing to do
with each other, and set beside the probability that was stated for them. `--quick` takes fewer sounds and edits.
"""

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import sound_material as material  # noqa: E402 (needs the path above)
from benchmarks.audio_watermark import (  # noqa: E402
    ATTACKS,
    RATE,
    Attack,
    Sound,
    faster,
    filtered,
    noisy,
    plain,
    speech,
    track,
)
from provenance.fingerprint.contents import SoundTrack  # noqa: E402
from provenance.fingerprint.sound import QUERY_SPEEDS, SoundFingerprinter, sounds_of  # noqa: E402
from provenance.fingerprint.sound.codes import RATE_HZ, shared_places  # noqa: E402
from provenance.fingerprint.sound.matching import MAX_PROBABILITY, SoundSegment, align_sound  # noqa: E402

FIXTURES = Path(os.environ.get("SLATE_FIXTURES", ROOT.parent / "shared" / "fixtures" / "real"))
FILM = "bigbuckbunny/bbb-480p-30s-video.mp4"
CUTS_S = (1.137, 4.311, 8.402)
LENGTHS_S = (5, 15)
LEVELS = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6)
LARGEST_SHIFT_S = 1.0


def in_stereo(mono: material.Mono) -> Sound:
    sound = resample_poly(mono, RATE, RATE_HZ).astype(np.float32)
    return np.stack([sound, sound], axis=1)


SOUNDS: dict[str, Callable[[], Sound]] = {
    "bunny": lambda: track(FILM, 30),
    "chair": lambda: track("threatexchange/videos/chair-orig-22-sd-bar.mp4", 30),
    "voice": lambda: in_stereo(material.voice(1, 30)),
    "music": lambda: in_stereo(material.music(1, 30)),
    "other voice": lambda: in_stereo(material.voice(2, 30)),
    "other music": lambda: in_stereo(material.music(2, 30)),
    "rain": lambda: in_stereo(material.rain(1, 30, 900)),
}
QUICK_SOUNDS = ("bunny", "chair", "voice", "music")


def under(other: Callable[[], Sound], level_db: float) -> Attack:
    """With another sound over it, so many decibels below it."""
    laid_over = other()

    def mix(sound: Sound) -> Sound:
        added = laid_over[: len(sound)]
        return sound + added * np.std(sound) / np.std(added) * 10 ** (level_db / 20)

    return plain(mix)


def pitched(semitones: float) -> Attack:
    """The pitch changed and the tempo kept."""
    ratio = 2 ** (semitones / 12)
    return filtered(
        ("asetrate", str(round(RATE * ratio))), ("aresample", str(RATE)), ("atempo", f"{1 / ratio:.6f}")
    )


def spliced(sound: Sound) -> Sound:
    around = in_stereo(material.music(99, 12))
    return np.concatenate([around[: 6 * RATE], sound, around[6 * RATE :]])


EDITS: dict[str, Attack] = {
    **{
        name: attack
        for name, attack in ATTACKS.items()
        if not name.startswith(("tempo", "48 to", "noise 30"))
    },
    "within other sound": plain(spliced),
    "speed 24/25": faster(Fraction(24, 25)),
    "tempo 25/24, pitch kept": filtered(("atempo", f"{25 / 24:.6f}")),
    "tempo 24/25, pitch kept": filtered(("atempo", f"{24 / 25:.6f}")),
    "tempo 1.1, pitch kept": filtered(("atempo", "1.1")),
    "pitch + 1/4 semitone, tempo kept": pitched(0.25),
    "pitch + 1 semitone, tempo kept": pitched(1.0),
    "noise 10 dB": noisy(10),
    "voice over it, -12 dB": under(lambda: in_stereo(material.voice(98, 20)), -12),
    "voice over it, -6 dB": under(lambda: in_stereo(material.voice(98, 20)), -6),
    "voice over it, 0 dB": under(lambda: in_stereo(material.voice(98, 20)), 0),
    "music under it, -6 dB": under(lambda: in_stereo(material.music(98, 20)), -6),
    "faded, channels swapped": plain(lambda sound: sound[:, ::-1] * np.linspace(0.2, 1, len(sound))[:, None]),
}
QUICK_EDITS = (
    "none", "AAC 96", "MP3 128", "Opus 24", "44.1", "-12 dB", "mono", "within", "speed 25/24", "tempo 25/24", "echo",
    "telephone", "voice over it, -6", "repost",
)  # fmt: skip


@dataclass
class Row:
    """What became of the excerpts of one length after one edit."""

    edit: str
    seconds: int
    found: list[bool] = field(default_factory=list)
    wrong: int = 0
    keys: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)


def tracks_of(sound: Sound, rate: int = RATE, speeds: tuple[float, ...] = (1.0,)) -> tuple[SoundTrack, ...]:
    ratio = Fraction(RATE_HZ, rate)
    fingerprinter = SoundFingerprinter(speeds)
    mono = resample_poly(sound.mean(axis=1), ratio.numerator, ratio.denominator)
    fingerprinter.add(mono.astype(np.float32)[:, None])
    return fingerprinter.finish()


def is_right(segment: SoundSegment, query_s: float, reference_s: float) -> bool:
    """Whether the segment lays one moment on the other."""
    laid_s = segment.reference_start_s + (query_s - segment.query_start_s) * segment.speed
    return abs(laid_s - reference_s) <= LARGEST_SHIFT_S


def survival(sounds: dict[str, Sound], edits: dict[str, Attack], most: int) -> list[Row]:
    references = {name: tracks_of(sound)[0] for name, sound in sounds.items()}
    rows = []
    print(f"\n{'edit':<38} {'5 s':>7} {'15 s':>7}  wrong  bit errors, 5 s  keys, 5 s")
    for edit, attack in edits.items():
        short, long = (_row(edit, attack, seconds, sounds, references, most) for seconds in LENGTHS_S)
        rows += [short, long]
        errors = f"{np.median(short.errors):.3f}" if short.errors else "    -"
        print(
            f"{edit:<38} {sum(short.found):3d}/{len(short.found):<3d} {sum(long.found):3d}/{len(long.found):<3d}"
            f" {short.wrong + long.wrong:5d}  {errors:>15}  {sum(short.keys):5d}/{len(short.keys):<3d}",
            flush=True,
        )
    return rows


def _row(
    edit: str,
    attack: Attack,
    seconds: int,
    sounds: dict[str, Sound],
    references: dict[str, SoundTrack],
    most: int,
) -> Row:
    row = Row(edit, seconds)
    for (name, sound), cut_s in itertools.product(sounds.items(), CUTS_S[:most]):
        excerpt = sound[int(cut_s * RATE) : int((cut_s + seconds) * RATE)]
        if len(excerpt) < seconds * RATE - 1:
            continue
        changed, rate = attack(excerpt)
        tracks = tracks_of(changed, rate, QUERY_SPEEDS)
        segments = align_sound(tracks, references[name]) if tracks else []
        middle_s = len(changed) / rate / 2
        right = [one for one in segments if is_right(one, middle_s, cut_s + seconds / 2)]
        row.found.append(bool(right))
        row.errors += [right[0].bit_error_rate] if right else []
        row.keys.append(any(len(shared_places(one.codes, references[name].codes)[0]) for one in tracks))
        row.wrong += sum(
            bool(align_sound(tracks, other))
            for label, other in references.items()
            if tracks and label != name
        )
    return row


def augly() -> dict[str, bool]:
    """Another library's edits of a second of speech, each repeated twelve times as the original is."""
    original = tracks_of(speech())[0]
    found = {}
    for path in sorted((FIXTURES / "augly-audio-mono").glob("test_*.wav")):
        once = track(f"augly-audio-mono/{path.name}")
        pause = 1e-4 * np.random.default_rng(0).standard_normal((9600, 2)).astype(np.float32)
        heard = tracks_of(np.concatenate([once, pause] * 12), RATE, QUERY_SPEEDS)
        found[path.stem.removeprefix("test_")] = bool(heard and align_sound(heard, original))
    names = [
        ", ".join(name for name, is_found in found.items() if is_found is wanted) for wanted in (True, False)
    ]
    print(f"\nAugLy's edits of a second of speech, repeated: {sum(found.values())} of {len(found)} found")
    print(f"  found: {names[0]}\n  not found: {names[1]}")
    return found


def chance(sounds: dict[str, Sound], each: int) -> dict[str, object]:
    """How often unrelated sounds of 20 to 30 s reach a stated probability; the seeds are not those of the fit."""
    pool = [
        one
        for name in ("bunny", "chair")
        for one in material.bent(name, resample_poly(sounds[name].mean(axis=1), 147, 640).astype(np.float32))
    ]
    pool += material.synthetic(7, each, 20.0)
    heard = []
    for one in pool:
        fingerprinter = SoundFingerprinter()
        fingerprinter.add(one.sound[:, None])
        heard += [(one, found) for found in fingerprinter.finish()]
    stated, alarms = [], []
    for (one, first), (other, second) in itertools.combinations(heard, 2):
        if one.origin == other.origin:
            continue
        segments = align_sound(first, second, max_probability=0.5)
        stated.append(min((segment.probability for segment in segments), default=1.0))
        if stated[-1] <= MAX_PROBABILITY:
            alarms.append((stated[-1], one.name, other.name))
    print(f"\nfalse alarms over {len(stated)} pairs of unrelated sounds")
    observed = {level: float(np.mean(np.array(stated) <= level)) for level in LEVELS}
    for level, share in observed.items():
        print(f"  stated {level:7.0e}   observed {share:7.1e}   ({round(share * len(stated))} pairs)")
    for probability, one, other in sorted(alarms)[:5]:
        print(f"  {probability:.0e}: {one} and {other}")
    return {"pairs": len(stated), "observed": {f"{level:g}": share for level, share in observed.items()}}


def cost(sound: Sound) -> dict[str, float]:
    """Seconds of sound per second of work, and milliseconds to compare."""
    seconds = len(sound) / RATE
    timings = {
        "fingerprint": lambda: tracks_of(sound),
        "fingerprint, all speeds": lambda: tracks_of(sound, RATE, QUERY_SPEEDS),
        "decode and fingerprint the film": lambda: sounds_of(FIXTURES / FILM, speeds=(1.0,)),
    }
    found = {}
    for name, work in timings.items():
        found[name] = seconds / min(_seconds(work) for _ in range(3))
        print(f"  {name:<34} {found[name]:6.0f} x real time")
    asked = tracks_of(sound[5 * RATE : 15 * RATE], RATE, QUERY_SPEEDS)
    whole = tracks_of(sound)[0]
    film = SoundTrack(whole.start_s, whole.interval_s, np.resize(whole.codes[::-1], 58_000))
    for name, reference in (("30 s", whole), ("two hours", film)):
        found[f"compare with {name}"] = 1000 * min(
            _seconds(lambda it=reference: align_sound(asked, it)) for _ in range(3)
        )
        print(f"  compare 10 s with {name:<16} {found[f'compare with {name}']:6.1f} ms")
    return found


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="four sounds, fourteen edits")
    parser.add_argument(
        "--rows", nargs="*", default=[], help="only edits whose name holds one of these words"
    )
    parser.add_argument("--json", type=Path, help="also write everything there")
    options = parser.parse_args()
    words = options.rows or (QUICK_EDITS if options.quick else [""])
    edits = {name: edit for name, edit in EDITS.items() if any(word in name for word in words)}
    sounds = {name: make() for name, make in SOUNDS.items() if not options.quick or name in QUICK_SOUNDS}
    report = {
        "edits": [asdict(row) for row in survival(sounds, edits, 1 if options.quick else len(CUTS_S))],
        "augly": augly(),
        "chance": chance(sounds, 12 if options.quick else 120),
    }
    print("\ncost, one thread")
    report["cost"] = cost(sounds["bunny"])
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
