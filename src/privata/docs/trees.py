"""Schemas as trees of fields that a page can open and close. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup

from privata.docs.markdown import inline

Json = dict[str, Any]

#: Longer patterns help nobody who reads.
MAX_PATTERN: Final = 32

#: Deeper schemas than this are named, not shown: none of ours refers to itself.
MAX_DEPTH: Final = 6

#: Least, most, and what is counted.
_LIMITS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " of them"),
)

#: Beyond this a limit says nothing but "a whole number".
_LARGE: Final = 2**53
_FORMATS: Final = {"date-time": "time", "uuid": "UUID", "date": "date", "uri": "URL"}


@dataclass(frozen=True, slots=True)
class Node:
    """A field: `kind` is its type in words, `choices` its values if they are few."""

    name: str
    kind: str
    required: bool
    text: Markup
    limits: tuple[str, ...] = ()
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    children: list[Node] = field(default_factory=list)


def fields_of(made: Json, schema: Json) -> list[Node]:
    """The fields of an object, or a single nameless node of anything else."""
    root = node(made, "", schema, required=True)
    return root.children or [root]


def node(made: Json, name: str, schema: Json, *, required: bool, depth: int = 0) -> Node:
    """The node of a schema; `made` is the document that references lead through."""
    merged, nullable = _merged(made, schema)
    items, _ = _merged(made, merged["items"]) if "items" in merged else ({}, False)
    inner = items if items.get("type") == "object" else merged
    wanted = set(inner.get("required", ()))
    children = []
    if depth < MAX_DEPTH:
        children = [
            node(made, child, shape, required=child in wanted, depth=depth + 1)
            for child, shape in inner.get("properties", {}).items()
        ]
    # What a call cannot do without comes first.
    children.sort(key=lambda child: not child.required)
    choices = merged.get("enum") or items.get("enum") or ()
    return Node(
        name=name,
        kind=_kind(merged, items, nullable=nullable),
        required=required,
        text=inline(merged.get("description", "") if name else ""),
        limits=tuple(_limits(merged)),
        pattern=_pattern(merged),
        choices=tuple(str(one) for one in choices),
        default=None if merged.get("default") is None else str(merged["default"]),
        children=children,
    )


def _merged(made: Json, schema: Json) -> tuple[Json, bool]:
    """The schema without references, alternatives and parts; and whether null is one of them."""
    found = dict(schema)
    nullable = False
    if "$ref" in found:
        target = made["components"]["schemas"][found.pop("$ref").rpartition("/")[2]]
        below, nullable = _merged(made, target)
        # What is said about the field is nearer than what is said about its type.
        found = below | found
    if "anyOf" in found:
        parts = found.pop("anyOf")
        rest = [part for part in parts if part.get("type") != "null"]
        nullable = nullable or len(rest) < len(parts)
        below, _ = _merged(made, rest[0]) if rest else ({}, False)
        found = below | found
    for part in found.pop("allOf", ()):
        below, _ = _merged(made, part)
        fields = found.get("properties", {}) | {
            name: found.get("properties", {}).get(name, {}) | shape
            for name, shape in below.get("properties", {}).items()
        }
        found = below | found | ({"properties": fields} if fields else {})
    kinds = found.get("type")
    if isinstance(kinds, list):
        nullable = nullable or "null" in kinds
        found["type"] = next(kind for kind in kinds if kind != "null")
    return found, nullable


def _kind(schema: Json, items: Json, *, nullable: bool) -> str:
    if "const" in schema:
        kind = repr(schema["const"]).replace("'", '"').replace("True", "true")
    elif schema.get("type") == "array":
        kind = f"list of {_plural(items)}"
    else:
        kind = _FORMATS.get(schema.get("format", ""), str(schema.get("type", "any")))
    return f"{kind} or null" if nullable else kind


def _plural(items: Json) -> str:
    if items.get("type") == "object":
        return "objects"
    return f"{items.get('type', 'value')}s"


def _pattern(schema: Json) -> str | None:
    pattern = None if "const" in schema else schema.get("pattern")
    return pattern if pattern is not None and len(pattern) <= MAX_PATTERN else None


def _limits(schema: Json) -> Iterator[str]:
    for least, most, what in _LIMITS:
        low, high = schema.get(least), schema.get(most, _LARGE)
        if high < _LARGE and low is not None:
            yield f"{low:,} to {high:,}{what}"
        elif high < _LARGE:
            yield f"At most {high:,}{what}"
        elif low:
            yield f"At least {low:,}{what}"
