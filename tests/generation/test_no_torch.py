"""The web process may import everything but the engines' insides without paying for torch."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_asking_what_the_draft_model_can_do_never_imports_torch_or_diffusers() -> None:
    script = """
import sys
from fractions import Fraction
import generation.errors, generation.shots, generation.models, generation.raster
from generation.capabilities import find_capabilities
from generation.engines import open_engine
from generation.models import describe_model
from generation.planning import count_tokens, plan_shot
from generation.shots import Shot
description = describe_model("draft")
shot = Shot("A red car", 49, Fraction(24), 1280, 720, 1)
plan = plan_shot(shot, find_capabilities(description))
assert len(plan.windows) == 1 and count_tokens(description.path, "a red car") > 1
assert len(description.digest) == 64
heavy = {"torch", "diffusers", "transformers"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=120)
