"""Video Seal by weight file: 256 bits per frame, marked in a residual that the model computes at 256x256."""

from typing import TYPE_CHECKING

from provenance.watermark.engines.contract import EngineInfo
from provenance.watermark.engines.neural import NeuralEngine
from provenance.watermark.engines.weights import Weights

if TYPE_CHECKING:
    import torch

NAME = "videoseal"
_LOGITS = 256


class VideoSeal(NeuralEngine):
    """Runs the TorchScript model that the Video Seal project publishes, or one with the same two methods.

    embed(pictures (n, 3, H, W) in 0..1, message (1, 256), is_video) -> pictures; detect(pictures, is_video) ->
    (n, 257) logits, the first of which says whether there is a mark at all and is not used: it is no bound.
    """

    def __init__(self, weights: Weights | None, reason: str = "") -> None:
        super().__init__(NAME, _LOGITS, weights, reason)

    def info(self) -> EngineInfo:
        """See WatermarkEngine."""
        reason = self.why_not()
        return EngineInfo(
            name=NAME,
            algorithm="videoseal-256+slate",
            version="1",
            media_types=("video", "image"),
            channel_bits=_LOGITS,
            keyed=False,
            needs_weights=True,
            licence=self.licence,
            device=self.device,
            is_available=not reason,
            reason=reason,
            message_channel=(
                "Every frame carries the whole code word of 256 bits, permuted and turned by the key; "
                "the logits of up to 48 frames are added up."
            ),
            reads_stills=True,
        )

    def mark_group(self, pictures: "torch.Tensor", bits: "torch.Tensor", strength: float) -> "torch.Tensor":
        """See NeuralEngine."""
        marked: torch.Tensor = self.model.embed(pictures, bits, True)
        return pictures + strength * (marked - pictures) if strength != 1.0 else marked

    def logits(self, pictures: "torch.Tensor") -> "torch.Tensor":
        """See NeuralEngine. Models that answer per pixel are averaged over the picture."""
        answer: torch.Tensor = self.model.detect(pictures, True)
        return answer.flatten(2).mean(dim=2)[:, 1:] if answer.dim() > 2 else answer[:, 1:]
