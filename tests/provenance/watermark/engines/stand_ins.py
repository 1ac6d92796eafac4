"""Tiny TorchScript models with the shapes and methods of Video Seal and TrustMark: stand-ins, not those models.

The readable ones are built, not trained: each message bit adds or takes away one cosine of the discrete cosine
transform, and the decoder measures these cosines. A real picture has energy there too, which is the noise.
"""

import warnings
from pathlib import Path

import numpy as np
import torch

SIDE = 256


def _cosines(count: int, first: int, step: int = 1) -> torch.Tensor:
    """(count, 256) rows of the orthonormal cosine transform from frequency `first` on."""
    frequency = first + step * np.arange(count)[:, None]
    rows = np.cos(np.pi / SIDE * (np.arange(SIDE) + 0.5) * frequency) * np.sqrt(2 / SIDE)
    return torch.from_numpy(rows.astype(np.float32))


class ReadableVideoSeal(torch.nn.Module):
    """256 bits as a block of 16x16 cosines of the luma; methods as the published TorchScript model has them."""

    def __init__(self, strength: float, first: int = 30) -> None:
        super().__init__()
        self.strength = strength
        self.register_buffer("rows", _cosines(16, first))
        self.register_buffer("weights", torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1))

    def forward(self, imgs: torch.Tensor) -> torch.Tensor:
        return self.detect(imgs, False)

    @torch.jit.export
    def embed(self, imgs: torch.Tensor, msgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        signs = (2 * msgs - 1).view(-1, 16, 16)
        residual = torch.matmul(torch.matmul(self.rows.t(), signs), self.rows).unsqueeze(1) * self.strength
        large = torch.nn.functional.interpolate(
            residual, size=imgs.shape[-2:], mode="bilinear", align_corners=False
        )
        return torch.clamp(imgs + large, 0.0, 1.0)

    @torch.jit.export
    def detect(self, imgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        small = torch.nn.functional.interpolate(imgs, size=(256, 256), mode="bilinear", align_corners=False)
        luma = (small * self.weights).sum(dim=1)
        seen = torch.matmul(torch.matmul(self.rows, luma), self.rows.t()).flatten(1)
        return torch.cat([torch.ones_like(seen[:, :1]), 10 * seen], dim=1)


class ReadableTrustMark(torch.nn.Module):
    """100 bits as a block of 10x10 cosines, of pictures in -1..1; encode and decode as our export names them."""

    def __init__(self, strength: float, first: int = 60) -> None:
        super().__init__()
        self.strength = strength
        self.register_buffer("rows", _cosines(10, first))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.decode(picture)

    @torch.jit.export
    def encode(self, cover: torch.Tensor, secret: torch.Tensor) -> torch.Tensor:
        signs = (2 * secret - 1).view(-1, 10, 10)
        residual = torch.matmul(torch.matmul(self.rows.t(), signs), self.rows).unsqueeze(1) * self.strength
        return cover + residual

    @torch.jit.export
    def decode(self, picture: torch.Tensor) -> torch.Tensor:
        return 10 * torch.matmul(torch.matmul(self.rows, picture.mean(dim=1)), self.rows.t()).flatten(1)


class RandomVideoSeal(torch.nn.Module):
    """Random convolutions of the right shapes: marks and reads nothing anybody could use."""

    def __init__(self, logits: int = 257) -> None:
        super().__init__()
        self.spread = torch.nn.Linear(256, 64)
        self.paint = torch.nn.Conv2d(2, 1, 3, padding=1)
        self.look = torch.nn.Conv2d(3, 8, 9, stride=8)
        self.answer = torch.nn.Linear(8, logits)

    def forward(self, imgs: torch.Tensor) -> torch.Tensor:
        return self.detect(imgs, False)

    @torch.jit.export
    def embed(self, imgs: torch.Tensor, msgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        plane = torch.nn.functional.interpolate(self.spread(msgs).view(-1, 1, 8, 8), size=imgs.shape[-2:])
        both = torch.cat([imgs.mean(dim=1, keepdim=True), plane.expand(imgs.shape[0], -1, -1, -1)], dim=1)
        return torch.clamp(imgs + 0.02 * torch.tanh(self.paint(both)), 0.0, 1.0)

    @torch.jit.export
    def detect(self, imgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        return self.answer(torch.relu(self.look(imgs)).mean(dim=(2, 3)))


class RandomTrustMark(torch.nn.Module):
    """Random convolutions of the right shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.spread = torch.nn.Linear(100, 64)
        self.look = torch.nn.Conv2d(3, 8, 9, stride=8)
        self.answer = torch.nn.Linear(8, 100)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return self.decode(picture)

    @torch.jit.export
    def encode(self, cover: torch.Tensor, secret: torch.Tensor) -> torch.Tensor:
        plane = torch.nn.functional.interpolate(self.spread(secret).view(-1, 1, 8, 8), size=(256, 256))
        return cover + 0.02 * torch.tanh(plane)

    @torch.jit.export
    def decode(self, picture: torch.Tensor) -> torch.Tensor:
        return self.answer(torch.relu(self.look(picture)).mean(dim=(2, 3)))


class FragileVideoSeal(RandomVideoSeal):
    """Runs on plain grey pictures only."""

    @torch.jit.export
    def embed(self, imgs: torch.Tensor, msgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        if float(imgs.std()) > 0.0:
            raise RuntimeError("out of patience")
        return imgs

    @torch.jit.export
    def detect(self, imgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        if float(imgs.std()) > 0.0:
            raise RuntimeError("out of patience")
        return torch.zeros(imgs.shape[0], 257)


class SpeechlessVideoSeal(RandomVideoSeal):
    """Answers with infinities and with what is no number."""

    @torch.jit.export
    def detect(self, imgs: torch.Tensor, is_video: bool = False) -> torch.Tensor:
        answer = torch.full((imgs.shape[0], 257), float("nan"))
        answer[:, ::2] = float("inf")
        return answer


def save(model: torch.nn.Module, path: Path) -> Path:
    """Writes a model as TorchScript."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(model.eval()), str(path))
    return path


class _Export(torch.nn.Module):
    """The wrapper that the documentation gives for exporting a TrustMark model."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def encode(self, cover: torch.Tensor, secret: torch.Tensor) -> torch.Tensor:
        return self.model.encode(cover, secret)

    def decode(self, picture: torch.Tensor) -> torch.Tensor:
        return self.model.decode(picture)


def save_traced(model: torch.nn.Module, path: Path) -> Path:
    """Writes a TrustMark stand-in the way a real one is exported: two methods traced on one picture."""
    picture = torch.zeros(1, 3, SIDE, SIDE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace_module(
            _Export(model).eval(), {"encode": (picture, torch.zeros(1, 100)), "decode": (picture,)}
        )
        torch.jit.save(traced, str(path))
    return path
