"""Paints sky, ranges and ground of a rendered scene, each at its depth, so that camera travel gives true parallax."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from generation.draft.camera import EYE_HEIGHT, CameraPath
from generation.draft.palette import SNOWCAP, WATER, Color, Land, Light


def rgb(color: Color, like: Tensor) -> Tensor:
    """A colour as a (1, 3, 1, 1) tensor on the canvas' device."""
    return torch.tensor(color, device=like.device, dtype=like.dtype).view(1, 3, 1, 1)


def paint_sky(
    canvas: Tensor, xs: Tensor, ys: Tensor, path: CameraPath, light: Light, rng: random.Random
) -> None:
    """Fills the canvas (T, 3, H, W) with the sky: it turns with the camera but never shows travel."""
    height = canvas.shape[2]
    elevation = path.turn_y[:, None] - ys[None, :]
    share = (elevation / 0.62).clamp(0, 1).sqrt()[:, None, :, None]
    canvas.copy_(rgb(light.horizon, canvas).lerp(rgb(light.zenith, canvas), share).expand_as(canvas))
    x = xs[None, None, :] - path.turn_x[:, None, None]
    y = elevation[:, :, None]
    if light.stars:
        _stars(canvas, x, y, light.stars, rng)
    disc_x, disc_y = rng.uniform(-0.6, 0.6), light.disc_height * rng.uniform(0.85, 1.1)
    if light.disc is not None:
        distance = ((x - disc_x) ** 2 + (y - disc_y) ** 2).sqrt()
        glow = (1 - distance / 0.42).clamp(min=0) ** 2 * 0.5
        canvas.lerp_(rgb(light.disc, canvas), glow.unsqueeze(1))
        canvas.lerp_(rgb(light.disc, canvas), ((0.055 - distance) * height + 0.5).clamp(0, 1).unsqueeze(1))
    if light.clouds:
        _clouds(canvas, x, y, light, rng)


def _stars(canvas: Tensor, x: Tensor, y: Tensor, count: int, rng: random.Random) -> None:
    height, width = canvas.shape[2:]
    for _ in range(count):
        sx, sy, glow = rng.uniform(-1.6, 1.6), rng.uniform(0.06, 0.9), rng.uniform(0.35, 1.0)
        # A star covers one pixel, so only that one is touched.
        column = torch.round((sx - x[:, 0, 0]) * height).long()
        row = torch.round((y[:, 0, 0] - sy) * height).long()
        seen = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        frames = torch.nonzero(seen).flatten()
        canvas[frames, :, row[frames], column[frames]] = glow


def _clouds(canvas: Tensor, x: Tensor, y: Tensor, light: Light, rng: random.Random) -> None:
    tint = tuple(min(1.0, 0.45 * h + 0.55 * a) for h, a in zip(light.horizon, light.ambient, strict=True))
    if light.clouds >= 1.0:
        tint = (tint[0] * 0.93, tint[1] * 0.94, tint[2] * 0.96)
    alpha = torch.zeros(1, device=canvas.device)
    for _ in range(round(3 + 4 * light.clouds)):
        cx, cy = rng.uniform(-1.3, 1.3), rng.uniform(0.16, 0.52)
        wide, high = rng.uniform(0.14, 0.34), rng.uniform(0.02, 0.05)
        reach = 1 - ((x - cx) / wide) ** 2 - ((y - cy) / high) ** 2
        alpha = torch.maximum(alpha, reach.clamp(0, 1))
    canvas.lerp_(rgb((tint[0], tint[1], tint[2]), canvas), (alpha * 0.8).unsqueeze(1))


