"""Looks into untrusted media in a child process that is confined, bounded and disposable."""

from provenance.inspect.errors import InspectionCrashed, InspectionTimedOut, InspectionTooLarge
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.result import Inspection, LayerError
from provenance.inspect.run import inspect_file
from provenance.inspect.sandbox import sandbox_kind

__all__ = [
    "Inspection",
    "InspectionCrashed",
    "InspectionLimits",
    "InspectionTimedOut",
    "InspectionTooLarge",
    "LayerError",
    "inspect_file",
    "sandbox_kind",
]
