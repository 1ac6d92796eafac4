"""A rendered scene shows what its spec says: colour, light and camera move can be measured in the pixels."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from generation.draft.grammar import COLORS, LIGHTS, MOVES, SETTINGS, SUBJECTS, Scene, draw_scene
from generation.draft.renderer import render

SCENE = Scene("car", "red", "meadow", "day", "medium", "static", seed=11)


def _render(scene: Scene, frames: int = 1, width: int = 144, height: int = 80) -> torch.Tensor:
    return render(scene, frames, width, height)


def _flow(scene: Scene, first: int = 0, last: int = 8) -> np.ndarray:
    frames = (render(scene, last + 1, 288, 160).mean(1) * 255).byte().numpy()
    return cv2.calcOpticalFlowFarneback(frames[first], frames[last], None, 0.5, 4, 25, 5, 7, 1.5, 0)


def test_the_same_scene_gives_the_same_pixels() -> None:
    assert torch.equal(_render(SCENE, 3), _render(SCENE, 3))
    assert not torch.equal(_render(SCENE), _render(replace(SCENE, seed=12)))


@pytest.mark.parametrize("seed", range(12))
def test_any_scene_renders_finite_colours_in_range(seed: int) -> None:
    frames = _render(draw_scene(seed), 2)
    assert frames.shape == (2, 3, 80, 144)
    assert torch.isfinite(frames).all()
    assert frames.min() >= 0
    assert frames.max() <= 1
    assert frames.std() > 0.03


def test_every_subject_setting_light_and_colour_renders_differently() -> None:
    pictures = [
        *(_render(replace(SCENE, subject=name)) for name in SUBJECTS),
        *(_render(replace(SCENE, setting=name)) for name in SETTINGS if name != SCENE.setting),
        *(_render(replace(SCENE, light=name)) for name in LIGHTS if name != SCENE.light),
        *(_render(replace(SCENE, color=name)) for name in COLORS if name != SCENE.color),
    ]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert (one - other).abs().max() > 0.1


@pytest.mark.parametrize(("color", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_the_subjects_colour_is_the_one_asked_for(color: str, channel: int) -> None:
    neutral = _render(replace(SCENE, color="black", setting="snow"))
    colored = _render(replace(SCENE, color=color, setting="snow"))
    painted = (colored - neutral).abs().amax(1) > 0.05
    mean = colored.permute(1, 0, 2, 3)[:, painted].mean(1)
    assert painted.float().mean() > 0.01
    assert int(mean.argmax()) == channel


def test_night_is_the_darkest_light() -> None:
    brightness = {light: float(_render(replace(SCENE, light=light)).mean()) for light in LIGHTS}
    assert min(brightness, key=lambda light: brightness[light]) == "night"
    assert brightness["night"] < 0.6 * brightness["day"]


@pytest.mark.parametrize(("move", "axis", "sign"), [
    ("pan left", 0, 1), ("pan right", 0, -1), ("tilt up", 1, 1), ("tilt down", 1, -1),
])  # fmt: skip
def test_turning_the_camera_moves_the_picture_the_other_way(move: str, axis: int, sign: int) -> None:
    flow = _flow(replace(SCENE, setting="city", move=move))
    assert sign * np.median(flow[..., axis]) > 2.0
    assert abs(np.median(flow[..., 1 - axis])) < 0.5


def _subject(scene: Scene, frames: int) -> torch.Tensor:
    """Where the subject is, as booleans (T, H, W): it is all that changes with its colour."""
    one, other = (render(replace(scene, color=color), frames, 288, 160) for color in ("red", "blue"))
    return (one - other).abs().amax(1) > 0.15


def test_a_dolly_in_makes_the_subject_grow() -> None:
    seen = _subject(replace(SCENE, move="dolly in"), 25).any(1).sum(1)
    assert seen[24] > 1.1 * seen[0]


def test_a_travelling_camera_shows_parallax() -> None:
    scene = replace(SCENE, setting="city", move="pan right")
    middle = [float(torch.nonzero(mask)[:, 1].float().mean()) for mask in _subject(scene, 9)]
    skyline = float(np.median(_flow(scene)[60:80, :, 0]))
    # The camera travels with its turn, so the near subject moves more than the far skyline.
    assert middle[8] - middle[0] < skyline - 1.0 < -5.0


def test_a_locked_camera_keeps_the_background_still() -> None:
    frames = render(replace(SCENE, setting="city"), 9, 144, 80)
    assert torch.equal(frames[0], frames[8])


def test_moves_do_not_depend_on_the_length_of_the_clip() -> None:
    scene = replace(SCENE, move="pan left")
    short, long = render(scene, 9, 144, 80), render(scene, 25, 144, 80)
    # Both are centred on the same moment.
    assert torch.allclose(short, long[8:17], atol=1e-4)


def test_a_move_shows_in_every_moving_scene() -> None:
    for move in set(MOVES) - {"static"}:
        frames = render(replace(SCENE, move=move), 9, 144, 80)
        assert (frames[0] - frames[8]).abs().mean() > 0.005
