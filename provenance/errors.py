"""The errors of this library: a stable code, a sentence saying what is wrong, a hint at what would be right."""


class ProvenanceError(Exception):
    """Base of every error a caller of this library may meet; `code` is stable and may be stored."""

    code = "provenance_error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        """The error as JSON-able text, for crossing a process boundary or an API."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class FileMissing(ProvenanceError):
    """There is no regular file at the given path."""

    code = "file_missing"


class FileEmpty(ProvenanceError):
    """The file has no bytes."""

    code = "file_empty"


class MediaUnreadable(ProvenanceError):
    """The bytes are not media that can be decoded, or stop being so part-way.

    `frames_read` and `seconds_read` say how far reading got before it failed, 0 when no frame came out.
    """

    code = "media_unreadable"

    def __init__(
        self, message: str, hint: str = "", *, frames_read: int = 0, seconds_read: float = 0.0
    ) -> None:
        super().__init__(message, hint)
        self.frames_read = frames_read
        self.seconds_read = seconds_read


class MediaTooLarge(ProvenanceError):
    """The media is larger, longer or has more frames than the limits allow."""

    code = "media_too_large"


class NoVideoStream(ProvenanceError):
    """The file is media, but holds no picture (for example only sound)."""

    code = "no_video_stream"


class FormatNotAllowed(ProvenanceError):
    """The container is of a kind that is never opened, such as a playlist that points at other files."""

    code = "format_not_allowed"


class PictureShape(ProvenanceError):
    """An array handed in is not a picture of the promised shape and type."""

    code = "picture_shape"


class EncodingFailed(ProvenanceError):
    """A file could not be written; nothing of it is left behind."""

    code = "encoding_failed"


class KeyInvalid(ProvenanceError):
    """A watermark key or payload is not of the right size or range."""

    code = "key_invalid"


class FingerprintInvalid(ProvenanceError):
    """A hash handed in does not have the length its algorithm prescribes."""

    code = "fingerprint_invalid"


class SegmentCorrupt(ProvenanceError):
    """A file of the search index is missing, cut short, altered, or of a version this code does not know."""

    code = "segment_corrupt"
