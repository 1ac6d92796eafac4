"""Says in sentences what the layers answered when a take's finished file was read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LayerAnswer:
    name: str
    title: str
    sentence: str


def gate_answers(layers: Mapping[str, Any]) -> list[LayerAnswer]:
    """The gate report's layers in the order credential, watermark, fingerprint."""
    credential, mark, prints = layers["credential"], layers["watermark"], layers["fingerprint"]
    state = str(credential["state"]).replace("_", " ")
    agreement, frames = float(prints["agreement"]), int(prints["frames"])
    return [
        LayerAnswer("credential", "Content Credentials", f"Read back as {state}."),
        LayerAnswer(
            "watermark",
            "Watermark",
            f"Read back from the encoded file, {float(mark['z']):.1f} standard deviations above chance.",
        ),
        LayerAnswer(
            "fingerprint",
            "Fingerprint",
            f"{agreement:.0%} of {frames} sampled frames agree with what was rendered.",
        ),
    ]
