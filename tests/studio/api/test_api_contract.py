"""What the API promises in general: documented answers, one shape of errors, no crash on any text."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from studio.productions.models import Shot
from studio.runs.models import Run
from studio.tenancy.models import Studio
from tests.studio import factories
from tests.studio.web.routes import api_operations

BACKEND = "django.contrib.auth.backends.ModelBackend"
PROBLEM_KEYS = {"type", "title", "status", "detail", "code", "message", "hint"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> Studio:
    return factories.make_studio("north")


@pytest.fixture
def shot(house: Studio) -> Shot:
    return factories.make_shot(house)


@pytest.fixture
def member(client: Client, house: Studio) -> Client:
    client.force_login(factories.make_person(house), backend=BACKEND)
    return client


def assert_is_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == PROBLEM_KEYS
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["message"]
    return problem


def post_run(client: Client, shot: Shot, body: Any) -> Any:
    content = body if isinstance(body, bytes) else None
    if content is None:
        return client.post(f"/api/v1/shots/{shot.pk}/runs", body, content_type="application/json")
    return client.generic("POST", f"/api/v1/shots/{shot.pk}/runs", content, content_type="application/json")


@pytest.mark.parametrize(("method", "path", "operation"), list(api_operations()))
def test_every_operation_lists_its_errors_in_the_one_shape(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    answers = {int(status): answer for status, answer in operation["responses"].items()}
    successes = {status for status in answers if status < 300}
    assert len(successes) == 1
    expected = set()
    if operation.get("security"):
        expected.add(401)
    if "{" in path:
        expected.add(404)
    if method == "POST" and operation.get("security"):
        expected.add(403)
    if "requestBody" in operation:
        expected |= {400, 422}
    if path.endswith("/verify"):
        expected |= {413, 429, 503}
    assert expected <= set(answers)
    for status in set(answers) - successes:
        schema = answers[status]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith("/Problem")
    assert operation["description"]


@pytest.mark.parametrize(("method", "path", "operation"), list(api_operations()))
def test_every_operation_answers_only_as_documented(
    member: Client, method: str, path: str, operation: dict[str, Any]
) -> None:
    address = path
    for name in ("production_id", "shot_id", "run_id", "take_id"):
        address = address.replace("{" + name + "}", str(uuid4()))
    documented = {int(status) for status in operation["responses"]}
    strangers = Client()
    for client in (member, strangers):
        for content, kind in (
            (b"", "application/json"),
            (b"{", "application/json"),
            (b"[]", "application/json"),
            (b'{"prompt": "\\ud800"}', "application/json"),
            (b"\xff\xfe", "application/json"),
            (b"a=b", "application/x-www-form-urlencoded"),
        ):
            response = client.generic(method, address, content, content_type=kind)
            assert response.status_code in documented, (content, response.content)


def test_without_a_session_the_answer_says_where_to_log_in(client: Client) -> None:
    problem = assert_is_problem(client.get("/api/v1/productions"), 401, "request.not_signed_in")
    assert "/accounts/login/" in problem["hint"]


def test_a_changing_call_needs_its_token(house: Studio, shot: Shot) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.make_person(house), backend=BACKEND)
    problem = assert_is_problem(
        post_run(client, shot, {"prompt": "a car"}), 403, "request.not_from_this_page"
    )
    assert "X-CSRFToken" in problem["hint"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "request.malformed"),
        (b"\xff\xfe\x00", 400, "request.malformed"),
        (b"[]", 422, "input.invalid"),
        (b"{}", 422, "input.invalid"),
        ({"prompt": None}, 422, "input.not_text"),
        ({"prompt": 5}, 422, "input.not_text"),
        ({"prompt": ""}, 422, "input.empty"),
        ({"prompt": "a\x00b"}, 422, "input.unusable_character"),
        (b'{"prompt": "a\\ud800b"}', 422, "input.unusable_character"),
        ({"prompt": "x" * 2001}, 422, "input.too_long"),
        ({"prompt": "a car", "negative_prompt": "\x00"}, 422, "input.unusable_character"),
        ({"prompt": "a car", "seconds": 0}, 422, "input.invalid"),
        ({"prompt": "a car", "seconds": "\x00"}, 422, "input.invalid"),
        (b'{"prompt": "a car", "seconds": NaN}', 422, "input.invalid"),
        (b'{"prompt": "a car", "seconds": 1e400}', 422, "input.invalid"),
        ({"prompt": "a car", "seed": 2**63}, 422, "input.invalid"),
        ({"prompt": "a car", "seed": 1.5}, 422, "input.invalid"),
        ({"prompt": "a car", "width": 512}, 422, "input.refused"),
    ],
)
def test_a_body_that_cannot_be_meant_is_refused_with_code_and_reason(
    member: Client, shot: Shot, body: Any, status: int, code: str
) -> None:
    assert_is_problem(post_run(member, shot, body), status, code)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "values", [{"seconds": 80_000}, {"width": 3, "height": 3}, {"width": 513, "height": 289}]
)
def test_what_the_model_cannot_do_is_refused_before_it_costs_anything(
    member: Client, shot: Shot, values: dict[str, Any]
) -> None:
    response = post_run(member, shot, {"prompt": "a red car", **values})
    assert response.status_code == 422
    assert response.json()["code"].startswith(("generation.", "size", "duration")) or response.json()["hint"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "query", ["after=abc", "after=%00", "limit=0", "limit=201", "limit=abc", "limit=" + "9" * 5000]
)
def test_a_page_that_cannot_be_is_refused(member: Client, query: str) -> None:
    assert_is_problem(member.get(f"/api/v1/productions?{query}"), 422, "input.invalid")


@pytest.mark.parametrize("path", ["/api/v1/takes/abc", "/api/v1/nothing", "/api/v1/runs/%00"])
def test_an_address_that_is_none_is_a_problem_too(member: Client, path: str) -> None:
    assert_is_problem(member.get(path), 404, "page.not_found")


def test_a_foreign_thing_is_a_missing_thing(member: Client) -> None:
    other = factories.make_shot(factories.make_studio("south"))
    foreign = member.get(f"/api/v1/shots/{other.pk}")
    missing = member.get(f"/api/v1/shots/{uuid4()}")
    assert_is_problem(foreign, 404, "resource.not_found")
    assert foreign.content == missing.content
