"""Lays a suspect clip over the take it is said to be, shows what was changed, and never lets a mark alone convince."""

from provenance.registration.agreement import ContentAgreement, content_agreement
from provenance.registration.clip import Clip
from provenance.registration.comparing import Comparison, compare
from provenance.registration.drawing import draw_tamper_map
from provenance.registration.mapping import Region, TamperMap, tamper_map
from provenance.registration.maps import Affine
from provenance.registration.registering import register
from provenance.registration.result import Pair, Registration
from provenance.registration.timing import Clock

__all__ = [
    "Affine",
    "Clip",
    "Clock",
    "Comparison",
    "ContentAgreement",
    "Pair",
    "Region",
    "Registration",
    "TamperMap",
    "compare",
    "content_agreement",
    "draw_tamper_map",
    "register",
    "tamper_map",
]
