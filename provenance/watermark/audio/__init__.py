"""The same keyed mark of 72 bits in the sound of a clip: in the levels of small cells of time and frequency."""

from provenance.watermark.audio.detect import AudioDetector
from provenance.watermark.audio.embed import AudioEmbedder, mark_sound
from provenance.watermark.audio.errors import SoundShape
from provenance.watermark.audio.findings import AudioDetection, AudioSpan
from provenance.watermark.audio.quality import QualityMeter, SoundQuality
from provenance.watermark.audio.tracks import TrackMark, TrackMarker, detect_in_file, mark_track

AUDIO_ALGORITHM = "soundmark/1"

__all__ = [
    "AUDIO_ALGORITHM",
    "AudioDetection",
    "AudioDetector",
    "AudioEmbedder",
    "AudioSpan",
    "QualityMeter",
    "SoundQuality",
    "SoundShape",
    "TrackMark",
    "TrackMarker",
    "detect_in_file",
    "mark_sound",
    "mark_track",
]
