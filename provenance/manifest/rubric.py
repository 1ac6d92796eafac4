"""Checks a manifest, before and after signing, against the rules of the C2PA conformance rubric that apply to
us.

The rules are those of the conformance programme 0.2 for specification 2.4 (c2pa-org/conformance-public,
asset-rubrics), under the programme's rule names. Ingredient rules are included, because what we read back may
have ingredients even though a generated take has none.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


def _c2pa(words: str) -> frozenset[str]:
    return frozenset(f"c2pa.{word}" for word in words.split())


DEPRECATED_ASSERTIONS = _c2pa("claim hash.bmff.v2 asset-type ingredient ingredient.v2 actions")
ALLOWED_ASSERTIONS = _c2pa(
    """
    hash.data hash.data.part hash.boxes hash.bmff.v3 hash.collection.data hash.multi-asset actions.v2
    ingredient.v3 soft-binding cloud-data embedded-data metadata certificate-status asset-ref asset-type.v2
    thumbnail.claim thumbnail.ingredient depthmap.GDepth icon alternative-content-representation
    external-reference session-keys environmental-sustainability repository-receipt ai-disclosure
    assertion.metadata time-stamp
    """
)
DEPRECATED_ACTIONS = _c2pa(
    "copied formatted version_updated printed managed produced saved color_adjustments watermarked"
)
ALLOWED_ACTIONS = _c2pa(
    """
    addedText adjustedColor changedSpeed color_adjustments converted created cropped deleted drawing dubbed
    edited edited.metadata enhanced filtered mastered mixed opened orientation placed published redacted
    remixed removed repackaged resized resized.proportional transcoded translated trimmed unknown watermarked
    watermarked.bound watermarked.unbound
    """
)
INCEPTION_ACTIONS = _c2pa("created opened")
# Predefined actions that may stand without a digitalSourceType.
SOURCE_TYPE_EXEMPT = _c2pa(
    """
    created opened converted published repackaged transcoded resized.proportional enhanced edited.metadata
    watermarked watermarked.bound watermarked.unbound redacted placed
    """
)
STANDARD_PARAMETERS = frozenset(
    {
        *("redacted", "ingredients", "description", "relatedAssertions", "sourceLanguage", "targetLanguage"),
        *("multipleInstances", "ranges", "weight", "width", "italic", "slant", "optical-size"),
    }
)
RELATIONSHIPS = frozenset({"parentOf", "inputTo", "componentOf"})


@dataclass(frozen=True)
class Violation:
    """One broken rule, by the name the conformance programme gives it, and where it is broken."""

    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


@dataclass(frozen=True)
class _Manifest:
    """What definition and crJSON have in common, in one shape."""

    labels: Sequence[str]
    created_labels: Sequence[str]
    assertions: Sequence[tuple[str, Mapping[str, Any]]]
    spec_version: object
    urn: str | None
    failures: Sequence[str]

    @property
    def action_lists(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [(label, data) for label, data in self.assertions if isinstance(data.get("actions"), list)]

    @property
    def actions(self) -> list[Mapping[str, Any]]:
        return [
            action
            for _, data in self.action_lists
            for action in data["actions"]
            if isinstance(action, Mapping)
        ]

    @property
    def ingredients(self) -> list[tuple[str, Mapping[str, Any]]]:
        return [(label, data) for label, data in self.assertions if data.get("relationship") is not None]


def check_definition(definition: Mapping[str, Any], *, spec_version: str = "2.4") -> list[Violation]:
    """The rules a builder definition breaks; empty when it may be signed. `spec_version` is major.minor."""
    entries = list(definition.get("assertions", []))
    generators = definition.get("claim_generator_info") or [{}]
    manifest = _Manifest(
        labels=[entry["label"] for entry in entries],
        created_labels=[entry["label"] for entry in entries if entry.get("created") is True],
        assertions=[(entry["label"], entry["data"]) for entry in entries],
        spec_version=generators[0].get("specVersion"),
        urn=None,
        failures=(),
    )
    return _check(manifest, spec_version)


def check_crjson(crjson: str | Mapping[str, Any], *, spec_version: str = "2.4") -> list[Violation]:
    """The rules the active manifest of a read file breaks, given a reader's crJSON; empty if it conforms."""
    document = json.loads(crjson) if isinstance(crjson, str) else crjson
    manifests = document.get("manifests") or []
    if not manifests:
        return [Violation("well_formed_data_present", "the file holds no manifest")]
    active = manifests[0]
    claim = active.get("claim.v2") or {}
    generator = claim.get("claim_generator_info") or {}
    if isinstance(generator, list):
        generator = generator[0]
    assertions = active.get("assertions") or {}
    results = active.get("validationResults")
    found = []
    if results is None:
        found = [
            Violation(rule, "there are no validation results")
            for rule in ("well_formed_data_present", "valid_data_present")
        ]
    if claim.get("specVersion") is not None:
        found.append(Violation("no_deprecated_claim_fields", "specVersion stands in the claim itself"))
    manifest = _Manifest(
        labels=list(assertions),
        created_labels=[entry["url"].rsplit("/", 1)[-1] for entry in claim.get("created_assertions", [])],
        assertions=[(label, data) for label, data in assertions.items() if isinstance(data, Mapping)],
        spec_version=generator.get("specVersion"),
        urn=str(active.get("label", "")),
        failures=[failure["code"] for failure in (results or {}).get("failure", [])],
    )
    return found + _check(manifest, spec_version)