def paint_ground(
    canvas: Tensor,
    xs: Tensor,
    ys: Tensor,
    path: CameraPath,
    land: Land,
    light: Light,
    *,
    water: bool,
    water_near: bool,
    rng: random.Random,
) -> None:
    """Paints the plane below the horizon; water lies behind a shore, or everywhere for a boat (`water_near`)."""
    height = canvas.shape[2]
    drop = (ys[None, :] - path.turn_y[:, None]).clamp(min=1e-4)
    first = int((drop > 1.5e-4).any(0).float().argmax())
    drop = drop[:, first:]
    below = ((ys[None, first:] - path.turn_y[:, None]) * height + 0.5).clamp(0, 1)[:, None, :, None]
    depth = EYE_HEIGHT / drop + path.z[:, None]
    x = (xs[None, None, :] - path.turn_x[:, None, None]) * (EYE_HEIGHT / drop)[:, :, None] + path.x[
        :, None, None
    ]
    near = (drop / 0.5).clamp(0, 1)
    color = rgb(land.ground_far, canvas).lerp(rgb(land.ground_near, canvas), near.sqrt()[:, None, :, None])
    # Fine ground texture fades with distance, where it would only shimmer.
    fade = (drop * 9.0).clamp(0, 1)[:, :, None]
    a, b, c = rng.uniform(0, 6), rng.uniform(0, 6), rng.uniform(0, 6)
    z = depth[:, :, None]
    ripple = torch.sin(x * 2.3 + 0.9 * torch.sin(z * 1.3 + a) + b) * torch.sin(
        z * 2.1 + 0.7 * torch.sin(x * 1.1) + c
    )
    color = color * (1 + land.texture * (fade * ripple).unsqueeze(1))
    if land.far == "skyline":
        lane = (((x - 0.35).abs() - 0.07) * -30 + 0.5).clamp(0, 1) * (torch.sin(z * 1.6) > 0) * fade
        color = color.lerp(rgb((0.88, 0.86, 0.76), canvas), (lane * 0.8).unsqueeze(1))
    if water:
        color = _with_water(color, canvas, z, x, light, water_near, fade, rng)
    color = color * rgb(light.ambient, canvas)
    haze = (light.haze * (1 - near) ** 3)[:, None, :, None]
    color = color.lerp(rgb(light.horizon, canvas), haze)
    canvas[:, :, first:].lerp_(color, below)


def _with_water(
    color: Tensor,
    canvas: Tensor,
    z: Tensor,
    x: Tensor,
    light: Light,
    near: bool,
    fade: Tensor,
    rng: random.Random,
) -> Tensor:
    frames = z.shape[0]
    time = torch.arange(frames, device=z.device, dtype=z.dtype)[:, None, None]
    waves = torch.sin(z * 3.2 - time * 0.22 + torch.sin(x * 0.8) + rng.uniform(0, 6)) * fade
    sea = rgb(WATER, canvas).lerp(rgb(light.horizon, canvas), 0.22) * (1 + 0.13 * waves.unsqueeze(1))
    if near:
        return sea.expand_as(color) if sea.shape == color.shape else sea + color * 0
    shore = ((z - 9.0 - 0.5 * torch.sin(x * 0.5)) * 4.0).clamp(0, 1).unsqueeze(1)
    return color.lerp(sea, shore)


def paint_range(
    canvas: Tensor,
    xs: Tensor,
    ys: Tensor,
    path: CameraPath,
    depth: float,
    kind: str,
    color: Color,
    light: Light,
    haze: float,
    rng: random.Random,
) -> None:
    """Paints one silhouette (hills, peaks, skyline, trees, ...) standing on the ground at `depth`."""
    scale = 1.0 / (depth - path.z).clamp(min=0.4)
    x = (xs[None, :] - path.turn_x[:, None]) / scale[:, None] + path.x[:, None]
    profile = _profile(kind, x, depth, rng)
    foot = EYE_HEIGHT * scale + path.turn_y
    y_up = (foot[:, None] - ys[None, :]) / scale[:, None]
    sharpness = (canvas.shape[2] * scale)[:, None, None]
    alpha = ((profile[:, None, :] - y_up[:, :, None]) * sharpness + 0.5).clamp(0, 1)
    alpha = alpha * ((y_up[:, :, None]) * sharpness + 0.5).clamp(0, 1)
    lit = rgb(color, canvas) * rgb(light.ambient, canvas)
    lit = lit.lerp(rgb(light.horizon, canvas), haze)
    if kind in ("skyline", "blocks"):
        lit = _windows(lit, canvas, x, y_up, depth, light)
    elif kind == "peaks":
        cap = ((y_up[:, :, None] - 0.62 * profile[:, None, :]) / depth * 60).clamp(0, 1).unsqueeze(1)
        snow = (rgb(SNOWCAP, canvas) * rgb(light.ambient, canvas)).lerp(rgb(light.horizon, canvas), haze)
        lit = lit.lerp(snow, cap)
    rows = torch.nonzero(alpha.amax(dim=(0, 2)) > 0).flatten()
    if len(rows) == 0:
        return
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    lit = lit[:, :, span] if lit.shape[2] > 1 else lit
    canvas[:, :, span].lerp_(lit, alpha[:, span].unsqueeze(1))


