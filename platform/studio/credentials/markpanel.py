"""Says of a mark what film people want to know: is the picture untouched, what does the mark survive, where is it.

Only what was measured is said; where nothing was measured, the panel says that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.credentials.models import WatermarkRecord
from studio.credentials.strips import Column, columns
from studio.productions.models import MarkProfile
from studio.wording import clock, one_in

_COPIES = {"streaming": "Streaming copy", "phone": "Phone upload"}
_ROUNDING_DB = 0.05
_UNSEEN_VMAF_LOSS = 4.0
_UNSEEN_SSIM = 0.985
_TURNED_FROM_DEG = 0.2
_RESIZED_FROM = 0.01


@dataclass(frozen=True)
class Survival:
    """A kind of copy that was made of the take before its release, and whether its mark was read from it."""

    name: str
    detail: str
    is_read: bool


@dataclass(frozen=True)
class CertificatePanel:
    """A take's robustness certificate; without measurements, `quality` is empty and nothing survives or fails."""

    profile: str
    quality: str
    figures: list[tuple[str, str]]
    survivals: list[Survival]
    note: str
    columns: list[Column]
    epoch: int


@dataclass(frozen=True)
class MarkPanel:
    """What a member of the studio reads about a mark in a clip that was sent."""

    layer: str
    name: str
    take_id: str | None
    rows: list[tuple[str, str]]
    columns: list[Column]
    content: Mapping[str, Any] | None = field(default=None)


def certificate_panel(record: WatermarkRecord) -> CertificatePanel:
    """The panel of a take's page."""
    measured = record.certificate
    return CertificatePanel(
        profile=str(MarkProfile(record.profile).label)
        if record.profile in MarkProfile.values
        else record.profile,
        quality=_quality(measured),
        figures=list(_figures(measured)),
        survivals=list(_survivals(measured)),
        note=str(measured.get("note") or ""),
        columns=columns(record.strip),
        epoch=record.key_epoch,
    )


def _quality(measured: Mapping[str, Any]) -> str:
    psnr_db, floor_db = measured.get("psnr_db"), measured.get("psnr_floor_db")
    if psnr_db is None:
        return ""
    if floor_db is not None and psnr_db < floor_db - _ROUNDING_DB:
        return "The mark is stronger than its profile's limit. Look at flat skies and slow moves."
    if measured.get("profile") != MarkProfile.CLEAN:
        return "The mark keeps to its profile's limit. Look at flat skies and slow moves."
    if _is_like_unmarked(measured):
        return "The mark stays below what is seen at normal viewing."
    return "The mark may show. Look at flat skies and slow moves."


def _is_like_unmarked(measured: Mapping[str, Any]) -> bool:
    """Whether the measure that comes nearest to an eye finds the marked picture as good as the unmarked one."""
    if measured.get("vmaf") is not None:
        # VMAF does not give every picture 100 against itself; what counts is what the mark takes away.
        return bool((measured.get("vmaf_of_itself") or 100.0) - measured["vmaf"] <= _UNSEEN_VMAF_LOSS)
    return bool((measured.get("ssim") or 0.0) >= _UNSEEN_SSIM)


def _figures(measured: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Named figures, as far as they were measured."""
    if measured.get("psnr_db") is not None:
        yield "PSNR", f"{measured['psnr_db']:.1f} dB"
    if measured.get("ssim") is not None:
        yield "SSIM", f"{measured['ssim']:.4f}"
    if measured.get("vmaf") is not None:
        yield "VMAF", f"{measured['vmaf']:.1f}"
        if measured.get("vmaf_of_itself") is not None:
            yield "VMAF unmarked", f"{measured['vmaf_of_itself']:.1f}"


def _survivals(measured: Mapping[str, Any]) -> Iterator[Survival]:
    for copy in measured.get("proxies", ()):
        size = "" if copy["scale"] == 1.0 else f", {copy['scale']:.0%} of its size"
        yield Survival(
            name=_COPIES.get(copy["name"], str(copy["name"]).capitalize()),
            detail=f"H.264 at CRF {copy['crf']:g}{size}: {_how_read(copy)}",
            is_read=bool(copy["reads_message"]),
        )


def _how_read(copy: Mapping[str, Any]) -> str:
    margin_db = copy["margin_db"]
    if not copy["reads_message"]:
        return "the mark's number is lost" if copy["z"] else "the mark is lost"
    if margin_db is None or margin_db <= 0:
        return "read, only just"
    return f"read, with {margin_db:.0f} dB to spare" if margin_db >= 1 else "read, with little to spare"


def mark_panel(details: Mapping[str, Any], layer: str = "watermark") -> MarkPanel:
    """The panel of one mark of the layer "watermark" or "sound", from what `marks.mark_details` says of it."""
    return MarkPanel(
        layer=layer,
        name=details["name"] or ("a take that is not known here" if details["is_read"] else "not readable"),
        take_id=details["take"],
        rows=list(_mark_rows(details)),
        columns=columns(details["strip"]),
        content=details["content"],
    )


def _mark_rows(details: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "In this clip", f"{clock(details['start_s'])} to {clock(details['end_s'])}"
    if details["source_start_s"] is not None:
        yield "Of the take", f"{clock(details['source_start_s'])} to {clock(details['source_end_s'])}"
    if abs(details["speed"] - 1.0) > _RESIZED_FROM:
        yield "Speed", f"{details['speed']:.2f} times the take's"
    if details["geometry"] is not None:
        yield "Picture", ", ".join(_geometry_words(details["geometry"])) or _unchanged(details["geometry"])
    yield "Strength", f"{details['z']:.1f} standard deviations above chance"
    yield "False alarm", f"{one_in(details['p_presence'])} that an unmarked clip looks like this"
    if details["p_message"] is not None:
        yield "Wrong number", f"{one_in(details['p_message'])} that a wrong number passes"
    if details["is_recognised"]:
        yield "Read as", "one of the numbers given out; too faint to be read without that list"
    yield "Key", f"epoch {details['key_epoch']}"


def _unchanged(geometry: Mapping[str, Any]) -> str:
    # Before the clip was laid over the take, nobody knows whether something was cut off.
    return "upright and at its own size" if geometry["crop"] is None else "as in the take"


def _geometry_words(geometry: Mapping[str, Any]) -> Iterator[str]:
    wide, high = geometry["scale_x"], geometry["scale_y"]
    if abs(wide / high - 1.0) > _RESIZED_FROM:
        yield f"{wide:.0%} of its width, {high:.0%} of its height"
    elif abs(geometry["scale"] - 1.0) > _RESIZED_FROM:
        yield f"{geometry['scale']:.0%} of its size"
    turned = geometry["rotation_deg"]
    if abs(turned) > _TURNED_FROM_DEG:
        yield f"turned {abs(turned):.1f}° {'clockwise' if turned > 0 else 'counter-clockwise'}"
    if geometry["is_mirrored"]:
        yield "mirrored"
    crop = geometry["crop"]
    if crop and max(crop["left"], crop["top"], 1 - crop["right"], 1 - crop["bottom"]) > _RESIZED_FROM:
        across, down = crop["right"] - crop["left"], crop["bottom"] - crop["top"]
        yield f"cropped to {across:.0%} of its width and {down:.0%} of its height"
