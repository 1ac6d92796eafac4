"""Turns a statement about a take into the manifest definition the C2PA builder signs; pure, no I/O.

A soft binding's value is base64 text: that is how C2PA tools exchange it and what the resolution API is queried
with. `pad`, which the schema requires as bytes, is an empty list: the library writes a manifest from JSON, which
has no bytes, and readers of the reference implementation take an empty list for no bytes.
"""

import base64
from datetime import UTC
from typing import Any

from provenance.manifest.statement import FingerprintBinding, TakeStatement, WatermarkBinding

ACTIONS_LABEL = "c2pa.actions.v2"
SOFT_BINDING_LABEL = "c2pa.soft-binding"
AI_DISCLOSURE_LABEL = "c2pa.ai-disclosure"
GENERATION_LABEL = "org.slate.generation"
GENERATION_RECORD_VERSION = 1
POSTER_IDENTIFIER = "poster.jpg"


def build_definition(statement: TakeStatement, *, with_poster: bool = False) -> dict[str, Any]:
    """The manifest definition, every assertion of it created, that is: vouched for by the signer.

    With `with_poster` it names a JPEG thumbnail that the caller adds as the resource `POSTER_IDENTIFIER`.
    """
    assertions = [_actions(statement)]
    if statement.watermark is not None:
        assertions.append(_watermark(statement.watermark))
    if statement.fingerprint is not None:
        assertions.append(_fingerprint(statement.fingerprint))
    assertions += [_ai_disclosure(statement), _generation_record(statement)]
    definition: dict[str, Any] = {
        "title": statement.title,
        "claim_generator_info": [
            {
                "name": statement.generator.name,
                "version": statement.generator.version,
                "specVersion": statement.generator.spec_version,
            }
        ],
        "assertions": assertions,
    }
    if with_poster:
        definition["thumbnail"] = {"format": "image/jpeg", "identifier": POSTER_IDENTIFIER}
    return definition


def _assertion(label: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"label": label, "created": True, "data": data}


def _actions(statement: TakeStatement) -> dict[str, Any]:
    when = statement.created_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    actions: list[dict[str, Any]] = [
        {
            "action": "c2pa.created",
            "when": when,
            "digitalSourceType": str(statement.source_type),
            "softwareAgent": {"name": statement.model.name, "version": statement.model.digest},
            "parameters": {"org.slate.pipeline": statement.model.pipeline_class},
        }
    ]
    if statement.watermark is not None:
        actions.append(
            {
                "action": "c2pa.watermarked.bound",
                "when": when,
                # The standard's own link would carry a hash that exists only after signing has begun.
                "parameters": {
                    "org.slate.soft-binding": SOFT_BINDING_LABEL,
                    "org.slate.algorithm": statement.watermark.algorithm,
                },
            }
        )
    return _assertion(ACTIONS_LABEL, {"actions": actions, "allActionsIncluded": True})


def _watermark(mark: WatermarkBinding) -> dict[str, Any]:
    block = _block(0, mark.duration_ms, mark.payload)
    return _soft_binding("Invisible watermark", mark.algorithm, [block], mark.parameters)


def _fingerprint(found: FingerprintBinding) -> dict[str, Any]:
    blocks = [_block(frame.start_ms, frame.end_ms, frame.value) for frame in found.frames]
    return _soft_binding("Fingerprint of frames", found.algorithm, blocks, "frame=first-of-timespan")


def _soft_binding(name: str, algorithm: str, blocks: list[dict[str, Any]], parameters: str) -> dict[str, Any]:
    data = {"alg": algorithm, "name": name, "alg-params": parameters, "blocks": blocks, "pad": []}
    return _assertion(SOFT_BINDING_LABEL, data)


def _block(start_ms: int, end_ms: int, value: bytes) -> dict[str, Any]:
    return {
        "scope": {"timespan": {"start": start_ms, "end": end_ms}},
        "value": base64.b64encode(value).decode(),
    }


def _ai_disclosure(statement: TakeStatement) -> dict[str, Any]:
    return _assertion(
        AI_DISCLOSURE_LABEL,
        {
            "modelType": "c2pa.types.model",
            "modelName": statement.model.name,
            "modelIdentifier": f"sha256:{statement.model.digest}",
            "contentProfile": {"humanOversightLevel": str(statement.oversight)},
        },
    )


def _generation_record(statement: TakeStatement) -> dict[str, Any]:
    commitments = statement.commitments
    return _assertion(
        GENERATION_LABEL,
        {
            "recordVersion": GENERATION_RECORD_VERSION,
            "takeId": statement.take_id,
            "modelDigest": statement.model.digest,
            "hashAlgorithm": "hmac-sha256",
            "recipeHash": commitments.recipe,
            "promptHash": commitments.prompt,
            "seedHash": commitments.seed,
            "inputHashes": dict(sorted(commitments.inputs.items())),
            "width": statement.width,
            "height": statement.height,
            "fps": f"{statement.fps.numerator}/{statement.fps.denominator}",
            "durationMs": statement.duration_ms,
        },
    )
