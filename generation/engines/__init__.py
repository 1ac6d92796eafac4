"""The door to generation: `open_engine` gives an engine for any checkpoint; importing this does not import torch."""

from __future__ import annotations

import os

from generation.engines.contract import Engine, Latents, Progress

__all__ = ["Engine", "Latents", "Progress", "open_engine"]


def open_engine(model: str = "draft", *, device: str = "auto", threads: int | None = None) -> Engine:
    """Loads a checkpoint and returns its engine.

    `model` is "draft", a folder or a hub id (downloaded if it is not on this machine). `device` is "auto", "cpu",
    "cuda" or "cuda:1" and so on. `threads` caps the CPU threads; by default the cores this process may use. Raises
    ModelNotFound, NotAPipeline, DeviceUnavailable or OutOfMemory.
    """
    # Read when torch is first imported: on a busy machine, threads that spin while they wait cost tenfold time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from generation.engines.diffusers_engine import DiffusersEngine

    return DiffusersEngine(model, device=device, threads=threads)
