"""The camera of a rendered scene: where it looks in every frame, as a pinhole that turns, travels and pushes in."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from generation.draft.grammar import Scene

# Distance of the subject in world units for each shot size; the focal length is one frame height.
SUBJECT_DEPTH = {"wide": 5.8, "medium": 3.9, "close": 2.6}
EYE_HEIGHT = 0.85

# Per second: turn in frame heights, sideways travel in shares of the subject's depth.
_PAN_TURN = 0.19
_PAN_TRAVEL = 0.06
_TILT_TURN = 0.17
_DOLLY = 0.17


@dataclass(frozen=True)
class CameraPath:
    """Per-frame camera state, each a tensor of shape (T,).

    `turn_x` and `turn_y` shift the whole picture (frame heights, rotation), `x` is sideways travel and `z` forward
    travel in world units; `depth` is the subject's distance at z = 0.
    """

    turn_x: Tensor
    turn_y: Tensor
    x: Tensor
    z: Tensor
    depth: float

    def project(self, x: float, depth: float) -> tuple[Tensor, Tensor, Tensor]:
        """Screen x of the world point x at that depth, screen y of the ground there, and the scale, each (T,)."""
        scale = 1.0 / (depth - self.z).clamp(min=0.4)
        return (x - self.x) * scale + self.turn_x, EYE_HEIGHT * scale + self.turn_y, scale


def camera_path(scene: Scene, frames: int, fps: float, device: torch.device) -> CameraPath:
    """The path for `frames` frames; its speed per second never depends on the clip's length."""
    rng = random.Random(f"camera {scene.seed}")
    depth = SUBJECT_DEPTH[scene.shot_size] * rng.uniform(0.94, 1.08)
    phase = rng.uniform(-0.45, 0.45)
    seconds = (torch.arange(frames, device=device, dtype=torch.float32) - (frames - 1) / 2) / fps + phase
    speed = rng.uniform(0.85, 1.15)
    zero = torch.zeros_like(seconds)
    base_y = rng.uniform(-0.03, 0.05)
    turn_x, turn_y, x, z = zero, zero + base_y, zero, zero
    if scene.move in ("pan left", "pan right"):
        # Turning right moves the picture left; a little travel beside the turn gives near things more of it.
        way = 1.0 if scene.move == "pan right" else -1.0
        turn_x = -way * _PAN_TURN * speed * seconds
        x = way * _PAN_TRAVEL * depth * speed * seconds
    elif scene.move in ("tilt up", "tilt down"):
        way = 1.0 if scene.move == "tilt up" else -1.0
        turn_y = base_y + way * _TILT_TURN * speed * seconds
    elif scene.move in ("dolly in", "dolly out"):
        way = 1.0 if scene.move == "dolly in" else -1.0
        z = way * _DOLLY * depth * speed * seconds
    return CameraPath(turn_x, turn_y, x, z, depth)
