"""Every answer that a test sees, held against the OpenAPI document.

`Contract.check` is a response hook of the clients of the journeys, so each story told over HTTP
also proves that the document says what the code does.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from privata.api.openapi import document, operations
from privata.api.openapi_headers import ALWAYS

Json = dict[str, Any]

_JSON = "application/json"

#: Answers that belong to no operation: no such path, or a method that the path does not take.
_NOWHERE = (404, 405)


class Contract:
    """The document, ready to be asked about answers."""

    def __init__(self, made: Json) -> None:
        self.made = made
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in made["paths"]
        ]
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    async def hook(self, response: httpx.Response) -> None:
        """For `event_hooks` of an asynchronous client; streams are read by those who asked."""
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            await response.aread()
        self.check(response)

    def check(self, response: httpx.Response) -> None:
        """Fail unless the document announces this answer: status, headers, and body."""
        request = response.request
        where = f"{request.method} {request.url.path} answered {response.status_code}"
        if request.method == "OPTIONS":
            return  # questions of browsers are no operations
        head = request.method == "HEAD"
        operation = self.operation("GET" if head else request.method, request.url.path)
        if operation is None:
            self._nowhere(where, response)
            return
        answer = operation["responses"].get(str(response.status_code))
        assert answer is not None, f"{where}, which is not in the document: {response.text[:500]}"
        answer = self.resolve(answer)
        for name in ALWAYS:
            assert name in response.headers, f"{where} without {name}"
        for name in set(response.headers) & {
            *("retry-after", "idempotent-replayed", "www-authenticate")
        }:
            shown = {header.lower() for header in answer["headers"]}
            assert name in shown or response.status_code == 409, f"{where} with {name}"
        if response.status_code == 429:
            assert response.headers["Retry-After"].isdecimal(), where
        content = answer.get("content", {})
        kind = response.headers.get("content-type", "").partition(";")[0]
        assert kind in content or not content, f"{where} as {kind}"
        if kind == _JSON and not head:
            self.fits(content[_JSON]["schema"], response.json(), where)

    def operation(self, method: str, path: str) -> Json | None:
        """The operation of a request. Literal paths win over those with parameters."""
        found = [known for pattern, known in self._paths if pattern.fullmatch(path)]
        found.sort(key=lambda known: known.count("{"))
        item = self.made["paths"][found[0]] if found else {}
        operation: Json | None = item.get(method.lower())
        return operation

    def fits(self, schema: Json, value: Any, where: str) -> None:
        """Fail unless the value fits the schema."""
        key = str(schema)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                {"allOf": [schema], "components": self.made["components"]}, validate_formats=True
            )
        problems = [
            f"{'/'.join(map(str, problem.instance_path))}: {problem.message[:300]}"
            for problem in self._validators[key].iter_errors(value)
        ]
        assert not problems, f"{where}, not as documented:\n" + "\n".join(problems)

    def resolve(self, value: Json) -> Json:
        """What a `$ref` of the document leads to, or the value itself."""
        while "$ref" in value:
            found: Any = self.made
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def _nowhere(self, where: str, response: httpx.Response) -> None:
        if response.request.url.path.endswith("/openapi.json"):
            return
        assert response.status_code in (*_NOWHERE, 401, 403, 429), where
        if response.request.method == "HEAD":
            return
        self.fits({"$ref": "#/components/schemas/Error"}, response.json(), where)


@cache
def contract() -> Contract:
    """The contract of the code as it is."""
    return Contract(document("http://127.0.0.1:8000"))


__all__ = ["Contract", "contract", "operations"]
