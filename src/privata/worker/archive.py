"""Files of orders that left the database: compressed, a line of JSON for each order.

A file is whole and on the disk before its orders are removed. Where the removal fails after that,
the orders come again, under the same name or in another file: whoever reads the archive takes one
line for each id.
"""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path


class NotArchived(Exception):
    """The file cannot be written; the message says why."""


def archive(folder: Path, first: str, made: datetime, lines: Sequence[str]) -> Path:
    """Write `orders-<month>-<first>.ndjson.gz`, readable by this user alone.

    `first` is the id of the first order and `made` when it was made; `NotArchived` where the
    folder is missing or not writable.
    """
    file = folder / f"orders-{made.astimezone(UTC):%Y-%m}-{first}.ndjson.gz"
    draft = folder / f".{file.name}.{secrets.token_hex(4)}"
    data = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.rename(file)
        _settle(folder)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise NotArchived(
            f"{file} cannot be written: {error.strerror}. Check PRIVATA_ORDER_ARCHIVE."
        ) from None
    return file


def _settle(folder: Path) -> None:
    """The name is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
