"""Reads the credential of a file and says how far it can be relied on, without ever touching a network."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from c2pa import C2paError, Context, Reader

from provenance.manifest.boxes import uncovered_bytes
from provenance.manifest.definition import GENERATION_LABEL, SOFT_BINDING_LABEL
from provenance.manifest.report import CredentialReport, CredentialState, SoftBinding
from provenance.manifest.sniffing import Container, sniff
from provenance.manifest.trust import TrustAnchors, reading_settings

UNTRUSTED = "signingCredential.untrusted"
_MAX_NOTE_LENGTH = 300
_ANY_ACTIONS = "c2pa.actions"


def read_credential(path: Path, trust: TrustAnchors) -> CredentialReport:
    """What the credential embedded in the file at `path` says, and its state under `trust`.

    Every call opens a fresh reader, so that an answer never depends on an earlier file. Raises FileMissing or
    FileEmpty; a credential that cannot be parsed is a state, not an error.
    """
    container = sniff(path)
    if not container.carries_credentials or container.mime_type is None:
        return _without_container(container)
    try:
        report = _read(path, container.mime_type, trust)
    except C2paError as error:
        report = _from_error(error)
    report = replace(report, mime_type=container.mime_type)
    if container.is_bmff:
        report = _with_padding(report, uncovered_bytes(path))
    return report


def _without_container(container: Container) -> CredentialReport:
    if container.mime_type is None:
        return CredentialReport(
            CredentialState.ABSENT, "The file is of no kind that is known to carry credentials."
        )
    note = f"A container of type {container.mime_type} cannot carry credentials."
    return CredentialReport(CredentialState.ABSENT, note, mime_type=container.mime_type)


def _from_error(error: C2paError) -> CredentialReport:
    text = str(error)
    if isinstance(error, C2paError.ManifestNotFound):
        return CredentialReport(CredentialState.ABSENT, "The file carries no credential.")
    if isinstance(error, C2paError.RemoteManifest) or "remote" in text[:40].lower():
        url = next((word.strip("\"'()") for word in text.split() if "://" in word), None)
        note = "The file only names a credential kept elsewhere; addresses in files are never fetched."
        return CredentialReport(CredentialState.ABSENT, note, remote_url=url)
    detail = " ".join(text.split())[:_MAX_NOTE_LENGTH]
    return CredentialReport(CredentialState.UNREADABLE, f"The credential could not be checked: {detail}")


def _with_padding(report: CredentialReport, hidden: int) -> CredentialReport:
    if hidden == 0:
        return report
    note = f"{report.note} {hidden} bytes lie in padding boxes, where no signature covers them.".strip()
    return replace(report, uncovered_bytes=hidden, note=note)


def _read(path: Path, mime_type: str, trust: TrustAnchors) -> CredentialReport:
    with (
        path.open("rb") as stream,
        Context.from_dict(reading_settings(trust)) as context,
        Reader(mime_type, stream, context=context) as reader,
    ):
        store = json.loads(reader.json())
        crjson = json.loads(reader.crjson())
        remote_url = reader.get_remote_url()
    return _report(store, crjson, remote_url, trust)


def _report(
    store: Mapping[str, Any], crjson: Mapping[str, Any], remote_url: str | None, trust: TrustAnchors
) -> CredentialReport:
    results = store.get("validation_results") or {}
    active = results.get("activeManifest") or {}
    failures = _codes(active.get("failure"))
    manifest_id = store.get("active_manifest")
    manifest = store["manifests"].get(manifest_id)
    if manifest is None:
        note = f"The active manifest is damaged beyond reading. {_failed(failures)}"
        return CredentialReport(CredentialState.INVALID, note, manifest_id=manifest_id, failures=failures)
    certificate = _active_certificate(crjson)
    state, note = _state(
        store.get("validation_state"), failures, results.get("trustListUri"), certificate, trust
    )
    assertions = [(a["label"], a.get("data")) for a in manifest.get("assertions", [])]
    actions = list(_actions(assertions))
    signature = manifest.get("signature_info") or {}
    return CredentialReport(
        state=state,
        note=note,
        manifest_id=manifest_id,
        claim_generator=_generator(manifest),
        signer_name=signature.get("common_name"),
        signer_organisation=signature.get("issuer"),
        signer_serial=signature.get("cert_serial_number"),
        signed_at=signature.get("time"),
        claimed_at=_first(actions, "when"),
        title=manifest.get("title"),
        actions=tuple(str(a.get("action")) for a in actions),
        digital_source_type=_first(actions, "digitalSourceType"),
        soft_bindings=tuple(_soft_bindings(assertions)),
        generation=next(
            (data for label, data in assertions if label == GENERATION_LABEL and isinstance(data, dict)), None
        ),
        successes=_codes(active.get("success")),
        failures=failures,
        ingredient_failures=tuple(_ingredient_failures(store)),
        trust_list_uri=results.get("trustListUri"),
        parent_manifest_id=_parent(manifest),
        remote_url=remote_url,
    )


def _state(
    said: str | None,
    failures: tuple[str, ...],
    trust_list_uri: str | None,
    certificate: Mapping[str, Any],
    trust: TrustAnchors,
) -> tuple[CredentialState, str]:
    """The library's word, tightened: the anchor must be of our list, and no leaf vouches for itself."""
    if said not in {"Trusted", "Valid"} or any(code != UNTRUSTED for code in failures):
        return CredentialState.INVALID, _failed(failures)
    if said == "Trusted" and trust_list_uri == trust.uri and UNTRUSTED not in failures:
        if certificate.get("subject") == certificate.get("issuer"):
            return CredentialState.VALID_UNTRUSTED, "The signer's certificate is signed by itself."
        return CredentialState.TRUSTED, ""
    return CredentialState.VALID_UNTRUSTED, "The file is unchanged, but its signer is not on this trust list."