def _windows(lit: Tensor, canvas: Tensor, x: Tensor, y_up: Tensor, depth: float, light: Light) -> Tensor:
    cell = depth * 0.035
    across = ((x / cell) % 1.0 - 0.5).abs()[:, None, :] < 0.24
    up = ((y_up / (cell * 1.3)) % 1.0 - 0.5).abs()[:, :, None] < 0.22
    which = torch.sin(
        torch.floor(x / cell)[:, None, :] * 12.9898 + torch.floor(y_up / (cell * 1.3))[:, :, None] * 78.233
    )
    pane = (across & up & (which > -0.2)).unsqueeze(1).to(canvas.dtype)
    bright = rgb((1.0, 0.86, 0.45), canvas) if light.stars else lit * 0.72
    return lit.lerp(bright.expand_as(lit), pane * 0.8)


def _profile(kind: str, x: Tensor, depth: float, rng: random.Random) -> Tensor:
    """Height of the silhouette above the ground, in world units, at every x of shape (T, W)."""
    u = x / depth + rng.uniform(0, 50)
    phases = [rng.uniform(0, 6.28) for _ in range(3)]
    if kind in ("hills", "dunes", "whitehills", "island"):
        hill = 0.5 + 0.3 * torch.sin(3.1 * u + phases[0]) + 0.2 * torch.sin(7.3 * u + phases[1])
        if kind == "dunes":
            hill = 0.6 * hill + 0.4 * (1 - 2 * ((1.7 * u) % 1.0 - 0.5).abs())
        top = {"hills": 0.14, "dunes": 0.13, "whitehills": 0.16, "island": 0.10}[kind]
        return (hill - (0.55 if kind == "island" else 0.0)).clamp(min=0) * top * depth
    if kind == "peaks":
        ridge = torch.zeros_like(u)
        for frequency, top, phase in (
            (1.4, 0.30, phases[0]),
            (3.1, 0.16, phases[1]),
            (6.7, 0.06, phases[2]),
        ):
            ridge = ridge + top * (1 - 2 * ((frequency * u + phase) % 1.0 - 0.5).abs())
        return ridge * 0.72 * depth
    cell, low, high = {
        "skyline": (0.13, 0.12, 0.40),
        "treeline": (0.055, 0.10, 0.19),
        "blocks": (0.42, 0.0, 0.42),
        "conifers": (0.17, 0.0, 0.34),
        "cacti": (0.30, 0.0, 0.16),
        "rocks": (0.26, 0.0, 0.10),
        "bushes": (0.20, 0.0, 0.08),
    }[kind]
    index = torch.floor(u / cell)
    chance = (torch.sin(index * 91.17 + phases[0]) * 43758.5453) % 1.0
    local = ((u / cell) % 1.0 - 0.5).abs() * 2
    tall = low + (high - low) * chance
    if low == 0.0:
        tall = torch.where(chance > 0.42, tall, torch.zeros_like(tall))
    shape = {
        "skyline": (local < 0.94).to(u.dtype),
        "blocks": (local < 0.72).to(u.dtype),
        "treeline": 1 - 0.75 * local,
        "conifers": (1 - local).clamp(min=0),
        "cacti": (local < 0.14).to(u.dtype) + 0.55 * ((local > 0.30) & (local < 0.42)).to(u.dtype),
        "rocks": (1 - local**2).clamp(min=0).sqrt(),
        "bushes": (1 - local**2).clamp(min=0).sqrt(),
    }[kind]
    return tall * shape * depth
