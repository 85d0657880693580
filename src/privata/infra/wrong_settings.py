"""What is wrong with the settings, in one line that says what to write instead.

Values: every kind of wrong value is told in the same words, made of the setting's own type and
bounds. Names: a misspelt variable must not be ignored in silence, since whoever wrote it believes
that it holds.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from privata.core.errors import StartupError

PREFIX: Final = "PRIVATA_"

#: Names of ours that are no settings: where the settings are, and what the guides and tests use.
_OTHERS: Final = frozenset(
    f"{PREFIX}{name}"
    for name in ("ENV_FILE", "API_KEY", "KEY", "PYTHON", "NODE", "GO", "CHROMIUM", "FUZZ_EXAMPLES")
)

#: So alike a name and a setting are taken for the same word (`difflib`, 0 to 1): the start ends.
#: What is less alike is only named: Kubernetes makes `PRIVATA_SERVICE_HOST` for a service.
MISSPELT: Final = 0.85
NEAREST: Final = 0.5

#: Characters of a wrong value that are shown.
_SHOWN: Final = 80

_KINDS: Final[Mapping[object, str]] = {
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    bool: "true or false",
}


def variable(name: str) -> str:
    """The variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def what_is_wrong(error: ValidationError, fields: Mapping[str, FieldInfo]) -> str:
    """The first setting that is wrong: what it is, what is allowed, and an example.

    Secrets are not repeated. A check of several settings names them in its own sentence.
    """
    first = error.errors()[0]
    if not first["loc"]:
        return first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    field = fields[name]
    given = "is invalid"
    if field.repr:
        # The checks of lists raise a ValueError of the part that is wrong.
        part = first.get("ctx", {}).get("error")
        given = f"is {_shown(first['input'])}" if part is None else f"contains {_shown(part)}"
    return f"{variable(name)} {given}. It must be {allowed(field)}."


def allowed(field: FieldInfo) -> str:
    """What a setting may be, with an example: its description, or what its type and bounds say."""
    kind = next(one for one in (field.annotation, *get_args(field.annotation)) if _is_one(one))
    said = field.description
    if said is None and get_origin(kind) is Literal:
        *most, last = get_args(kind)
        said = f"{', '.join(most)}{',' if len(most) > 1 else ''} or {last}"
    if said is None:
        said = f"{_KINDS[kind]}{_bounds(field)}"
    return f"{said}, for example {example(field)}"


def example(field: FieldInfo) -> str:
    """A value that a setting may have: the one that is given for it, or its default."""
    value = field.examples[0] if field.examples else field.default
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_one(kind: object) -> bool:
    """Whether it is a type itself, not a choice of types such as `int | None`."""
    return kind in _KINDS or get_origin(kind) in (Literal, list) or kind in (str, Path)


def _bounds(field: FieldInfo) -> str:
    found = {
        name: value
        for one in field.metadata
        for name in ("decimal_places", "ge", "gt", "le")
        if (value := getattr(one, name, None)) is not None
    }
    at_least, above, at_most = (found.get(name) for name in ("ge", "gt", "le"))
    if at_least is not None and at_most is not None:
        said = f" from {at_least} to {at_most}"
    else:
        parts = [
            f"{before} {value}"
            for before, value in (("of at least", at_least), ("above", above), ("at most", at_most))
            if value is not None
        ]
        said = f" {' and '.join(parts)}" if parts else ""
    decimals = found.get("decimal_places")
    return said if decimals is None else f"{said} with at most {decimals} decimals"


def _shown(value: object) -> str:
    """In quotes and on one line, whatever stands in it."""
    text = str(value)
    return json.dumps(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…", ensure_ascii=False)


def given_names(env_file: str | None) -> list[str]:
    """Names in the environment and in the file of settings, each once."""
    in_file = dotenv_values(Path(env_file)) if env_file else {}
    return list(dict.fromkeys([*os.environ, *in_file]))


def refuse_misspelt(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """A line for each name that is no setting; `StartupError` for one that is nearly a setting.

    `known` are the variables of all settings. Names count without regard to case, as settings do.
    """
    settings = set(known)
    lines = []
    for name in sorted(names):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in settings | _OTHERS:
            continue
        nearest = difflib.get_close_matches(upper, settings, 1, NEAREST)
        if nearest and _alike(upper, nearest[0]) >= MISSPELT:
            raise StartupError(
                f"{name} is not a setting. Did you mean {nearest[0]}? Correct or remove it."
            )
        hint = f" (did you mean {nearest[0]}?)" if nearest else ""
        lines.append(f"{name} is not a setting and is ignored{hint}.")
    return lines


def _alike(name: str, setting: str) -> float:
    """How alike they are without the prefix that all of them have."""
    parts = (name.removeprefix(PREFIX), setting.removeprefix(PREFIX))
    return difflib.SequenceMatcher(None, *parts).ratio()
