"""Weighs what the layers found about a file into one honest answer; pure, no I/O."""

from provenance.verdict.decide import Outcome, Verdict, decide
from provenance.verdict.evidence import (
    CredentialEvidence,
    Evidence,
    FingerprintEvidence,
    MarkMatch,
    TakeMatch,
    TimeRange,
    WatermarkEvidence,
    WorkMatch,
)
from provenance.verdict.reasons import Reason

__all__ = [
    "CredentialEvidence",
    "Evidence",
    "FingerprintEvidence",
    "MarkMatch",
    "Outcome",
    "Reason",
    "TakeMatch",
    "TimeRange",
    "Verdict",
    "WatermarkEvidence",
    "WorkMatch",
    "decide",
]