def _check(manifest: _Manifest, spec_version: str) -> list[Violation]:
    found = [Violation(rule, detail) for rule, check in _RULES for detail in check(manifest)]
    stated = manifest.spec_version
    if not isinstance(stated, str) or stated.split(".")[:2] != spec_version.split(".")[:2]:
        found.append(
            Violation("mandatory_spec_version", f"claim_generator_info says {stated!r}, not {spec_version}")
        )
    return found


def _inception_position(manifest: _Manifest) -> Iterator[str]:
    first = next((label for label in manifest.created_labels if "c2pa.actions" in label), None)
    if first is None or not first.endswith("c2pa.actions.v2"):
        yield "the first created actions assertion is not c2pa.actions.v2"
        return
    actions: list[Mapping[str, Any]] = next(
        (data["actions"] for label, data in manifest.action_lists if label == first), []
    )
    if not actions or actions[0].get("action") not in INCEPTION_ACTIONS:
        yield "the first action is neither c2pa.created nor c2pa.opened"


def _all_actions_included(manifest: _Manifest) -> Iterator[str]:
    for label, data in manifest.action_lists:
        if data.get("allActionsIncluded") is None:
            yield f"{label} has no allActionsIncluded"


def _created_source_type(manifest: _Manifest) -> Iterator[str]:
    if any(a.get("action") == "c2pa.created" and not a.get("digitalSourceType") for a in manifest.actions):
        yield "c2pa.created has no digitalSourceType"


def _opened_source_type(manifest: _Manifest) -> Iterator[str]:
    if any(a.get("action") == "c2pa.opened" and a.get("digitalSourceType") for a in manifest.actions):
        yield "c2pa.opened has a digitalSourceType"


def _perceptible_source_type(manifest: _Manifest) -> Iterator[str]:
    for action in manifest.actions:
        name = str(action.get("action"))
        if (
            name.startswith("c2pa.")
            and name not in SOURCE_TYPE_EXEMPT
            and not action.get("digitalSourceType")
        ):
            yield f"{name} has no digitalSourceType"


def _opened_ingredient(manifest: _Manifest) -> Iterator[str]:
    for action in manifest.actions:
        if action.get("action") == "c2pa.opened":
            ingredients = _parameters(action).get("ingredients") or []
            if len(ingredients) != 1:
                yield f"c2pa.opened names {len(ingredients)} ingredients instead of one"


def _deprecated_assertions(manifest: _Manifest) -> Iterator[str]:
    return (x for x in manifest.labels if x.startswith("stds.") or x.split("__")[0] in DEPRECATED_ASSERTIONS)


def _unsupported_assertions(manifest: _Manifest) -> Iterator[str]:
    for label in manifest.labels:
        base = label.split("__")[0]
        if base.startswith("c2pa.") and base not in ALLOWED_ASSERTIONS | DEPRECATED_ASSERTIONS:
            yield label


