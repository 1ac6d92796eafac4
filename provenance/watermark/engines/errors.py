"""What can go wrong with an engine: it is switched off, or its weights are not what they are declared to be."""

from provenance.errors import ProvenanceError


class EngineUnavailable(ProvenanceError):
    """The engine cannot run here; the message says why."""

    code = "engine_unavailable"


class WeightsUnusable(ProvenanceError):
    """The weights file was found and has the declared digest, but is no model of the promised shapes."""

    code = "weights_unusable"


class EngineFailed(ProvenanceError):
    """The model broke off while it ran, for example because the device ran out of memory."""

    code = "engine_failed"


class StillUnsupported(ProvenanceError):
    """The picture is intact, but of a kind that cannot be marked without changing what it is."""

    code = "still_unsupported"


class MarkUnreadable(ProvenanceError):
    """The picture was marked, but its own mark could not be read back; nothing was written."""

    code = "mark_unreadable"
