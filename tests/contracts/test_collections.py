"""The collections: well formed, every operation once, and a request of theirs works."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import httpx
import pytest

from privata.api.openapi import document, operations
from privata.docs.bruno import bruno_collection, bruno_zip
from privata.docs.postman import SCHEMA, postman_collection
from tests.conftest import Partner

Json = dict[str, Any]

BASE_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def made() -> Json:
    return document(BASE_URL)


def _requests(collection: Json) -> list[Json]:
    return [item for folder in collection["item"] for item in folder["item"]]


def test_postman_has_every_operation_once(made: Json) -> None:
    collection = postman_collection(made)
    assert collection["info"]["schema"] == SCHEMA
    assert {one["key"] for one in collection["variable"]} == {"base_url", "key"}
    wanted = [operation["operationId"] for _, _, operation in operations(made)]
    assert sorted(item["id"] for item in _requests(collection)) == sorted(wanted)
    for item in _requests(collection):
        request, url = item["request"], item["request"]["url"]
        assert item["name"]
        assert url["raw"].startswith("{{base_url}}/partner/v1/")
        assert url["raw"].partition("?")[0] == "{{base_url}}/" + "/".join(url["path"])
        named = {part[1:] for part in url["path"] if part.startswith(":")}
        assert {one["key"] for one in url["variable"]} == named
        if "body" in request:
            assert request["method"] in ("POST", "PUT", "PATCH")
            json.loads(request["body"]["raw"])


def _send(partner: Partner, item: Json, base_url: str) -> httpx.Request:
    """What Postman would send."""
    variables = {"base_url": base_url, "key": partner.test_key}
    raw = item["request"]["url"]["raw"].partition("?")[0]
    for one in item["request"]["url"]["variable"]:
        raw = raw.replace(f":{one['key']}", one["value"])
    url = re.sub(r"\{\{(\w+)\}\}", lambda found: variables[found[1]], raw)
    query = {
        one["key"]: one["value"]
        for one in item["request"]["url"]["query"]
        if not one.get("disabled")
    }
    headers = {one["key"]: one["value"] for one in item["request"]["header"]}
    body = item["request"].get("body", {}).get("raw")
    return partner.client.build_request(
        item["request"]["method"],
        url,
        params=query,
        headers=headers | {"X-API-Key": partner.test_key},
        content=body,
    )


async def test_requests_of_the_collection_work(partner: Partner, api_url: str) -> None:
    collection = postman_collection(document(api_url))
    items = {item["id"]: item for item in _requests(collection)}
    for name in ("currencies", "limits", "estimate"):
        answer = await partner.client.send(_send(partner, items[name], api_url))
        assert answer.status_code == 200, answer.text
    quote_id = answer.json()["quote_id"]
    order = items["createOrder"]
    order["request"]["body"]["raw"] = json.dumps(
        json.loads(order["request"]["body"]["raw"]) | {"quote_id": quote_id}
    )
    answer = await partner.client.send(_send(partner, order, api_url))
    assert answer.status_code == 201, answer.text


def test_bruno_has_every_operation_once(made: Json) -> None:
    files = bruno_collection(made)
    assert json.loads(files["bruno.json"])["type"] == "collection"
    ids = [name.rpartition("/")[2].removesuffix(".bru") for name in files if "/" in name]
    wanted = [operation["operationId"] for _, _, operation in operations(made)]
    assert sorted(set(ids) - {"folder", "Privata"}) == sorted(wanted)
    assert len([one for one in ids if one != "folder"]) == len(wanted) + 1
    for name, text in files.items():
        if name.endswith(".bru"):
            assert text.count("{") == text.count("}"), name
            # A block ends with a brace at the beginning of a line; nothing else does.
            blocks = re.findall(r"^([a-z][a-z:-]*) [\[{]$", text, re.MULTILINE)
            ends = re.findall(r"^[\]}]$", text, re.MULTILINE)
            assert len(blocks) == len(ends) > 0, name
    assert "secret" in files["environments/Privata.bru"]


def test_the_zip_holds_the_same_files_and_is_always_the_same(made: Json) -> None:
    packed = bruno_zip(made)
    assert packed == bruno_zip(made)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        names = {name.removeprefix("privata/") for name in archive.namelist()}
    assert names == set(bruno_collection(made))