def _custom_assertions(manifest: _Manifest) -> Iterator[str]:
    return (label for label in manifest.labels if "." not in label)


def _deprecated_actions(manifest: _Manifest) -> Iterator[str]:
    return (str(a["action"]) for a in manifest.actions if a.get("action") in DEPRECATED_ACTIONS)


def _unsupported_actions(manifest: _Manifest) -> Iterator[str]:
    for action in manifest.actions:
        name = str(action.get("action"))
        if name.startswith("c2pa.") and name not in ALLOWED_ACTIONS:
            yield name


def _custom_actions(manifest: _Manifest) -> Iterator[str]:
    return (str(a.get("action")) for a in manifest.actions if "." not in str(a.get("action")))


def _custom_parameters(manifest: _Manifest) -> Iterator[str]:
    for action in manifest.actions:
        for parameter in _parameters(action):
            if parameter not in STANDARD_PARAMETERS and "." not in parameter:
                yield f"{action.get('action')} has the parameter {parameter}"


def _parameters(action: Mapping[str, Any]) -> Mapping[str, Any]:
    found = action.get("parameters")
    return found if isinstance(found, Mapping) else {}


def _ingredient_relationships(manifest: _Manifest) -> Iterator[str]:
    for label, data in manifest.ingredients:
        if data["relationship"] not in RELATIONSHIPS:
            yield f"{label} is {data['relationship']!r}"


def _ingredient_without_results(manifest: _Manifest) -> Iterator[str]:
    for label, data in manifest.ingredients:
        if data.get("activeManifest") is not None and data.get("validationResults") is None:
            yield f"{label} has activeManifest but no validationResults"


def _ingredient_without_manifest(manifest: _Manifest) -> Iterator[str]:
    for label, data in manifest.ingredients:
        if data.get("activeManifest") is None and data.get("validationResults") is not None:
            yield f"{label} has validationResults but no activeManifest"


def _ingredient_choice(manifest: _Manifest) -> Iterator[str]:
    for label, data in manifest.ingredients:
        if data.get("activeManifest") is not None and data.get("digitalSourceType") is not None:
            yield f"{label} has both activeManifest and digitalSourceType"


def _urn(manifest: _Manifest) -> Iterator[str]:
    if manifest.urn is not None and not manifest.urn.startswith("urn:c2pa:"):
        yield f"the manifest is labelled {manifest.urn!r}"


def _mismatches(manifest: _Manifest) -> Iterator[str]:
    return (code for code in manifest.failures if _is_mismatch(code))


def _malformations(manifest: _Manifest) -> Iterator[str]:
    # An untrusted signer is a question of trust lists, not of the form or integrity of the manifest.
    return (c for c in manifest.failures if not _is_mismatch(c) and c != "signingCredential.untrusted")


def _is_mismatch(code: str) -> bool:
    return code.endswith("ismatch") or "laimSignature." in code or code == "assertion.hardBinding.redacted"


_RULES: tuple[tuple[str, Callable[[_Manifest], Iterator[str]]], ...] = (
    ("inception_action_position", _inception_position),
    ("mandatory_all_actions_included", _all_actions_included),
    ("mandatory_dst_for_created_action", _created_source_type),
    ("no_dst_for_opened_action", _opened_source_type),
    ("mandatory_dst_for_perceptible_transformations", _perceptible_source_type),
    ("opened_action_ingredient_reference", _opened_ingredient),
    ("no_deprecated_assertions", _deprecated_assertions),
    ("no_unsupported_assertions", _unsupported_assertions),
    ("no_unrecognized_custom_assertions", _custom_assertions),
    ("no_deprecated_actions", _deprecated_actions),
    ("no_unsupported_actions", _unsupported_actions),
    ("no_unrecognized_custom_actions", _custom_actions),
    ("no_unrecognized_custom_action_parameters", _custom_parameters),
    ("ingredient_relationship_values", _ingredient_relationships),
    ("ingredient_v3_mandatory_validation_results", _ingredient_without_results),
    ("ingredient_v3_no_active_manifest", _ingredient_without_manifest),
    ("ingredient_v3_choice", _ingredient_choice),
    ("active_manifest_urn", _urn),
    ("valid_success", _mismatches),
    ("well_formed_success", _malformations),
)
