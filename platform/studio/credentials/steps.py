"""Signs a rendered take, then lets every layer of the finished file answer before it may be published."""

from collections.abc import Sequence
from datetime import UTC, datetime

import rfc8785
from django.conf import settings
from django.utils import timezone

from provenance.errors import ProvenanceError
from provenance.fingerprint import PDQ_RADIUS, FrameFingerprint, hamming
from provenance.inspect import inspect_file
from provenance.manifest.commitment import commit_all, new_salt
from provenance.manifest.report import CredentialState
from provenance.manifest.signing import sign_file
from provenance.manifest.statement import (
    PDQ_ALGORITHM,
    TILEMARK_ALGORITHM,
    FingerprintBinding,
    FrameHash,
    Model,
    TakeStatement,
    WatermarkBinding,
)
from provenance.watermark import ALGORITHM, Detection, Payload
from studio.credentials.marks import strip_of
from studio.credentials.models import Credential, GateReport, WatermarkRecord
from studio.credentials.services import (
    ensure_authority,
    public_model_name,
    root_certificate_pem,
    this_generator,
    watermark_key,
)
from studio.errors import SlateError
from studio.ledger.services import record
from studio.runs.errors import GateFailed
from studio.runs.steps import Draft, step
from studio.takes.models import Rendition, Take
from studio.takes.storage import sha256_of
from studio.tenancy.secrets import watermark_epoch_of

# Frames whose hashes a credential carries, spread evenly over the take; each adds about 150 bytes to the manifest.
BOUND_FRAMES = 32
# The largest chance that a mark is a false alarm with which a take may be released.
FALSE_ALARM = 1e-6
# The share of sampled frames whose hash must still be within the search radius after encoding.
FINGERPRINT_AGREEMENT = 0.9


@step("signing")
def sign(draft: Draft) -> None:
    """Give the file its Content Credentials; the manifest's bytes are kept with the take."""
    authority = ensure_authority()
    salt = new_salt()
    statement = _statement(draft, salt)
    try:
        signed = sign_file(draft.path, draft.directory / "signed.mp4", statement, authority)
    except ProvenanceError as error:
        raise SlateError.of(error) from error
    draft.path = draft.directory / "signed.mp4"
    signed_at = timezone.now()

    def write(take: Take, rendition: Rendition) -> None:
        credential = Credential.objects.create(
            rendition=rendition,
            manifest_id=signed.manifest_id,
            manifest=signed.manifest_bytes,
            file_sha256=signed.sha256,
            signer_serial=signed.signer_serial,
            salt=salt,
            signed_at=signed_at,
        )
        record(
            "credential.issued",
            subject=credential,
            studio=draft.studio,
            take_id=str(take.pk),
            manifest_id=signed.manifest_id,
            file_sha256=signed.sha256,
            signer_serial=signed.signer_serial,
        )

    draft.records.append(write)


def _statement(draft: Draft, salt: bytes) -> TakeStatement:
    recipe = draft.rendered.recipe
    run = draft.run
    duration_ms = round(draft.rendered.duration_frames / run.fps * 1000)
    return TakeStatement(
        title=f"Take {draft.take_id}",
        take_id=str(draft.take_id),
        created_at=draft.created_at.astimezone(UTC),
        generator=this_generator(),
        model=Model(public_model_name(recipe["model"]), recipe["model_digest"], recipe["pipeline_class"]),
        commitments=commit_all(salt, recipe=rfc8785.dumps(recipe), prompt=run.prompt, seed=run.seed),
        width=run.width,
        height=run.height,
        fps=run.fps,
        duration_ms=duration_ms,
        watermark=WatermarkBinding(
            TILEMARK_ALGORITHM,
            draft.rendered.payload,
            duration_ms,
            profile=_profile(draft),
            layout=Payload.from_bytes(draft.rendered.payload).layout,
        ),
        fingerprint=fingerprint_binding(draft.rendered.fingerprints, duration_ms),
    )


def _profile(draft: Draft) -> str:
    """The profile the take was marked with."""
    return str(draft.rendered.mark_certificate["profile"])


