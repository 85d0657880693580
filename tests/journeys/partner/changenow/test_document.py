"""The document of the ChangeNOW API: valid, complete, and the same as the code and the guide."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
from schemathesis.specs.openapi.definitions import OPENAPI_31

from privata.api.changenow_openapi import PREFIX, ROUTERS, encoded_document
from privata.changenow_api.errors import ANSWERS, INTERNAL
from privata.changenow_api.words import NETWORKS, STATUSES
from privata.core.addresses import networks
from privata.core.lifecycle import OrderStatus
from tests.contracts.recorder import Contract, operations

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "changenow.md"


def _made() -> Contract:
    return Contract(json.loads(encoded_document("http://127.0.0.1:8000")))


def test_it_is_valid_openapi_3_1() -> None:
    made = _made().made
    problems = jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(made)
    assert [problem.message for problem in problems] == []
    for reference in re.findall(r'"\$ref": "(#/[^"]+)"', json.dumps(made)):
        assert _made().resolve({"$ref": reference}), reference


def test_routes_operations_and_guide_are_the_same() -> None:
    routes = {(PREFIX + one.path, one.method.lower()) for r in ROUTERS for one in r.routes}
    assert {(path, method) for path, method, _ in operations(_made().made)} == routes
    listed = re.findall(r"^\| `(GET|POST) (/v2/\S+)` \|", GUIDE.read_text(), re.MULTILINE)
    assert {(path, method.lower()) for method, path in listed} == routes


def test_every_operation_tells_its_errors_and_examples_fit() -> None:
    contract = _made()
    for path, method, operation in operations(contract.made):
        where = f"{method} {path}"
        assert {"401", "403", "429", "500", "503"} <= set(operation["responses"]), where
        assert operation["description"], where
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for holder in (*bodies, *operation["responses"].values()):
            for content in holder.get("content", {}).values():
                if "example" in content:
                    contract.fits(content["schema"], content["example"], where)
                else:
                    assert holder in operation["responses"].values(), f"{where}: no example"


def test_the_guide_lists_every_code_and_status() -> None:
    text = GUIDE.read_text()
    rows = re.findall(r"^\| ([\d, ]+) \| (`[^|]+`) \|", text, re.MULTILINE)
    listed = {
        (int(status), code)
        for statuses, codes in rows
        for status in statuses.split(", ")
        for code in re.findall(r"`([a-z_]+)`", codes)
    }
    own = {(405, "not_valid_params"), (500, INTERNAL), (503, INTERNAL)}
    assert listed == set(ANSWERS.values()) | own
    statuses = dict.fromkeys(re.findall(r"^\| `([a-z]+)` \| `[a-z_]+`", text, re.MULTILINE))
    assert set(statuses) == set(STATUSES.values())


def test_every_status_and_network_has_a_word() -> None:
    assert STATUSES.keys() == set(OrderStatus)
    assert NETWORKS.keys() == networks()
