"""What can be wrong with sound that is handed to the watermark."""

from provenance.errors import ProvenanceError


class SoundShape(ProvenanceError):
    """An array handed in is not sound of the promised shape, type or sample rate."""

    code = "sound_shape"
