"""Decides what a training scene holds and words it as a prompt; pure, seeded, no torch."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

SUBJECTS: dict[str, tuple[str, ...]] = {
    "car": ("car", "car", "sedan", "automobile"),
    "truck": ("truck", "truck", "lorry", "pickup truck"),
    "house": ("house", "house", "cottage", "home"),
    "tree": ("tree", "tree", "big tree"),
    "boat": ("boat", "boat", "sailboat", "ship", "sailing boat"),
    "balloon": ("hot air balloon", "balloon", "hot-air balloon"),
    "robot": ("robot", "robot", "android"),
    "person": (
        "person in a {color} coat",
        "figure in {color}",
        "woman in a {color} dress",
        "man in a {color} coat",
    ),
    "tower": ("lighthouse", "tower", "lighthouse tower"),
    "dog": ("dog", "dog", "hound"),
}

COLORS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "bright red", "crimson", "scarlet"),
    "blue": ("blue", "blue", "dark blue", "navy", "azure"),
    "green": ("green", "green", "emerald", "dark green"),
    "yellow": ("yellow", "yellow", "bright yellow", "golden yellow"),
    "orange": ("orange", "orange", "bright orange"),
    "purple": ("purple", "purple", "violet", "magenta"),
    "white": ("white", "white", "pale white"),
    "black": ("black", "black", "jet black", "dark"),
}

SETTINGS: dict[str, tuple[str, ...]] = {
    "desert": ("in the desert", "in a sandy desert", "among dunes", "in the sand dunes", "on a desert plain"),
    "sea": ("by the sea", "at the beach", "on the coast", "on a beach", "by the ocean", "at the seaside"),
    "city": (
        "in the city",
        "on a city street",
        "downtown",
        "in a street with tall buildings",
        "in front of a skyline",
    ),
    "forest": ("in the forest", "in a forest", "in the woods", "among pine trees", "in a forest clearing"),
    "mountains": ("in the mountains", "in front of mountains", "in a mountain valley", "below high peaks"),
    "meadow": ("in a meadow", "in a green field", "on a meadow", "in a field of grass", "among green hills"),
    "snow": ("in the snow", "in a snowy landscape", "in winter", "on a snowfield", "in the arctic"),
}

LIGHTS: dict[str, tuple[str, ...]] = {
    "day": (
        "at noon",
        "in bright daylight",
        "on a sunny day",
        "by day",
        "under a clear blue sky",
        "at midday",
    ),
    "sunset": (
        "at sunset",
        "at dusk",
        "under an orange evening sky",
        "in the evening",
        "with the sun going down",
    ),
    "sunrise": ("at sunrise", "at dawn", "in soft pink morning light", "early in the morning"),
    "night": ("at night", "by moonlight", "under the stars", "in the dark of night", "at midnight"),
    "overcast": ("on an overcast day", "under a grey sky", "in cloudy weather", "under heavy clouds"),
    "fog": ("in the fog", "in thick fog", "in mist", "on a misty day"),
}

SHOT_SIZES: dict[str, tuple[str, ...]] = {
    "wide": ("wide shot", "long shot", "establishing shot", "wide view"),
    "medium": ("medium shot", "mid shot", "medium view"),
    "close": ("close-up", "close shot", "close up", "tight shot"),
}

MOVES: dict[str, tuple[str, ...]] = {
    "static": (
        "static camera",
        "locked-off camera",
        "the camera does not move",
        "still camera",
        "tripod shot",
    ),
    "pan left": (
        "the camera pans left",
        "pan left",
        "slow pan to the left",
        "panning left",
        "camera pans to the left",
    ),
    "pan right": (
        "the camera pans right",
        "pan right",
        "slow pan to the right",
        "panning right",
        "camera pans to the right",
    ),
    "tilt up": ("the camera tilts up", "tilt up", "slow tilt upwards", "tilting up"),
    "tilt down": ("the camera tilts down", "tilt down", "slow tilt downwards", "tilting down"),
    "dolly in": ("the camera pushes in", "dolly in", "slow push in", "the camera moves closer", "zoom in"),
    "dolly out": (
        "the camera pulls back",
        "dolly out",
        "slow pull back",
        "the camera moves away",
        "zoom out",
    ),
}

_STYLES = (
    "cinematic",
    "35mm film",
    "film still",
    "highly detailed",
    "4k",
    "anamorphic",
    "moody",
    "shallow depth of field",
    "photorealistic",
    "beautiful light",
    "dramatic",
    "a short film",
)

_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"


@dataclass(frozen=True)
class Scene:
    """One training scene: names are keys of the tables above, `seed` drives the layout and the camera's phase."""

    subject: str
    color: str
    setting: str
    light: str
    shot_size: str
    move: str
    seed: int


