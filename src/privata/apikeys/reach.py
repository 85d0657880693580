"""How far a role reaches through keys: no further than the permission table (docs/roles.md).

Whoever has seen a secret can do what its key may do. So a key's scopes are held against the role of
who made the secret that is sent (`maker`), when the key is made, changed and rotated, and again at
every call: docs/decisions/0022.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from privata.apikeys.scopes import Scope
from privata.core.errors import ValidationFailed
from privata.organizations.roles import TABLE, Permission, Role, allows

#: What a member must be permitted to give, or to know a secret with, each scope.
NEEDS: Final = {
    Scope.ORDERS: Permission.TRIGGER_REFUNDS,
    Scope.WEBHOOK_ADMIN: Permission.CONFIGURE_ENDPOINTS,
    Scope.PAYOUTS_READ: Permission.MANAGE_PAYOUTS,
    Scope.PAYOUTS_TRIGGER: Permission.MANAGE_PAYOUTS,
    Scope.RAMP_EMBED: Permission.MANAGE_KEYS,
}

#: Scopes that are about money: they end with the role of who made the secret.
MONEY: Final = tuple(s for s in Scope if NEEDS[s] is Permission.MANAGE_PAYOUTS)


def lacking(role: Role | None, scopes: Iterable[str]) -> list[Scope]:
    """Those of `scopes` that the role does not reach, in the order of the table; None: no role."""
    given = set(scopes)
    return [
        scope
        for scope in Scope
        if scope in given and (role is None or not allows(role, NEEDS[scope]))
    ]


def refuse_beyond(role: Role | None, scopes: Iterable[str]) -> None:
    """`ValidationFailed` (field `scopes`) unless the role reaches all of them."""
    missing = lacking(role, scopes)
    if missing:
        sentence = (
            f"Your role cannot grant {' and '.join(missing)}. Ask an owner to create the key."
        )
        raise ValidationFailed(sentence, fields=[("scopes", sentence)])


def refuse_secret_beyond(role: Role | None, scopes: Iterable[str]) -> None:
    """`ValidationFailed` unless the role may see a new secret of a key with these scopes."""
    missing = lacking(role, scopes)
    if missing:
        raise ValidationFailed(
            f"You cannot change this key or see its secret: it has {' and '.join(missing)}, which"
            " your role does not include. Ask an owner, or revoke the key."
        )


def _texts(values: Iterable[str]) -> str:
    quoted = [f"'{value}'" for value in sorted(values)]
    return f"ARRAY[{', '.join(quoted)}]"


#: SQL: what a key `k` may do when its secret `s` is sent: without the scopes about money if who
#: made the secret has no role for them now. Ordinary keys never get to the look-up.
HELD_SCOPES: Final = f"""
    CASE WHEN NOT (k.scopes::text[] && {_texts(MONEY)}) OR s.by_operator OR EXISTS (
        SELECT FROM membership AS maker JOIN app_user AS u ON u.id = maker.user_id
        WHERE maker.organization_id = k.organization_id AND maker.user_id = s.maker_id
          AND maker.deactivated_at IS NULL AND u.is_active
          AND maker.role = ANY ({_texts(TABLE[Permission.MANAGE_PAYOUTS])}))
    THEN k.scopes::text[]
    ELSE ARRAY(SELECT unnest(k.scopes::text[]) EXCEPT SELECT unnest({_texts(MONEY)})) END
"""  # put together out of constants
