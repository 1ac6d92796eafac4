"""Asks the layers about a file in this very process, decoding it once; runs in the child only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

from provenance.errors import MediaUnreadable, NoVideoStream, ProvenanceError
from provenance.fingerprint.extraction import Fingerprinter, sound_or_none
from provenance.fingerprint.wire import clip_to_wire
from provenance.inspect import protocol
from provenance.inspect.errors import to_wire
from provenance.inspect.result import (
    CREDENTIAL,
    FINGERPRINT,
    MEDIA,
    SOUND,
    WATERMARK,
    detections_to_wire,
)
from provenance.manifest.reading import read_credential
from provenance.manifest.report import CredentialReport, CredentialState
from provenance.manifest.trust import TrustAnchors
from provenance.media import NoAudioStream, probe, read_frames
from provenance.watermark import Detector, IssuedMessages, Payload, WatermarkKey
from provenance.watermark.audio import detect_in_file

_NO_KEYS = {
    "code": "no_watermark_key",
    "message": "No watermark key was given, so no mark could be looked for.",
    "hint": "Give the keys this installation marks with.",
}


def inspect_layers(request: protocol.Request) -> Iterator[tuple[str, Any]]:
    """Each part of the answer as soon as it stands: credential, media, watermark, fingerprint, sound, then errors.

    Raises a ProvenanceError where no layer has anything to say about the file.
    """
    cv2.setNumThreads(request.limits.threads)
    report: CredentialReport | None = None
    if CREDENTIAL in request.want:
        report = read_credential(Path(request.path), TrustAnchors(request.trust_pem))
        yield CREDENTIAL, report.as_dict()
    errors: dict[str, dict[str, Any]] = {}
    if {WATERMARK, FINGERPRINT} & set(request.want):
        try:
            yield from _picture_layers(request, errors)
        except ProvenanceError as error:
            if not _may_stand_alone(report, error):
                raise
            errors |= {layer: to_wire(error) for layer in (WATERMARK, FINGERPRINT) if layer in request.want}
        if WATERMARK in request.want and request.keys:
            yield from _sound_layer(request, errors)
    yield protocol.ERRORS, errors


def _sound_layer(request: protocol.Request, errors: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The marks in the file's sound; nothing where it has none."""
    limits = request.limits
    try:
        found = detect_in_file(
            Path(request.path), _keys(request), limits=limits.media, budget_s=limits.detection_s
        )
    except NoAudioStream:
        return
    except ProvenanceError as error:
        errors[SOUND] = to_wire(error)
        return
    yield SOUND, detections_to_wire(found)


def _keys(request: protocol.Request) -> list[WatermarkKey]:
    return [WatermarkKey(name, secret) for name, secret in request.keys]


def _issued(request: protocol.Request, keys: list[WatermarkKey]) -> dict[str, IssuedMessages]:
    payloads = dict(request.issued)
    return {
        key.key_id: IssuedMessages(
            key, [Payload.from_bytes(bytes.fromhex(one)) for one in payloads[key.key_id]]
        )
        for key in keys
        if key.key_id in payloads
    }


def _may_stand_alone(report: CredentialReport | None, error: ProvenanceError) -> bool:
    """Whether the credential is an answer worth having although the picture layers have none."""
    if report is None:
        return False
    if isinstance(error, NoVideoStream):
        return True
    return report.state not in (CredentialState.ABSENT, CredentialState.UNREADABLE)


def _picture_layers(
    request: protocol.Request, errors: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, Any]]:
    path, limits = Path(request.path), request.limits
    info = probe(path, limits.media)
    yield MEDIA, info.as_dict()
    keys = _keys(request)
    detector = Detector(limits.detection_s) if WATERMARK in request.want and keys else None
    fingerprinter = Fingerprinter(query=request.query) if FINGERPRINT in request.want else None
    try:
        _decode(path, request, detector, fingerprinter)
    except MediaUnreadable as error:
        if error.frames_read == 0:
            raise
        errors[MEDIA] = to_wire(error)
    if detector is not None:
        yield WATERMARK, detections_to_wire(detector.detect(keys, _issued(request, keys)))
    elif WATERMARK in request.want:
        errors[WATERMARK] = _NO_KEYS
    if fingerprinter is not None:
        sound = None
        try:
            sound = sound_or_none(path, limits.media)
        except ProvenanceError as error:
            errors.setdefault(MEDIA, to_wire(error))
        yield FINGERPRINT, clip_to_wire(fingerprinter.finish(info.duration_s, sound))


def _decode(
    path: Path, request: protocol.Request, detector: Detector | None, fingerprinter: Fingerprinter | None
) -> None:
    """One pass over the frames for both layers."""
    for frame in read_frames(path, limits=request.limits.media, threads=request.limits.threads):
        if detector is not None:
            detector.add(frame.luma, time_s=frame.time_s, is_key=frame.is_key)
        if fingerprinter is not None:
            fingerprinter.add_frame(frame)