def _failed(failures: tuple[str, ...]) -> str:
    return f"Validation failed: {', '.join(failures) or 'no reason was given'}."


def _active_certificate(crjson: Mapping[str, Any]) -> Mapping[str, Any]:
    manifests = crjson.get("manifests") or [{}]
    return (manifests[0].get("signature") or {}).get("certificateInfo") or {}


def _generator(manifest: Mapping[str, Any]) -> str | None:
    infos = manifest.get("claim_generator_info") or []
    if not infos:
        return manifest.get("claim_generator")
    return " ".join(str(infos[0][key]) for key in ("name", "version") if infos[0].get(key))


def _actions(assertions: list[tuple[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The actions of all actions assertions; other assertions may use the word as they like."""
    for label, data in assertions:
        listed = data.get("actions") if label.startswith(_ANY_ACTIONS) and isinstance(data, dict) else None
        yield from (action for action in listed or () if isinstance(action, dict))


def _first(actions: list[Mapping[str, Any]], key: str) -> str | None:
    return next((str(action[key]) for action in actions if action.get(key)), None)


def _soft_bindings(assertions: list[tuple[str, Any]]) -> Iterator[SoftBinding]:
    for label, data in assertions:
        if label.split("__")[0] != SOFT_BINDING_LABEL or not isinstance(data, dict):
            continue
        parameters = data.get("alg-params")
        for block in _dicts(data.get("blocks")):
            span = _dict(_dict(block.get("scope")).get("timespan"))
            yield SoftBinding(
                algorithm=str(data.get("alg")),
                value=str(block.get("value")),
                start_ms=_whole(span.get("start")),
                end_ms=_whole(span.get("end")),
                parameters=parameters if isinstance(parameters, str) else None,
            )


def _dict(value: object) -> Mapping[str, Any]:
    """`value`, or nothing where a manifest holds something else in its place."""
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _parent(manifest: Mapping[str, Any]) -> str | None:
    parents = [i for i in _dicts(manifest.get("ingredients")) if i.get("relationship") == "parentOf"]
    return parents[0].get("active_manifest") if parents else None


def _ingredient_failures(store: Mapping[str, Any]) -> Iterator[str]:
    """Failures recorded for any ingredient at any depth, when it was added and now."""
    for manifest in store["manifests"].values():
        for ingredient in manifest.get("ingredients", []):
            recorded = (ingredient.get("validation_results") or {}).get("activeManifest") or {}
            yield from _codes(recorded.get("failure"))
    for delta in (store.get("validation_results") or {}).get("ingredientDeltas") or []:
        yield from _codes((delta.get("validationDeltas") or {}).get("failure"))


def _codes(entries: list[Mapping[str, Any]] | None) -> tuple[str, ...]:
    return tuple(str(entry.get("code")) for entry in entries or [])
