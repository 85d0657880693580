"""What the demo's people and programs sign in with: made once, kept in the home for the next start.

Keys and secrets are stored nowhere in the product itself; a demo that could not say its own keys
after a restart would be useless, so it keeps them in a file that only its owner can read.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from privata.core.errors import StartupError

FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything needed to drive the demo."""

    organization_id: str
    test_key: str
    live_key: str
    owner_email: str
    owner_password: str
    operator_email: str
    operator_password: str
    endpoint_id: str
    webhook_secret: str
    receiver_url: str


def load(home: Path) -> Credentials | None:
    """The credentials of an earlier start; None on the first. `StartupError` on a damaged file."""
    path = home / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        kept = json.loads(text)
        return Credentials(**{field.name: kept[field.name] for field in fields(Credentials)})
    except (ValueError, KeyError, TypeError):
        raise StartupError(f"{path} is damaged. Delete it and the home to start over.") from None


def save(home: Path, credentials: Credentials) -> None:
    """Write the file whole or not at all."""
    draft = home / f"{FILE}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(credentials), file, indent=2)
    draft.replace(home / FILE)
