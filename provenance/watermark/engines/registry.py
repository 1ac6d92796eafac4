"""Says which engines there are, which of them can run here, and why the others cannot."""

from pathlib import Path

from provenance.watermark.engines.contract import WatermarkEngine
from provenance.watermark.engines.errors import EngineUnavailable
from provenance.watermark.engines.tilemark import NAME as TILEMARK
from provenance.watermark.engines.tilemark import TileMark
from provenance.watermark.engines.trustmark import TrustMark
from provenance.watermark.engines.videoseal import VideoSeal
from provenance.watermark.engines.weights import read_weights_file

_NEURAL: tuple[type[VideoSeal] | type[TrustMark], ...] = (VideoSeal, TrustMark)


def all_engines(weights_file: Path | None = None) -> dict[str, WatermarkEngine]:
    """Every engine by name, in the order in which they mark: neural ones first, the tiled mark last.

    Those that cannot run say so in `info().reason`; nothing is loaded and nothing raised.
    """
    usable, reasons = read_weights_file(weights_file)
    engines: dict[str, WatermarkEngine] = {}
    for kind in _NEURAL:
        name = kind.NAME
        if name in usable:
            engines[name] = kind(usable[name])
        else:
            reason = reasons.get(name) or f"There are no weights for {name}. {reasons['']}"
            engines[name] = kind(None, reason)
    engines[TILEMARK] = TileMark()
    return engines


def available_engines(weights_file: Path | None = None) -> dict[str, WatermarkEngine]:
    """Those of `all_engines` that can run here."""
    return {name: engine for name, engine in all_engines(weights_file).items() if engine.info().is_available}


def engine_named(name: str, weights_file: Path | None = None) -> WatermarkEngine:
    """One engine that can run here. Raises EngineUnavailable with the reason."""
    engines = all_engines(weights_file)
    if name not in engines:
        raise EngineUnavailable(f"There is no watermark engine {name!r}.", f"There are {', '.join(engines)}.")
    reason = engines[name].info().reason
    if reason:
        raise EngineUnavailable(reason, "See docs/how-to/watermark-engines.md.")
    return engines[name]
