"""The API reference as a page shows it: groups of operations, their parts, and the errors. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from privata.docs.calls import call_of, samples
from privata.docs.markdown import anchor_of, inline, paragraphs
from privata.docs.trees import Node, fields_of, node

Json = dict[str, Any]

METHODS: Final = ("get", "post", "put", "patch", "delete")
_JSON: Final = "application/json"
_SUCCESS: Final = "2"

#: Parameters of all kinds, in the order in which they are shown.
_PLACES: Final = (("path", "Path parameters"), ("query", "Query parameters"), ("header", "Headers"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One status of an operation; `examples` are (name, value)."""

    status: str
    text: Markup
    codes: tuple[str, ...]
    fields: list[Node]
    examples: list[tuple[str, Any]]
    headers: list[str]

    @property
    def good(self) -> bool:
        """Whether the call did what it was asked for."""
        return self.status.startswith(_SUCCESS)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation or webhook; `scopes` are those of which the key needs one."""

    anchor: str
    method: str
    path: str
    summary: str
    text: Markup
    key: str
    scopes: tuple[str, ...]
    places: list[tuple[str, list[Node]]]
    body: list[Node]
    body_example: Any
    answers: list[Answer]
    samples: list[tuple[str, str, str]]

    @property
    def words(self) -> str:
        """What a search looks through."""
        plain = self.text.striptags()
        return f"{self.anchor} {self.method} {self.path} {self.summary} {plain}".lower()


@dataclass(frozen=True, slots=True)
class Group:
    """Operations under one heading."""

    anchor: str
    title: str
    text: Markup
    operations: list[Operation]


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole page."""

    title: str
    version: str
    text: Markup
    groups: list[Group]
    webhooks: list[Group]
    errors: list[tuple[str, list[str], str]]
    headers: list[Node]


def reference(made: Json) -> Reference:
    """The reference of an OpenAPI document."""
    return Reference(
        title=made["info"]["title"],
        version=made["info"]["version"],
        text=paragraphs(made["info"]["description"]),
        groups=[
            Group(
                anchor_of(tag["name"]),
                tag["name"],
                inline(tag["description"]),
                [
                    _operation(made, path, method, operation)
                    for path, method, operation in operations(made)
                    if operation["tags"][0] == tag["name"]
                ],
            )
            for tag in made["tags"]
        ],
        webhooks=list(_webhooks(made)),
        errors=_errors(made),
        headers=[
            _header(made, name, header) for name, header in made["components"]["headers"].items()
        ],
    )


def operations(made: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and operation of each operation."""
    for path, item in made["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def resolved(made: Json, value: Json) -> Json:
    """What a `$ref` leads to, or the value itself."""
    while "$ref" in value:
        found: Any = made
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def _operation(made: Json, path: str, method: str, operation: Json) -> Operation:
    needs = operation.get("security", [])
    key = "" if not needs else "optional" if {} in needs else "required"
    scopes = tuple(dict.fromkeys(scope for one in needs for scope in one.get("ApiKey", ())))
    body, example = _body(made, operation)
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        text=paragraphs(operation["description"]),
        key=key,
        scopes=scopes,
        places=list(_places(made, operation)),
        body=body,
        body_example=example,
        answers=_answers(made, operation),
        samples=samples(call_of(made, path, method, operation)),
    )


def _places(made: Json, operation: Json) -> Iterator[tuple[str, list[Node]]]:
    for place, title in _PLACES:
        found = [
            node(
                made,
                one["name"],
                one["schema"] | {"description": one.get("description", "")},
                required=one.get("required", False),
            )
            for one in operation.get("parameters", [])
            if one["in"] == place
        ]
        if found:
            yield title, found


def _body(made: Json, operation: Json) -> tuple[list[Node], Any]:
    content = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if content is None:
        return [], None
    return fields_of(made, content["schema"]), content["example"]


def _answers(made: Json, operation: Json) -> list[Answer]:
    shown = []
    for status, given in operation["responses"].items():
        answer = resolved(made, given)
        content: Json = next(iter(answer.get("content", {}).values()), {})
        named = content.get("examples", {})
        examples = [(name, resolved(made, one)["value"]) for name, one in named.items()]
        if "example" in content:
            examples.append((status, content["example"]))
        good = status.startswith(_SUCCESS)
        schema = content.get("schema")
        shown.append(
            Answer(
                status=status,
                text=inline(answer["description"]),
                codes=() if good else tuple(named),
                fields=fields_of(made, schema) if good and schema else [],
                examples=examples,
                headers=list(answer.get("headers", {})),
            )
        )
    return shown


def _webhooks(made: Json) -> Iterator[Group]:
    by_tag: dict[str, list[Operation]] = {}
    for name, item in made["webhooks"].items():
        operation = item["post"]
        body, example = _body(made, operation)
        by_tag.setdefault(operation["tags"][0], []).append(
            Operation(
                anchor=f"event-{name}",
                method="EVENT",
                path=name,
                summary=operation["summary"],
                text=paragraphs(operation["description"]),
                key="",
                scopes=(),
                places=list(_places(made, operation)),
                body=body,
                body_example=example,
                answers=_answers(made, operation),
                samples=[],
            )
        )
    for tag, found in by_tag.items():
        yield Group(anchor_of(tag), tag, Markup(), found)


def _errors(made: Json) -> list[tuple[str, list[str], str]]:
    """Each code with its statuses and what it says in its example."""
    statuses: dict[str, set[str]] = {}
    for _, _, operation in operations(made):
        for status, given in operation["responses"].items():
            content = resolved(made, given).get("content", {}).get(_JSON, {})
            for code in content.get("examples", {}):
                statuses.setdefault(code, set()).add(status)
    examples = made["components"]["examples"]
    return [
        (code, sorted(statuses[code]), examples[code]["value"]["error"]["message"])
        for code in made["components"]["schemas"]["ErrorCode"]["enum"]
        if code in statuses
    ]


def _header(made: Json, name: str, header: Json) -> Node:
    described = header["schema"] | {"description": header["description"]}
    return node(made, name, described, required=header.get("required", False))
