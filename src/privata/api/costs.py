"""Which bucket pays for a call, decided on parsed values only.

A value has many spellings: `include=all`, `include=%61ll`, `inc%6Cude=all`. What is asked here is
what the route will read, with the same parser; bytes as they came in decide nothing.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import QueryParams
from starlette.types import Scope

from privata.api.routes import all_routes
from privata.infra.limits import Kind

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: Reads that cost more than others, by the path below the API's prefix.
_DEARER: Final = {
    route.path: route.operation.dearer
    for route in all_routes()
    if route.operation.dearer is not None
}


def kind_of(scope: Scope, prefix: str) -> Kind:
    """What a call counts as. A parameter given twice costs what its dearest value costs."""
    if scope["method"] not in _READS:
        return Kind.WRITE
    dearer = _DEARER.get(scope["path"].removeprefix(prefix))
    if dearer is not None:
        name, value, kind = dearer
        if value in QueryParams(scope["query_string"]).getlist(name):
            return kind
    return Kind.READ
