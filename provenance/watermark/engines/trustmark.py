"""TrustMark by weight file: 100 bits per frame, marked in a residual that the model computes at 256x256."""

from typing import TYPE_CHECKING

from provenance.watermark.engines.neural import MODEL_SIDE, NeuralEngine, resize

if TYPE_CHECKING:
    import torch


class TrustMark(NeuralEngine):
    """Runs a TrustMark model exported to TorchScript with two methods.

    encode(cover (n, 3, 256, 256) in -1..1, secret (n, 100)) -> marked cover; decode(picture (n, 3, 256, 256)
    in -1..1) -> (n, 100) logits.
    """

    NAME = "trustmark"
    CHANNEL_BITS = 100
    MESSAGE_CHANNEL = (
        "A frame carries 86 of the 256 code bits and 14 that say which; three stretches of half a second carry "
        "all. One still is a third of the message: it adds to other engines, or finds its take among listed "
        "ones, but it cannot be read alone."
    )
    READS_STILLS = False

    def mark_group(self, pictures: "torch.Tensor", bits: "torch.Tensor", strength: float) -> "torch.Tensor":
        """See NeuralEngine. The model sees the first frame of the group; its residual is added to all of them."""
        cover = resize(pictures[:1], MODEL_SIDE, MODEL_SIDE) * 2 - 1
        marked: torch.Tensor = self.model.encode(cover, bits)
        residual = resize(marked.clamp(-1, 1) - cover, *pictures.shape[-2:]) / 2
        return pictures + strength * residual

    def logits(self, pictures: "torch.Tensor") -> "torch.Tensor":
        """See NeuralEngine."""
        answer: torch.Tensor = self.model.decode(pictures * 2 - 1)
        return answer
