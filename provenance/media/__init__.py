"""Reading, writing and copying of pictures, video and sound, safe against hostile files and bounded in memory."""

from provenance.media.audio import (
    AudioBlock,
    AudioFormat,
    AudioInfo,
    AudioNotSupported,
    NoAudioStream,
    probe_audio,
    read_audio,
)
from provenance.media.limits import Limits
from provenance.media.picture import Picture
from provenance.media.poster import poster, write_jpeg
from provenance.media.probing import MediaInfo, probe
from provenance.media.reading import Frame, read_frames
from provenance.media.remuxing import strip_metadata_copy
from provenance.media.writing import VideoWriter

__all__ = [
    "AudioBlock",
    "AudioFormat",
    "AudioInfo",
    "AudioNotSupported",
    "Frame",
    "Limits",
    "MediaInfo",
    "NoAudioStream",
    "Picture",
    "VideoWriter",
    "poster",
    "probe",
    "probe_audio",
    "read_audio",
    "read_frames",
    "strip_metadata_copy",
    "write_jpeg",
]
