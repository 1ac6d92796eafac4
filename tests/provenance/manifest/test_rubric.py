"""Every rule of the gate can fail: one change to a conforming manifest breaks exactly its rule."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from c2pa import Context, Reader

from provenance.manifest.definition import build_definition
from provenance.manifest.rubric import check_crjson, check_definition
from provenance.manifest.statement import TakeStatement
from provenance.manifest.trust import TrustAnchors, reading_settings

Json = dict[str, Any]


@pytest.fixture
def crjson(signed_film: Path, trust: TrustAnchors) -> Json:
    with (
        signed_film.open("rb") as stream,
        Context.from_dict(reading_settings(trust)) as context,
        Reader("video/mp4", stream, context=context) as reader,
    ):
        return json.loads(reader.crjson())


def actions(document: Json) -> list[Json]:
    return document["manifests"][0]["assertions"]["c2pa.actions.v2"]["actions"]


def with_assertion(label: str, data: Json) -> Callable[[Json], None]:
    return lambda document: document["manifests"][0]["assertions"].update({label: data})


def with_action(**action: object) -> Callable[[Json], None]:
    return lambda document: actions(document).append(dict(action))


def with_failure(code: str) -> Callable[[Json], None]:
    return lambda document: document["manifests"][0]["validationResults"]["failure"].append({"code": code})


def claim(document: Json) -> Json:
    return document["manifests"][0]["claim.v2"]


def gather_actions(document: Json) -> None:
    created = claim(document)["created_assertions"]
    claim(document)["gathered_assertions"] = [entry for entry in created if "actions" in entry["url"]]
    claim(document)["created_assertions"] = [entry for entry in created if "actions" not in entry["url"]]


INGREDIENT = "c2pa.ingredient.v3"
MUTATIONS: list[tuple[str, Callable[[Json], object]]] = [
    ("inception_action_position", gather_actions),
    ("inception_action_position", lambda d: actions(d).reverse()),
    (
        "mandatory_all_actions_included",
        lambda d: d["manifests"][0]["assertions"]["c2pa.actions.v2"].pop("allActionsIncluded"),
    ),
    ("mandatory_dst_for_created_action", lambda d: actions(d)[0].pop("digitalSourceType")),
    ("mandatory_dst_for_perceptible_transformations", with_action(action="c2pa.cropped")),
    ("mandatory_spec_version", lambda d: claim(d)["claim_generator_info"].pop("specVersion")),
    ("mandatory_spec_version", lambda d: claim(d)["claim_generator_info"].update(specVersion="2.3.0")),
    ("no_deprecated_claim_fields", lambda d: claim(d).update(specVersion="2.4.0")),
    ("no_deprecated_assertions", with_assertion("stds.exif", {})),
    ("no_deprecated_assertions", with_assertion("c2pa.ingredient.v2", {})),
    ("no_unsupported_assertions", with_assertion("c2pa.training-mining", {})),
    ("no_unrecognized_custom_assertions", with_assertion("slate", {})),
    ("no_deprecated_actions", with_action(action="c2pa.watermarked")),
    ("no_unsupported_actions", with_action(action="c2pa.invented", digitalSourceType="x")),
    ("no_unrecognized_custom_actions", with_action(action="graded")),
    ("no_unrecognized_custom_action_parameters", lambda d: actions(d)[0]["parameters"].update(seed="1")),
    ("ingredient_relationship_values", with_assertion(INGREDIENT, {"relationship": "cousinOf"})),
    (
        "ingredient_v3_mandatory_validation_results",
        with_assertion(INGREDIENT, {"relationship": "parentOf", "activeManifest": {}}),
    ),
    (
        "ingredient_v3_no_active_manifest",
        with_assertion(INGREDIENT, {"relationship": "parentOf", "validationResults": {}}),
    ),
    (
        "ingredient_v3_choice",
        with_assertion(
            INGREDIENT,
            {
                "relationship": "parentOf",
                "activeManifest": {},
                "validationResults": {},
                "digitalSourceType": "x",
            },
        ),
    ),
    ("active_manifest_urn", lambda d: d["manifests"][0].update(label="urn:uuid:1")),
    ("valid_success", with_failure("assertion.bmffHash.mismatch")),
    ("well_formed_success", with_failure("claim.malformed")),
]


def test_what_we_sign_conforms(crjson: Json) -> None:
    assert check_crjson(crjson) == []
    assert check_crjson(json.dumps(crjson)) == []


@pytest.mark.parametrize(("rule", "mutate"), MUTATIONS)
def test_one_change_breaks_exactly_its_rule(
    crjson: Json, rule: str, mutate: Callable[[Json], object]
) -> None:
    changed = copy.deepcopy(crjson)
    mutate(changed)
    assert {violation.rule for violation in check_crjson(changed)} == {rule}


def test_opened_needs_one_ingredient_and_no_source_type(crjson: Json) -> None:
    actions(crjson)[0] = {"action": "c2pa.opened", "digitalSourceType": "x"}
    assert {violation.rule for violation in check_crjson(crjson)} == {
        "no_dst_for_opened_action",
        "opened_action_ingredient_reference",
    }


def test_a_file_without_manifest_or_results_does_not_conform(crjson: Json) -> None:
    assert [v.rule for v in check_crjson({"manifests": []})] == ["well_formed_data_present"]
    crjson["manifests"][0].pop("validationResults")
    assert {v.rule for v in check_crjson(crjson)} == {"well_formed_data_present", "valid_data_present"}


def test_a_definition_is_checked_before_signing(statement: TakeStatement) -> None:
    definition = build_definition(statement)
    assert check_definition(definition) == []
    assert [v.rule for v in check_definition(definition, spec_version="2.2")] == ["mandatory_spec_version"]
    definition["assertions"][0]["created"] = False
    definition["assertions"].append({"label": "c2pa.training-mining", "data": {}})
    assert {v.rule for v in check_definition(definition)} == {
        "inception_action_position",
        "no_unsupported_assertions",
    }
