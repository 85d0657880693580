"""A failed call before it has a shape: each API shows failures in the words of its clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with a call: our status and code, the sentence, and what names the cause."""

    status: int
    code: str
    message: str
    fields: tuple[tuple[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


#: Makes status and JSON body of an answer out of a failure and the request's id.
FailureShape: TypeAlias = Callable[[Failure, str], tuple[int, Any]]
