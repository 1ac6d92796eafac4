"""Video Seal by weight file: 256 bits per frame, marked in a residual that the model computes at 256x256."""

from typing import TYPE_CHECKING

from provenance.watermark.engines.neural import NeuralEngine

if TYPE_CHECKING:
    import torch


class VideoSeal(NeuralEngine):
    """Runs the TorchScript model that the Video Seal project publishes, or one with the same two methods.

    embed(pictures (n, 3, H, W) in 0..1, message (1, 256), is_video) -> pictures; detect(pictures, is_video) ->
    (n, 257) logits, the first of which says whether there is a mark at all and is not used: it is no bound.
    """

    NAME = "videoseal"
    CHANNEL_BITS = 256
    MESSAGE_CHANNEL = (
        "Every frame carries the whole code word of 256 bits, permuted and turned by the key; "
        "the logits of up to 48 frames are added up."
    )
    READS_STILLS = True

    def mark_group(self, pictures: "torch.Tensor", bits: "torch.Tensor", strength: float) -> "torch.Tensor":
        """See NeuralEngine."""
        marked: torch.Tensor = self.model.embed(pictures, bits, True)
        return pictures + strength * (marked - pictures) if strength != 1.0 else marked

    def logits(self, pictures: "torch.Tensor") -> "torch.Tensor":
        """See NeuralEngine. Models that answer per pixel are averaged over the picture."""
        answer: torch.Tensor = self.model.detect(pictures, True)
        return answer.flatten(2).mean(dim=2)[:, 1:] if answer.dim() > 2 else answer[:, 1:]
