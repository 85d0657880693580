"""The secret key of a development installation: made once, kept in the home."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from privata.core.errors import StartupError

KEY_BYTES = 32


def development_key(home: Path) -> bytes:
    """The key in `home`, made first if there is none; `StartupError` if that cannot be."""
    path = home / "secret.key"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path)
        key = path.read_bytes()
    except OSError as error:
        raise StartupError(f"The secret key {path} cannot be read or written: {error}.") from error
    if len(key) != KEY_BYTES:
        raise StartupError(f"The secret key {path} is damaged: {len(key)} bytes, not {KEY_BYTES}.")
    return key


def _write_once(path: Path) -> None:
    # Two programs may start at once: each writes its own file, and link() lets only one win.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
