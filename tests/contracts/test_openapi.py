"""The OpenAPI document: valid, complete, and the same as the code."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from privata.api.openapi import encoded_document
from privata.api.openapi_errors import ERROR_CODES, request_errors
from privata.api.openapi_headers import ALWAYS
from privata.api.openapi_texts import TAGS
from privata.api.openapi_webhooks import OPS
from privata.api.routes import PREFIX, ROUTERS
from privata.core.lifecycle import OrderStatus
from privata.events import ops_events
from privata.infra.http.routing import plain_routes
from tests.contracts.recorder import Contract, contract, operations

Json = dict[str, Any]

#: Classes below `RequestError` that no route answers: none today.
_NOT_ANSWERED: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def made() -> Contract:
    return contract()


def test_it_is_valid_openapi_3_1(made: Contract) -> None:
    served = json.loads(encoded_document("http://127.0.0.1:8000"))
    assert served["openapi"] == "3.1.0"
    problems = jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(served)
    assert [problem.message for problem in problems] == []


def test_every_schema_is_a_schema(made: Contract) -> None:
    for name, schema in made.made["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


def test_every_reference_leads_somewhere(made: Contract) -> None:
    for reference in re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(made.made)):
        assert made.resolve({"$ref": reference}), reference


def test_the_routes_of_the_code_are_the_operations_of_the_document(made: Contract) -> None:
    served = {
        (route.path, method.lower())
        for route in plain_routes(PREFIX, ROUTERS)
        for method in route.methods or ()
        if method != "HEAD"  # goes along with each GET
    }
    assert {(path, method) for path, method, _ in operations(made.made)} == served


def test_every_operation_is_described(made: Contract) -> None:
    ids = []
    for path, method, operation in operations(made.made):
        where = f"{method} {path}"
        ids.append(operation["operationId"])
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), where
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"][0] in TAGS, f"{where}: describe the tag in openapi_texts"
        assert {"401", "429", "500"} <= set(operation["responses"]), where
        for parameter in operation["parameters"]:
            text = f"{where}: {parameter['name']}"
            assert set(parameter["schema"]) & {"type", "$ref", "enum", "anyOf"}, text
            if parameter["in"] == "path":
                assert parameter["required"], text
                assert parameter.get("description"), f"{text}: describe it in IN_PATH"
    assert len(ids) == len(set(ids))


def test_every_example_fits_its_schema(made: Contract) -> None:
    for path, method, operation in operations(made.made):
        where = f"{method} {path}"
        for parameter in operation["parameters"]:
            if "example" in parameter:
                made.fits(parameter["schema"], parameter["example"], where)
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        answers = [made.resolve(answer) for answer in operation["responses"].values()]
        for holder in bodies + answers:
            for kind, content in holder.get("content", {}).items():
                shown = [content["example"]] if "example" in content else []
                shown += [
                    made.resolve(one)["value"] for one in content.get("examples", {}).values()
                ]
                assert shown, f"{where}: no example of {kind}"
                for value in shown:
                    if kind == "application/json":
                        made.fits(content["schema"], value, where)


def test_every_answer_tells_its_headers(made: Contract) -> None:
    for path, method, operation in operations(made.made):
        for status, answer in operation["responses"].items():
            shown = set(made.resolve(answer)["headers"])
            assert set(ALWAYS) <= shown, f"{method} {path} {status}"
            if status in ("429", "503"):
                assert "Retry-After" in shown


def test_every_error_of_the_code_is_documented_at_its_status(made: Contract) -> None:
    documented: set[tuple[str, int]] = set()
    for _, _, operation in operations(made.made):
        for status, answer in operation["responses"].items():
            content = made.resolve(answer).get("content", {}).get("application/json", {})
            for code in content.get("examples", {}):
                documented.add((code, int(status)))
    unanswered = {
        kind.__name__
        for kind in request_errors()
        if (kind.code, kind.status) not in documented and kind.__module__ == "privata.core.errors"
    }
    # Equal, so that an exemption which is no longer needed is refused as well.
    assert unanswered == _NOT_ANSWERED
    assert {code for code, _ in documented} <= set(ERROR_CODES)


def test_every_event_is_documented_with_a_real_example(made: Contract) -> None:
    events = made.made["webhooks"]
    assert {f"order.{status}" for status in OrderStatus} | {"webhook.test"} <= set(events)
    builders = {
        name
        for name, made_by in inspect.getmembers(ops_events, inspect.isfunction)
        if made_by.__module__ == ops_events.__name__
        and not name.startswith("_")
        and name not in ("ops_event", "publish_ops")
    }
    assert builders == set(OPS)
    for name, item in events.items():
        content = item["post"]["requestBody"]["content"]["application/json"]
        assert content["example"]["event"] == name
        made.fits(content["schema"], content["example"], name)
        sent = {parameter["name"] for parameter in item["post"]["parameters"]}
        assert {"X-Privata-Signature", "X-Privata-Event-Id"} <= sent


def test_links_name_operations_and_their_parameters(made: Contract) -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations(made.made)}
    count = 0
    for operation in by_id.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                taken = {one["name"] for one in by_id[link["operationId"]]["parameters"]}
                assert set(link.get("parameters", {})) <= taken
                count += 1
    assert count > 8
