"""Banks of works that must be recognised, what is kept of them, how they came in, and the matches found."""

from studio.references.models.banks import Bank, BankShare
from studio.references.models.fingerprints import Algorithm, ClipTrack, Fingerprint, Keyframe, SoundPrint
from studio.references.models.index_builds import IndexBuild
from studio.references.models.ingests import Ingest, IngestFile
from studio.references.models.matches import Match
from studio.references.models.works import Work, WorkFile

__all__ = [
    "Algorithm",
    "Bank",
    "BankShare",
    "ClipTrack",
    "Fingerprint",
    "IndexBuild",
    "Ingest",
    "IngestFile",
    "Keyframe",
    "Match",
    "SoundPrint",
    "Work",
    "WorkFile",
]
