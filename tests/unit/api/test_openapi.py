"""The OpenAPI document is valid, complete and true: every route is in it, and real answers fit what it says."""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.problems import PROBLEM_TYPES
from shared.domain.money import Money
from shared.domain.order import Line, Reason, ReasonCode, RefusedLine, Status
from shared.store.documents import order_document, product_document
from tests.builders import a_product, an_order, bearer

METHODS = ("get", "post", "put", "patch", "delete")
ABOUT_THE_DOCUMENT = ("document.",)
"""Endpoints that are not part of the API: where the document itself is read."""


@pytest.fixture(scope="module")
def document(app) -> dict[str, Any]:
    return app.test_client().get("/openapi.json").json


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    for name in value["$ref"].removeprefix("#/").split("/"):
        document = document[name]
    return document


def scope_of(operation: dict[str, Any]) -> str | None:
    for requirement in operation.get("security", []):
        [scope] = requirement["bearer"]
        return scope
    return None


def call(client, path: str, method: str, **kwargs: Any):
    return client.open(re.sub(r"{\w+}", "some", path), method=method.upper(), **kwargs)


def assert_documented(document: dict[str, Any], path: str, method: str, response) -> None:
    """The answer has a media type and a body that the document names for its status."""
    responses = document["paths"][path][method]["responses"]
    status = "default" if response.status_code == 500 else str(response.status_code)
    assert status in responses, (path, method, status)
    found = responses[status]
    if "content" not in found:
        assert response.data == b""
        return
    assert list(found["content"]) == [response.content_type]
    schema = {**found["content"][response.content_type]["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(response.json)
    if response.status_code >= 400:
        examples = found["content"][response.content_type]["examples"]
        assert response.json["type"].removeprefix("/problems/") in examples, (path, method, response.json["type"])


def test_it_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_it_says_what_a_token_must_be(document):
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    assert scheme["description"].startswith(
        "A JWT signed with HS256, with `sub`, `exp` and `scope`. Scopes: `orders:wr"
    )


def test_every_route_is_in_it_and_nothing_else(client, document):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        if not rule.endpoint.startswith(ABOUT_THE_DOCUMENT)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_the_scope_that_an_operation_declares_is_the_one_that_it_asks_for(client, document):
    for path, method, operation in operations(document):
        scope = scope_of(operation)
        anonymous, powerless = call(client, path, method), call(client, path, method, headers=bearer(scope=""))
        if scope is None:
            assert 401 not in (anonymous.status_code, powerless.status_code), path
            assert 403 not in (anonymous.status_code, powerless.status_code), path
        else:
            assert (anonymous.status_code, powerless.status_code) == (401, 403), path
            assert powerless.json["scope"] == scope
            assert f"`{scope}`" in operation["description"]


def test_every_operation_says_what_it_does_and_what_it_answers(document):
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert operation["tags"], (path, method)
        for status, response in operation["responses"].items():
            assert resolved(document, response)["description"], (path, method, status)


def test_every_error_is_documented_as_a_problem(document):
    for path, method, operation in operations(document):
        assert "default" in operation["responses"], (path, method)
        for status, response in operation["responses"].items():
            if status[0] in "4d":
                content = resolved(document, response)["content"]
                assert list(content) == ["application/problem+json"], (path, method, status)
                assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/ProblemOut"}


def test_every_operation_that_reads_a_body_or_a_query_documents_that_bad_ones_are_refused(document):
    for path, method, operation in operations(document):
        reads = "requestBody" in operation or any(found["in"] == "query" for found in operation.get("parameters", []))
        assert reads == ("400" in operation["responses"]), (path, method)


def test_it_names_every_problem_type_but_those_of_no_address(document):
    named = {
        slug
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
        for slug in response.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    row_types = document["components"]["schemas"]["RowProblemOut"]["properties"]["type"]["enum"]
    of_rows = {row_type.removeprefix("/problems/") for row_type in row_types}
    assert set(PROBLEM_TYPES) - named - of_rows == {"method-not-allowed", "http-error"}


def test_every_schema_that_stands_for_itself_has_an_example_and_it_fits(document):
    schemas = document["components"]["schemas"]
    with_example = {name for name, schema in schemas.items() if "examples" in schema}
    needed = {
        content["schema"]["$ref"].rpartition("/")[2]
        for _, _, operation in operations(document)
        for body in [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in body.get("content", {}).values()
        if "$ref" in content.get("schema", {})
    }
    assert needed - with_example == {"LivenessOut", "HealthOut", "ProblemTypeOut"}
    for name in with_example:
        for example in schemas[name]["examples"]:
            Draft202012Validator({**schemas[name], "components": document["components"]}).validate(example)


def test_every_operation_has_a_name_of_its_own_and_links_lead_to_such_names(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    links = [
        link
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 10
    assert {link["operationId"] for link in links} <= set(names)


def test_a_header_is_asked_for_where_it_means_something_and_nowhere_else(document):
    headers = {
        (path, method): {
            parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"
        }
        for path, method, operation in operations(document)
    }
    assert headers["/v1/products/{sku}", "patch"] == headers["/v1/products/{sku}", "delete"] == {"If-Match"}
    assert headers["/v1/products/{sku}", "get"] == headers["/v1/products", "get"] == {"If-None-Match"}
    assert headers["/v1/orders", "post"] == {"Idempotency-Key"}
    assert headers["/v1/orders", "get"] == set()


def test_it_can_be_kept_and_asked_for_again(client):
    first = client.get("/openapi.json")
    assert client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_refusals_fit_it(client, document):
    for path, method, operation in operations(document):
        assert_documented(document, path, method, call(client, path, method))
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            for body in (b"{", b"[]", b'{"x": 1}'):
                response = call(
                    client, path, method, data=body, content_type="application/json",
                    headers=bearer(scope=scope_of(operation) or ""),
                )  # fmt: skip
                assert response.status_code == 400
                assert_documented(document, path, method, response)


PRICE = Money(12_500, "IDR")
ORDERS = [
    an_order(),
    an_order(status=Status.CONFIRMED, reference="r", items=(Line("MUG-01", 1, PRICE),), total=PRICE),
    an_order(status=Status.REJECTED, reason=Reason(ReasonCode.OUT_OF_STOCK, (RefusedLine("MUG-01", 1, 0),))),
    an_order(status=Status.REJECTED, reason=Reason(ReasonCode.PRODUCT_NOT_FOUND, (RefusedLine("MUG-01", 1, None),))),
    an_order(status=Status.FAILED, reason=Reason(ReasonCode.UNPROCESSABLE)),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.status)
def test_orders_fit_it(client, document, database, order):
    database.orders.insert_one(order_document(order, announce_after_seconds=10))
    address, headers = f"/v1/orders/{order.order_id}", bearer()
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    assert_documented(document, "/v1/orders/{order_id}", "get", response)
    unchanged = client.get(address, headers={**headers, "If-None-Match": response.headers["ETag"]})
    assert unchanged.status_code == 304
    assert_documented(document, "/v1/orders/{order_id}", "get", unchanged)


def test_accepted_orders_fit_it(client, document):
    placed = client.post("/v1/orders", json={"items": [{"sku": "MUG-01", "quantity": 1}]}, headers=bearer())
    bought = client.post("/v1/products/MUG-01/purchase", json={"quantity": 1}, headers=bearer())
    assert (placed.status_code, bought.status_code) == (202, 202)
    assert_documented(document, "/v1/orders", "post", placed)
    assert_documented(document, "/v1/products/{sku}/purchase", "post", bought)


@pytest.mark.parametrize("description", [None, "Blue."])
def test_products_fit_it(client, document, database, description):
    database.products.insert_one(product_document(a_product("MUG-01", description=description)))
    response = client.get("/v1/products/MUG-01")
    assert response.status_code == 200
    assert_documented(document, "/v1/products/{sku}", "get", response)
    unchanged = client.get("/v1/products/MUG-01", headers={"If-None-Match": "*"})
    assert unchanged.status_code == 304
    assert_documented(document, "/v1/products/{sku}", "get", unchanged)


def test_the_operations_of_the_process_fit_it(client, document):
    assert_documented(document, "/livez", "get", client.get("/livez"))
    assert_documented(document, "/problems/{slug}", "get", client.get("/problems/not-found"))


def test_a_check_of_answers_can_fail(client, document):
    document = deepcopy(document)
    document["components"]["schemas"]["ProblemOut"]["required"].append("no-such-member")
    with pytest.raises(Exception, match="no-such-member"):
        assert_documented(document, "/v1/products/{sku}", "get", client.get("/v1/products/ghost"))


@pytest.mark.parametrize(
    ("method", "path", "status", "headers"),
    [
        ("post", "/v1/orders", "202", {"Location", "Retry-After", "Idempotent-Replayed"}),
        ("post", "/v1/products/{sku}/purchase", "202", {"Location", "Retry-After", "Idempotent-Replayed"}),
        ("get", "/v1/orders/{order_id}", "200", {"ETag", "Retry-After", "Preference-Applied"}),
        ("get", "/v1/orders/{order_id}", "304", {"Preference-Applied"}),
        ("post", "/v1/orders/bulk", "202", {"Retry-After"}),
        ("get", "/v1/orders", "200", {"Link"}),
        ("post", "/v1/orders/{order_id}/retry", "202", {"Location", "Retry-After"}),
        ("post", "/v1/products", "201", {"Location", "ETag"}),
        ("get", "/v1/products/{sku}", "200", {"ETag", "X-Cache"}),
        ("get", "/v1/products", "200", {"ETag", "Link"}),
        ("patch", "/v1/products/{sku}", "200", {"ETag"}),
        ("post", "/v1/products/{sku}/stock-adjustments", "201", {"Idempotent-Replayed"}),
        ("get", "/v1/products/{sku}/stock-movements", "200", {"Link"}),
    ],
)
def test_the_headers_of_an_answer_are_documented(client, method, path, status, headers):
    operation = client.get("/openapi.json").json["paths"][path][method]
    assert set(operation["responses"][status]["headers"]) == headers | {"RateLimit", "RateLimit-Policy"}


def test_waiting_for_an_order_is_documented(document):
    parameters = document["paths"]["/v1/orders/{order_id}"]["get"]["parameters"]
    [prefer] = [found for found in parameters if found["name"] == "Prefer"]
    assert (prefer["in"], prefer["required"]) == ("header", False)
    assert "wait=N" in prefer["description"]
