"""`privata secrets retire`: a key that nothing needs may be taken out of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from privata.core.errors import PrivataError
from privata.infra.database.postgres import Transaction
from privata.infra.secret_keys import store
from privata.infra.secret_keys.columns import Use
from privata.infra.secret_keys.rules import KnownKey

_RETIRE: Final = "UPDATE secret_key SET retired_at = statement_timestamp() WHERE name = $1"


async def retire(tx: Transaction, shown: str, uses: Sequence[Use], *, anyway: bool) -> KnownKey:
    """Note that the key is needed no more, so that processes may start without it.

    `PrivataError` while something hangs on it, by `uses`, and for the key that the installation
    seals with, unless `anyway`: a key that was lost. What hangs on it does not open then. And while
    a process seals with it, whatever was asked: more would hang on it a moment later.
    """
    # Nobody enters meanwhile: the key cannot become the first one of a process.
    await store.lock_keys(tx.connection)
    known = await store.known_keys(tx.connection)
    found = [key for key in known if key.mark.shown == shown.lower()]
    if not found:
        names = ", ".join(key.mark.shown for key in known) or "none"
        raise PrivataError(f"There is no secret key {shown}. Known keys: {names}.")
    key = found[0]
    if key.retired_at is not None:
        raise PrivataError(f"The secret key {shown} was retired on {key.retired_at:%Y-%m-%d}.")
    sealing = [
        one for one in await store.running_processes(tx.connection) if one.keys[0] == key.mark.name
    ]
    if sealing:
        raise PrivataError(
            f"{sealing[0].label} seals with {shown}. Put another key first there and restart it."
        )
    if not anyway:
        if store.sealing_key(known) == key:
            raise PrivataError(
                f"The installation seals with {shown}. Put another key first, or, if this key is"
                " lost, add --anyway."
            )
        hanging = [use for use in uses if use.key in (key.mark.name, None)]
        if hanging:
            told = ", ".join(f"{use.count} in {use.table}" for use in hanging)
            raise PrivataError(
                f"The secret key {shown} is still needed: {told}. Run `privata secrets reseal` and"
                " `privata secrets status`, or add --anyway to lose them."
            )
    await tx.connection.execute(_RETIRE, key.mark.name)
    return key
