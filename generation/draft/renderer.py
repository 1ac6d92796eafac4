"""Renders a scene of the grammar as frames: 2.5D layers under one pinhole camera, seeded, on any torch device."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from generation.draft.camera import CameraPath, camera_path
from generation.draft.grammar import Scene
from generation.draft.landscape import paint_ground, paint_range, paint_sky
from generation.draft.palette import LANDS, LIGHTS, SUBJECT_COLORS, Color
from generation.draft.subjects import EXTENT, parts

FAR_DEPTH = 45.0
MIDDLE_DEPTH = 13.0


def render(
    scene: Scene, frames: int, width: int, height: int, fps: float = 24.0, device: torch.device | str = "cpu"
) -> Tensor:
    """The scene as float32 RGB of shape (T, 3, H, W) in 0..1; the same arguments give the same pixels on one device."""
    where = torch.device(device)
    rng = random.Random(f"layout {scene.seed}")
    path = camera_path(scene, frames, fps, where)
    light, land = LIGHTS[scene.light], LANDS[scene.setting]
    canvas = torch.empty(frames, 3, height, width, device=where)
    # Screen coordinates in frame heights, origin in the middle, y down.
    xs = (torch.arange(width, device=where, dtype=torch.float32) + 0.5 - width / 2) / height
    ys = (torch.arange(height, device=where, dtype=torch.float32) + 0.5 - height / 2) / height
    paint_sky(canvas, xs, ys, path, light, rng)
    paint_range(canvas, xs, ys, path, FAR_DEPTH, land.far, land.far_color, light, light.haze * 0.85, rng)
    water = scene.setting == "sea" or scene.subject == "boat"
    paint_ground(canvas, xs, ys, path, land, light, water_near=scene.subject == "boat", water=water, rng=rng)
    if land.middle != "none":
        paint_range(
            canvas, xs, ys, path, MIDDLE_DEPTH, land.middle, land.middle_color, light, light.haze * 0.4, rng
        )
    _paint_subject(canvas, xs, ys, path, scene, rng)
    return canvas.clamp_(0.0, 1.0)


def _paint_subject(
    canvas: Tensor, xs: Tensor, ys: Tensor, path: CameraPath, scene: Scene, rng: random.Random
) -> None:
    light = LIGHTS[scene.light]
    half_width, tall = EXTENT[scene.subject]
    # Tall things stand farther off so that they stay inside the frame.
    depth = path.depth * max(1.0, 0.55 * tall)
    screen_x, screen_y, scale = path.project(rng.uniform(-0.10, 0.10) * depth, depth)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    lift = 0.0
    if scene.subject == "balloon":
        lift = rng.uniform(0.25, 0.6)
    elif scene.subject == "boat":
        swell = torch.sin(torch.arange(len(scale), device=scale.device) * 0.16 + rng.uniform(0.0, 6.0))
        screen_y = screen_y + 0.012 * swell * scale * path.depth
    window = _window(xs, ys, screen_x, screen_y, scale, half_width, tall + lift)
    if window is None:
        return
    rows, columns = window
    view = canvas[:, :, rows, columns]
    x = (xs[columns][None, None, :] - screen_x[:, None, None]) / scale[:, None, None]
    y = (screen_y[:, None, None] - ys[rows][None, :, None]) / scale[:, None, None]
    sharpness = canvas.shape[2] * scale[:, None, None]
    _shadow(view, x, y, half_width, sharpness)
    x, y = (x * flip).expand(-1, y.shape[1], -1), (y - lift).expand(-1, -1, x.shape[2])
    shade = (0.74 + 0.34 * (y / tall).clamp(0, 1)).unsqueeze(1)
    haze = light.haze * (0.30 if scene.light == "fog" else 0.06)
    for distance, color in parts(scene.subject, x, y, SUBJECT_COLORS[scene.color]):
        lit = _lit(color, light.ambient, canvas.device) * shade
        lit = lit * (1 - haze) + torch.tensor(light.horizon, device=canvas.device).view(1, 3, 1, 1) * haze
        view.lerp_(lit, (0.5 - distance * sharpness).clamp(0, 1).unsqueeze(1))


def _window(
    xs: Tensor, ys: Tensor, screen_x: Tensor, screen_y: Tensor, scale: Tensor, half_width: float, tall: float
) -> tuple[slice, slice] | None:
    """The rows and columns the subject can touch in any frame, or None if it is never in view."""
    reach = (half_width + 0.2) * scale
    left, right = float((screen_x - reach).min()), float((screen_x + reach).max())
    top, bottom = float((screen_y - (tall + 0.2) * scale).min()), float((screen_y + 0.2 * scale).max())
    columns = torch.nonzero((xs >= left) & (xs <= right)).flatten()
    rows = torch.nonzero((ys >= top) & (ys <= bottom)).flatten()
    if len(columns) == 0 or len(rows) == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shadow(view: Tensor, x: Tensor, y: Tensor, half_width: float, sharpness: Tensor) -> None:
    reach = ((x / (half_width * 1.02)) ** 2 + (y / 0.16) ** 2).sqrt() - 1.0
    alpha = (0.5 - reach * sharpness * 0.16).clamp(0, 1) * 0.34
    view.mul_((1 - alpha).unsqueeze(1))


def _lit(color: Color, ambient: Color, device: torch.device) -> Tensor:
    return torch.tensor([c * a for c, a in zip(color, ambient, strict=True)], device=device).view(1, 3, 1, 1)
