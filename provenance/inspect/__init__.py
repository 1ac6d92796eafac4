"""Looks into untrusted media in a child process that is confined, bounded and disposable."""

from provenance.inspect.comparing import Comparison, Placement, compare_files
from provenance.inspect.errors import InspectionCrashed, InspectionTimedOut, InspectionTooLarge
from provenance.inspect.letters import read_letters
from provenance.inspect.limits import InspectionLimits
from provenance.inspect.parts import find_parts
from provenance.inspect.proxies import FILM_NAME, POSTER_NAME, make_proxy_of
from provenance.inspect.result import Inspection, LayerError
from provenance.inspect.run import inspect_file
from provenance.inspect.sandbox import sandbox_kind

__all__ = [
    "FILM_NAME",
    "POSTER_NAME",
    "Comparison",
    "Inspection",
    "InspectionCrashed",
    "InspectionLimits",
    "InspectionTimedOut",
    "InspectionTooLarge",
    "LayerError",
    "Placement",
    "compare_files",
    "find_parts",
    "inspect_file",
    "make_proxy_of",
    "read_letters",
    "sandbox_kind",
]
