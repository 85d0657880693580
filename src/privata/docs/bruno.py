"""The API as a Bruno collection: a folder of plain files, made from the OpenAPI document. Pure."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from privata.docs.calls import KEY_HEADER, Call, call_of, shown_value
from privata.docs.reference import operations

Json = dict[str, Any]

#: Zip files carry times; one that never changes makes equal contents equal files.
_TIME: Final = (2026, 1, 1, 0, 0, 0)


def bruno_collection(made: Json) -> dict[str, str]:
    """The files by their path: a folder for each group, a file for each operation, and an
    environment with `base_url` and the secret `key`."""
    title = made["info"]["title"]
    description = {"version": "1", "name": title, "type": "collection"}
    files = {
        "bruno.json": json.dumps(description, indent=2) + "\n",
        "collection.bru": _block("auth", ["mode: apikey"])
        + _block("auth:apikey", [f"key: {KEY_HEADER}", "value: {{key}}", "placement: header"]),
        "environments/Privata.bru": _block("vars", [f"base_url: {made['servers'][0]['url']}"])
        + "vars:secret [\n  key\n]\n",
    }
    for tag in made["tags"]:
        files[f"{tag['name']}/folder.bru"] = _block("meta", [f"name: {tag['name']}"])
        found = (one for one in operations(made) if one[2]["tags"][0] == tag["name"])
        for number, (path, method, operation) in enumerate(found, 1):
            call = call_of(made, path, method, operation)
            name = f"{tag['name']}/{operation['operationId']}.bru"
            files[name] = "".join(_request(call, operation, number))
    return files


def bruno_zip(made: Json) -> bytes:
    """The collection as a zip file; the same document makes the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in bruno_collection(made).items():
            archive.writestr(zipfile.ZipInfo(f"privata/{name}", _TIME), text)
    return packed.getvalue()


def _request(call: Call, operation: Json, number: int) -> Iterator[str]:
    yield _block("meta", [f"name: {operation['summary']}", "type: http", f"seq: {number}"])
    path = "/".join(
        f":{part[1:-1]}" if part.startswith("{") else part for part in call.path.split("/")
    )
    query = "&".join(f"{name}={value}" for name, value in call.query.items())
    url = "{{base_url}}" + path + (f"?{query}" if query else "")
    yield _block(
        call.method.lower(),
        [
            f"url: {url}",
            f"body: {'none' if call.body is None else 'json'}",
            f"auth: {'inherit' if operation.get('security') else 'none'}",
        ],
    )
    shown = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    lines = [
        f"{'' if one['name'] in call.query else '~'}{one['name']}: {shown_value(one)}"
        for one in shown
    ]
    if lines:
        yield _block("params:query", lines)
    if call.path_values:
        yield _block("params:path", [f"{name}: {one}" for name, one in call.path_values.items()])
    if call.headers:
        yield _block("headers", [f"{name}: {one}" for name, one in call.headers.items()])
    if call.body is not None:
        yield _block("body:json", json.dumps(call.body, indent=2, ensure_ascii=False).splitlines())
    yield _block("docs", operation["description"].splitlines())


def _block(name: str, lines: list[str]) -> str:
    return f"{name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n\n"
