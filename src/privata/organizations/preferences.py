"""Mails a member may do without, as data. All others always come."""

from __future__ import annotations

from enum import StrEnum

from privata.organizations.roles import Role


class Notice(StrEnum):
    PAYOUT_SENT = "payout_sent"
    MEMBER_JOINED = "member_joined"


#: Who gets each of them, and what its switch says.
NOTICES: dict[Notice, tuple[frozenset[Role], str, str]] = {
    Notice.PAYOUT_SENT: (
        frozenset({Role.OWNER, Role.FINANCE}),
        "Payout sent",
        "When a payout is sent to one of your addresses.",
    ),
    Notice.MEMBER_JOINED: (
        frozenset({Role.OWNER, Role.ADMIN}),
        "Member joined",
        "When someone accepts an invitation to this organization.",
    ),
}

#: What nobody can switch off, for the page to say so.
ALWAYS = (
    ("Endpoint paused", "technical contact"),
    ("SLA breach", "technical contact, owners"),
    ("Key expires", "its creator, admins"),
    ("Payout address added", "finance, owners"),
    ("New device, password changed, second factor off", "you"),
    ("Organization approved or rejected", "owners"),
)


def choices_of(role: Role) -> list[Notice]:
    """The mails that this role gets and may do without."""
    return [notice for notice, (roles, _, _) in NOTICES.items() if role in roles]
