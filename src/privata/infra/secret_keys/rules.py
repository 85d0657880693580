"""Which secret keys a process may work with, judged from what the database knows of them.

Three rules keep one installation's processes from working under different keys:
a process has every key that has sealed, a key that is new begins as one that only opens, and it
becomes the first one only when every process that runs has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privata.infra.sealing import KeyMark

_GUIDE: Final = "docs/self-hosting.md, Secret keys"

#: Seconds of silence after which a process no longer counts as running.
LAPSED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A secret key as the database knows it."""

    mark: KeyMark
    seen_at: datetime
    first_at: datetime | None
    retired_at: datetime | None

    @property
    def needed(self) -> bool:
        """Whether something may still be sealed or digested under it."""
        return self.first_at is not None and self.retired_at is None


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs: the names of its keys, seconds since it said so, and by how many
    milliseconds its machine's clock is ahead of the database's (None: not known)."""

    label: str
    keys: Sequence[bytes]
    silent_s: float
    skew_ms: int | None = None


def refusal(
    own: Sequence[KeyMark],
    known: Sequence[KnownKey],
    source: str,
    running: Sequence[Process] = (),
) -> str | None:
    """Why a process with the keys `own`, the first one sealing, must not work; None if it may.

    `source` says where its keys are set. An installation without a needed key is new and takes any.
    """
    needed = [key for key in known if key.needed]
    if not needed:
        return _retired(own[0], known, source)
    missing = lacking(own, needed, source)
    if missing is not None:
        return missing
    first = own[0]
    if first not in [key.mark for key in known]:
        return (
            f"The first key in {source}, {first.shown}, is new to this database. Put it at the end"
            f" on every node and restart them all, then put it first ({_GUIDE})."
        )
    if first not in [key.mark for key in known if key.first_at is not None]:
        return _too_early(first, running, source)
    return _retired(first, known, source)


def lacking(own: Sequence[KeyMark], known: Sequence[KnownKey], source: str) -> str | None:
    """Which needed key is not among `own`, and what to do; None if all are."""
    missing = [key.mark.shown for key in known if key.needed and key.mark not in own]
    if not missing:
        return None
    return (
        f"This database holds secrets under the key {', '.join(missing)}, which {source} lacks;"
        f" it has {', '.join(mark.shown for mark in own)}. Add the missing key; if it is lost or no"
        f" longer needed, run `privata secrets retire {missing[0]}` ({_GUIDE})."
    )


def _too_early(first: KeyMark, running: Sequence[Process], source: str) -> str | None:
    """Who could not open what would be sealed under `first` from now on."""
    without = [process for process in running if first.name not in process.keys]
    if not without:
        return None
    more = f" and {len(without) - 1} more" if len(without) > 1 else ""
    return (
        f"The first key in {source}, {first.shown}, must not be first yet: {without[0].label}{more}"
        f" runs without it, last seen {without[0].silent_s:.0f} s ago. Add the key at the end there"
        f" and restart it. A process that was killed counts for {LAPSED_S:.0f} s ({_GUIDE})."
    )


def _retired(first: KeyMark, known: Sequence[KnownKey], source: str) -> str | None:
    if first not in [key.mark for key in known if key.retired_at is not None]:
        return None
    return (
        f"The first key in {source}, {first.shown}, was retired. Put another key first ({_GUIDE})."
    )
