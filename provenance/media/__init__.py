"""Reading, writing and copying of pictures and video, safe against hostile files and bounded in memory."""

from provenance.media.limits import Limits
from provenance.media.picture import Picture
from provenance.media.poster import poster, write_jpeg
from provenance.media.probing import MediaInfo, probe
from provenance.media.reading import Frame, read_frames
from provenance.media.remuxing import strip_metadata_copy
from provenance.media.writing import VideoWriter

__all__ = [
    "Frame",
    "Limits",
    "MediaInfo",
    "Picture",
    "VideoWriter",
    "poster",
    "probe",
    "read_frames",
    "strip_metadata_copy",
    "write_jpeg",
]
