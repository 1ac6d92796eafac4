"""What may keep a copy from being handed out, or a clip from being traced."""

from studio.errors import SlateError


class TakeNotReleased(SlateError):
    code = "copy.take_not_released"
    status = 409


class CopyUnproven(SlateError):
    """The finished copy could not be read back; it was thrown away."""

    code = "copy.unproven"


class CopyUnavailable(SlateError):
    code = "copy.file_unavailable"
    status = 503


class CopiesCrowded(SlateError):
    code = "copy.crowded"
    status = 409
