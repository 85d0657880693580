"""The permission table and the rules beyond it (docs/roles.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privata.organizations.membership_rules import (
    ADMIN_AND_OWNER,
    ADMIN_AND_SELF,
    ADMIN_MAKES_OWNER,
    LAST_OWNER,
    ONESELF,
    Member,
    invitation_refused,
    removal_refused,
    role_change_refused,
)
from privata.organizations.roles import TABLE, Permission, Role, allows

_DOCS = Path(__file__).resolve().parents[4] / "docs" / "roles.md"

OWNER, ADMIN = Member(1, Role.OWNER), Member(2, Role.ADMIN)
SECOND, DEVELOPER = Member(3, Role.OWNER), Member(4, Role.DEVELOPER)
TEAM = [OWNER, ADMIN, DEVELOPER]


@pytest.mark.parametrize(
    ("actor", "target", "role", "members", "refused"),
    [
        (ADMIN, OWNER, Role.ADMIN, TEAM, ADMIN_AND_OWNER),
        (ADMIN, ADMIN, Role.DEVELOPER, TEAM, ADMIN_AND_SELF),
        (ADMIN, ADMIN, Role.OWNER, TEAM, ADMIN_AND_SELF),
        (ADMIN, DEVELOPER, Role.OWNER, TEAM, ADMIN_MAKES_OWNER),
        (ADMIN, DEVELOPER, Role.ADMIN, TEAM, None),
        (OWNER, ADMIN, Role.OWNER, TEAM, None),
        (OWNER, OWNER, Role.ADMIN, TEAM, LAST_OWNER),
        (OWNER, OWNER, Role.OWNER, TEAM, None),
        (OWNER, OWNER, Role.ADMIN, [*TEAM, SECOND], None),
        (OWNER, SECOND, Role.READONLY, [*TEAM, SECOND], None),
        (OWNER, OWNER, Role.ADMIN, [*TEAM, Member(3, Role.OWNER, active=False)], LAST_OWNER),
    ],
)
def test_changing_roles(
    actor: Member, target: Member, role: Role, members: list[Member], refused: str | None
) -> None:
    assert role_change_refused(actor, target, role, members) == refused


@pytest.mark.parametrize(
    ("actor", "target", "members", "refused"),
    [
        (OWNER, ADMIN, TEAM, None),
        (OWNER, OWNER, TEAM, LAST_OWNER),
        (OWNER, OWNER, [*TEAM, SECOND], ONESELF),
        (OWNER, SECOND, [*TEAM, SECOND], None),
        (ADMIN, SECOND, [*TEAM, SECOND], ADMIN_AND_OWNER),
    ],
)
def test_removing(
    actor: Member, target: Member, members: list[Member], refused: str | None
) -> None:
    assert removal_refused(actor, target, members) == refused


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([None, *Role])),
        max_size=30,
    )
)
def test_whatever_is_done_an_owner_stays(steps: list[tuple[int, int, Role | None]]) -> None:
    roles = [Role.OWNER, Role.OWNER, Role.ADMIN, Role.DEVELOPER, Role.FINANCE]
    members = {number: Member(number, role) for number, role in enumerate(roles)}
    for actor, target, role in steps:
        if actor not in members or target not in members:
            continue
        everybody = list(members.values())
        if role is None:
            if removal_refused(members[actor], members[target], everybody) is None:
                del members[target]
        elif role_change_refused(members[actor], members[target], role, everybody) is None:
            members[target] = Member(target, role)
        assert any(one.owns for one in members.values())


def test_only_owners_make_owners() -> None:
    assert invitation_refused(Role.ADMIN, Role.OWNER) == ADMIN_MAKES_OWNER
    assert invitation_refused(Role.OWNER, Role.OWNER) is None
    assert invitation_refused(Role.ADMIN, Role.ADMIN) is None


def test_duties_are_separated() -> None:
    assert not allows(Role.ADMIN, Permission.MANAGE_PAYOUTS)
    assert not allows(Role.DEVELOPER, Permission.MANAGE_PAYOUTS)
    for secret in (Permission.MANAGE_KEYS, Permission.VIEW_KEYS, Permission.CONFIGURE_ENDPOINTS):
        assert not allows(Role.FINANCE, secret)
    for change in (
        Permission.EDIT_ORGANIZATION,
        Permission.MANAGE_KEYS,
        Permission.CONFIGURE_ENDPOINTS,
        Permission.EXPORT_ORDERS,
        Permission.TRIGGER_REFUNDS,
        Permission.INVITE_MEMBERS,
    ):
        assert not allows(Role.READONLY, change)


def test_the_owner_may_everything_and_each_permission_is_decided() -> None:
    assert set(TABLE) == set(Permission)
    assert all(allows(Role.OWNER, permission) for permission in Permission)


def test_the_documented_table_is_the_one_in_force() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|[^|]*\|(.*)\|$", _DOCS.read_text(), re.MULTILINE)
    documented = {
        name: {role for role, cell in zip(Role, cells.split("|"), strict=True) if cell.strip()}
        for name, cells in rows
    }
    assert documented == {permission.value: set(roles) for permission, roles in TABLE.items()}
