"""Variables that begin with PRIVATA_ and are no setting: a misspelt one must not be ignored in
silence, since whoever wrote it believes that it holds."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

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
