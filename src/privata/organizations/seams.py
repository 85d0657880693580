"""What organizations tell other rooms that are not connected yet.

Each function is called in the transaction of the act, at the place where the mail or the end of
sessions belongs. None of them does anything so far; whoever connects one writes it here, through
the other room's service.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from privata.infra.postgres import Transaction


async def invitation_mail(
    tx: Transaction,
    *,
    email: str,
    organization_name: str,
    role: str,
    invited_by: str,
    url: str,
    expires_at: datetime,
) -> None:
    """Mail an invitation's link to `email` (SPEC 18: invitation). Until then the page shows it."""


async def member_joined_mail(
    tx: Transaction, *, organization_id: UUID, email: str, role: str
) -> None:
    """Tell owners and admins that a member joined, but those in `preferences.opted_out`."""


async def reviewed_mail(
    tx: Transaction, *, organization_id: UUID, approved: bool, note: str
) -> None:
    """Tell the owners that their organization was approved or rejected."""


async def access_ended(tx: Transaction, *, user_id: int) -> None:
    """A membership was ended or deactivated: end the person's sessions at once (SPEC 19).

    The doors look the membership up at each request, so pages and tokens are closed already.
    """


async def role_changed(tx: Transaction, *, user_id: int) -> None:
    """A role was changed: rotate the person's sessions (SPEC 3). Roles are read at each request."""
