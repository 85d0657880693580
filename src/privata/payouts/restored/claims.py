"""What is known of payouts outside of the database: the operator's list of what was paid, and the
journal that the commands keep beside the database (docs/backup.md).

Both are CSV with the same columns. A line of the journal is on the disk before the step that it
tells of is committed, so the journal may know of a step too many and never of one too few.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final
from uuid import UUID

from privata.core.errors import InvalidAddress, PrivataError, WrongPayoutState
from privata.infra.csv_lists import read_list
from privata.payouts.challenges import amount_text
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.rows import PayoutRow
from privata.payouts.rules import check_address, read_dollars

COLUMNS: Final = (
    "payout_id",
    "status",
    "tx_hash",
    "organization_id",
    "currency",
    "address",
    "amount",
)

_S = PayoutStatus

#: What an outside list can say of a payout, the least final first.
RANKS: Final = {_S.PROCESSING: 0, _S.SENT: 1, _S.SETTLED: 2, _S.FAILED: 2}


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody outside says of a payout; None is what they do not say."""

    payout_id: UUID
    status: PayoutStatus
    tx_hash: str | None = None
    organization_id: UUID | None = None
    currency: PayoutCurrency | None = None
    address: str | None = None
    amount: Decimal | None = None


def read_claims(path: Path) -> list[Claim]:
    """The lines of a list; `PrivataError` names the first that cannot be read.

    `payout_id` is needed, and `tx_hash` for what was sent. Without a `status` a payout was sent.
    """
    found = []
    for number, said in read_list(path, COLUMNS[:1], COLUMNS):
        try:
            found.append(_claim(said))
        except (ValueError, InvalidAddress) as error:
            raise PrivataError(f"{path}, line {number}: {error}") from None
    return found


def _claim(said: Mapping[str, str]) -> Claim:
    status = said["status"] or _S.SENT.value
    if status not in RANKS:
        raise ValueError(f"status must be one of {', '.join(RANKS)}, not {status!r}")
    if status in (_S.SENT, _S.SETTLED) and not said["tx_hash"]:
        raise ValueError("tx_hash is required for a payout that was sent")
    if said["currency"] and said["currency"] not in list(PayoutCurrency):
        raise ValueError(
            f"currency must be one of {', '.join(PayoutCurrency)}, not {said['currency']!r}"
        )
    currency = PayoutCurrency(said["currency"]) if said["currency"] else None
    address = said["address"] or None
    return Claim(
        _uuid(said, "payout_id"),
        PayoutStatus(status),
        said["tx_hash"] or None,
        _uuid(said, "organization_id") if said["organization_id"] else None,
        currency,
        check_address(currency, address) if currency and address else address,
        read_dollars(said["amount"]) if said["amount"] else None,
    )


def _uuid(said: Mapping[str, str], name: str) -> UUID:
    try:
        return UUID(said[name])
    except ValueError:
        raise ValueError(f"{name} must be a UUID, not {said[name]!r}") from None


def furthest(claims: Iterable[Claim]) -> dict[UUID, Claim]:
    """What is known of each payout: its most final state, and all that any line says of it.

    `PrivataError` where two lines cannot both be true.
    """
    known: dict[UUID, Claim] = {}
    for claim in claims:
        earlier = known.get(claim.payout_id)
        if earlier is None:
            known[claim.payout_id] = claim
            continue
        if None not in (earlier.tx_hash, claim.tx_hash) and earlier.tx_hash != claim.tx_hash:
            raise PrivataError(
                f"The payout {claim.payout_id} was paid by {earlier.tx_hash} according to one line"
                f" and by {claim.tx_hash} according to another. Find out which is true, and correct"
                " the list."
            )
        first, last = sorted((earlier, claim), key=lambda one: RANKS[one.status])
        if {first.status, last.status} == {_S.SETTLED, _S.FAILED}:
            raise PrivataError(
                f"The payout {claim.payout_id} is settled according to one line and failed"
                " according to another. Find out which is true, and correct the list."
            )
        known[claim.payout_id] = Claim(
            last.payout_id,
            last.status,
            last.tx_hash or first.tx_hash,
            last.organization_id or first.organization_id,
            last.currency or first.currency,
            last.address or first.address,
            last.amount or first.amount,
        )
    return known


@dataclass(frozen=True, slots=True)
class Journal:
    """The file beside the database; without a path nothing is kept and nothing known."""

    path: Path | None

    def note(self, payout: PayoutRow, status: PayoutStatus, tx_hash: str | None = None) -> None:
        """Append a step, on the disk when this returns. `PrivataError`: the step must not be taken.

        Called in the step's transaction, before its commit.
        """
        if self.path is None:
            return
        line = io.StringIO()
        writer = csv.writer(line, lineterminator="\n")
        try:
            with self.path.open("a", encoding="utf-8") as file:
                if file.tell() == 0:
                    writer.writerow(COLUMNS)
                writer.writerow(
                    [
                        payout.id,
                        status.value,
                        tx_hash or "",
                        payout.organization_id,
                        payout.currency,
                        payout.address,
                        amount_text(payout.amount),
                    ]
                )
                file.write(line.getvalue())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PrivataError(
                f"The payout journal {self.path} cannot be written ({error.strerror}), so the"
                " payout is not changed."
            ) from None

    def claims(self) -> list[Claim]:
        """All that it knows; nothing where there is no file yet."""
        if self.path is None or not self.path.exists():
            return []
        return read_claims(self.path)

    def refuse_known(self, payout: PayoutRow) -> None:
        """`WrongPayoutState` if the journal knows that this payout was being sent before.

        The database has forgotten it then, whatever its generation says.
        """
        known = furthest(self.claims()).get(payout.id)
        if known is not None:
            raise WrongPayoutState(
                f"The payout journal says that this payout was {known.status}, which the database"
                " has forgotten. Run `privata restored`."
            )