def draw_scene(seed: int) -> Scene:
    """A scene drawn uniformly from the whole grammar, the same for the same seed."""
    rng = random.Random(f"scene {seed}")
    # A still camera teaches nothing about motion, so it is drawn like any one move.
    return Scene(
        subject=rng.choice(list(SUBJECTS)),
        color=rng.choice(list(COLORS)),
        setting=rng.choice(list(SETTINGS)),
        light=rng.choice(list(LIGHTS)),
        shot_size=rng.choice(list(SHOT_SIZES)),
        move=rng.choice(list(MOVES)),
        seed=seed,
    )


def caption(scene: Scene, rng: random.Random, keep: float = 0.88) -> str:
    """A prompt for the scene: synonyms, several word orders, each slot kept with probability `keep`."""

    def kept() -> bool:
        return rng.random() < keep

    color = rng.choice(COLORS[scene.color]) if rng.random() < max(keep, 0.94) else ""
    noun = rng.choice(SUBJECTS[scene.subject])
    if "{color}" in noun:
        phrase = noun.replace("{color}", color).replace("in a  ", "in a ").strip()
        phrase = phrase.removesuffix(" in")
    else:
        phrase = f"{color} {noun}".strip()
    article = rng.choice(("a", "a", "the", "one", ""))
    subject = f"{article} {phrase}".strip()
    size = rng.choice(SHOT_SIZES[scene.shot_size]) if kept() else ""
    places = [rng.choice(SETTINGS[scene.setting])] if kept() else []
    if kept():
        places.append(rng.choice(LIGHTS[scene.light]))
    rng.shuffle(places)
    body = " ".join([subject, *places])
    parts = _order(rng, size, body, rng.choice(MOVES[scene.move]) if kept() else "")
    while rng.random() < 0.22:
        parts.insert(rng.randrange(len(parts) + 1), _noise(rng))
    text = ", ".join(parts) if rng.random() < 0.8 else ". ".join(parts) + "."
    return text if rng.random() < 0.3 else text[:1].upper() + text[1:]


def vocabulary_words() -> set[str]:
    """Every word and sign that captions are made of, lower-case, hyphens and other signs on their own."""
    tables = (SUBJECTS, COLORS, SETTINGS, LIGHTS, SHOT_SIZES, MOVES)
    phrases = [phrase for table in tables for phrases in table.values() for phrase in phrases]
    text = " ".join([*phrases, *_STYLES, "a the one of , ."]).replace("{color}", " ")
    return set(re.findall(r"\w+|[^\w\s]", text.lower()))


def _order(rng: random.Random, size: str, body: str, move: str) -> list[str]:
    if size and rng.random() < 0.6:
        parts = [f"{size} of {body}"]
    else:
        parts = [body, size] if rng.random() < 0.5 else [size, body]
    parts = [part for part in parts if part]
    if move:
        parts.insert(rng.choice((0, len(parts), len(parts), len(parts))), move)
    return parts


def _noise(rng: random.Random) -> str:
    # Words outside the grammar must change nothing, so training shows some that carry no meaning.
    if rng.random() < 0.7:
        return rng.choice(_STYLES)
    words = ["".join(rng.choices(_LETTERS, k=rng.randint(2, 9))) for _ in range(rng.randint(1, 3))]
    return " ".join(words)