def fingerprint_binding(frames: Sequence[FrameFingerprint], duration_ms: int) -> FingerprintBinding | None:
    """Some of the frames' hashes, each for the timespan up to the next; None where no frame is worth hashing."""
    usable = [frame for frame in frames if frame.is_searchable and frame.time_s * 1000 < duration_ms]
    if not usable:
        return None
    count = min(BOUND_FRAMES, len(usable))
    chosen = [usable[index * len(usable) // count] for index in range(count)]
    starts = [int(frame.time_s * 1000) for frame in chosen]
    ends = [*starts[1:], duration_ms]
    hashes = [
        FrameHash(start, end, frame.pdq) for start, end, frame in zip(starts, ends, chosen, strict=True)
    ]
    return FingerprintBinding(PDQ_ALGORITHM, tuple(hashes))


@step("checking")
def gate(draft: Draft) -> None:
    """Read the finished file back in a fresh process; raises GateFailed unless all three layers prove the take."""
    key = watermark_key(draft.studio)
    try:
        seen = inspect_file(
            draft.path,
            keys=[key],
            trust_pem=root_certificate_pem(),
            timeout_s=settings.SLATE_INSPECTION_TIMEOUT_S,
        )
    except ProvenanceError as error:
        raise GateFailed(f"The finished file could not be read back: {error.message}", error.hint) from error
    problems = []
    credential = seen.credential
    if credential is None or credential.state != CredentialState.TRUSTED:
        found = "missing" if credential is None else f"{credential.state} ({', '.join(credential.failures)})"
        problems.append(f"the credential is {found}")
    elif credential.take_id != str(draft.take_id):
        problems.append("the credential names another take")
    mark, fault = _own_mark(draft, seen.watermarks)
    if fault:
        problems.append(fault)
    agreeing = _agreement(draft, seen.fingerprints)
    if agreeing < FINGERPRINT_AGREEMENT:
        problems.append(f"only {agreeing:.0%} of the fingerprints agree with the rendered frames")
    if problems or credential is None or mark is None:
        raise GateFailed(
            f"The finished file did not pass its check: {'; '.join(problems)}.",
            "Nothing was published. Try again with another seed or a longer take; very flat or very short "
            "pictures leave a watermark little room.",
        )
    file_sha256 = sha256_of(draft.path)
    layers = {
        "credential": credential.as_dict(),
        "watermark": {
            "z": mark.z,
            "p_presence": mark.p_presence,
            "p_message": mark.p_message,
            "p_false_positive": mark.p_false_positive,
            "payload": draft.rendered.payload.hex(),
        },
        "fingerprint": {"frames": len(seen.fingerprints), "agreement": agreeing},
    }

    def write(take: Take, rendition: Rendition) -> None:
        WatermarkRecord.objects.create(
            rendition=rendition,
            algorithm=ALGORITHM,
            key_id=key.key_id,
            key_epoch=watermark_epoch_of(key.key_id)[1],
            profile=_profile(draft),
            payload=draft.rendered.payload,
            z=mark.z,
            p_false_positive=mark.p_false_positive,
            certificate=draft.rendered.mark_certificate,
            strip=strip_of(mark),
        )
        report = GateReport.objects.create(
            rendition=rendition,
            passed=True,
            file_sha256=file_sha256,
            layers=layers,
            checked_at=datetime.now(UTC),
        )
        record(
            "gate.passed", subject=report, studio=draft.studio, take_id=str(take.pk), file_sha256=file_sha256
        )

    draft.records.append(write)


def _own_mark(draft: Draft, marks: Sequence[Detection]) -> tuple[Detection | None, str]:
    """The take's own mark among those read back, and what is wrong with it (nothing, if it proves the take)."""
    own = next((m for m in marks if m.payload and m.payload.to_bytes() == draft.rendered.payload), None)
    if own is not None:
        faint = own.p_false_positive > FALSE_ALARM
        return own, f"the watermark is too faint (chance {own.p_false_positive:.1e})" if faint else ""
    if any(mark.payload is not None for mark in marks):
        return None, "the watermark carries another number"
    if marks:
        return None, "the watermark is there, but its number cannot be read"
    return None, "the watermark was not found"


def _agreement(draft: Draft, read_back: Sequence[FrameFingerprint]) -> float:
    """The share of rendered frames' hashes found again, frame by frame, in the file."""
    expected = {frame.frame_index: frame for frame in draft.rendered.fingerprints}
    found = [(expected[frame.frame_index], frame) for frame in read_back if frame.frame_index in expected]
    searchable = [pair for pair in found if pair[0].is_searchable]
    if not searchable:
        # A flat take has no frame worth hashing; then frame count is all that can be compared.
        return float(len(found) == len(expected))
    return sum(hamming(one.pdq, other.pdq) <= PDQ_RADIUS for one, other in searchable) / len(searchable)
