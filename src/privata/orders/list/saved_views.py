"""What a person keeps about the orders list: views under a name, the columns, the density.

A view belongs to one person in one organization and environment; columns and density follow the
person everywhere. Nobody else sees any of it, so the audit log does not get it either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import asyncpg

from privata.core.errors import NotFound, ValidationFailed
from privata.core.tenancy import Actor
from privata.infra.context import AppContext
from privata.orders.list.columns import USUAL, chosen_columns
from privata.orders.search.filters import filter_of
from privata.orders.states import Density

#: Views of one person in one place; more than that nobody finds again.
MOST_VIEWS: Final = 20

MOST_NAME: Final = 60

_LIST: Final = """
SELECT id, name, query, is_default FROM order_saved_view
WHERE user_id = $1 AND organization_id = $2 AND environment = $3 ORDER BY lower(name), id
"""

_INSERT: Final = """
INSERT INTO order_saved_view (user_id, organization_id, environment, name, query)
SELECT $1, $2, $3::text, $4, $5
WHERE (SELECT count(*) FROM order_saved_view
       WHERE user_id = $1 AND organization_id = $2 AND environment = $3::text) < $6
RETURNING id
"""

_RENAME: Final = """
UPDATE order_saved_view SET name = $5
WHERE user_id = $1 AND organization_id = $2 AND environment = $3 AND id = $4 RETURNING id
"""

_DELETE: Final = """
DELETE FROM order_saved_view
WHERE user_id = $1 AND organization_id = $2 AND environment = $3 AND id = $4 RETURNING id
"""

_NO_DEFAULT: Final = """
UPDATE order_saved_view SET is_default = false
WHERE user_id = $1 AND organization_id = $2 AND environment = $3 AND is_default
"""

_DEFAULT: Final = """
UPDATE order_saved_view SET is_default = true
WHERE user_id = $1 AND organization_id = $2 AND environment = $3 AND id = $4 RETURNING id
"""

_LOOK: Final = "SELECT columns, density FROM order_list_preference WHERE user_id = $1"

_KEEP_LOOK: Final = """
INSERT INTO order_list_preference (user_id, columns, density) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE SET columns = excluded.columns, density = excluded.density
"""


@dataclass(frozen=True, slots=True)
class View:
    """A filter under a name; `query` begins with its question mark."""

    id: int
    name: str
    query: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Which columns the list has, and how tall its rows are."""

    columns: tuple[str, ...] = USUAL
    density: Density = Density.REGULAR


async def views_of(ctx: AppContext, *, actor: Actor) -> list[View]:
    """The person's views here, by name."""
    rows = await ctx.database.pool.fetch(_LIST, *_place(actor))
    return [View(*row) for row in rows]


async def save_view(ctx: AppContext, *, actor: Actor, name: str, query: str) -> int:
    """Keep a filter under a name. `ValidationFailed` names what is wrong with `name`."""
    chosen = filter_of(query)
    if not chosen.active:
        raise ValidationFailed(
            "Set a filter before you save a view.", fields=[("name", "needs a filter")]
        )
    try:
        made = await ctx.database.pool.fetchval(
            _INSERT, *_place(actor), _name(name), chosen.query(), MOST_VIEWS
        )
    except asyncpg.UniqueViolationError:
        raise _taken() from None
    if made is None:
        raise ValidationFailed(
            f"You already have {MOST_VIEWS} views. Delete one first.",
            fields=[("name", f"exceeds the limit of {MOST_VIEWS} views")],
        )
    return int(made)


async def rename_view(ctx: AppContext, *, actor: Actor, view_id: int, name: str) -> None:
    """Give a view another name. `NotFound`, `ValidationFailed`."""
    try:
        found = await ctx.database.pool.fetchval(_RENAME, *_place(actor), view_id, _name(name))
    except asyncpg.UniqueViolationError:
        raise _taken() from None
    _must(found)


async def delete_view(ctx: AppContext, *, actor: Actor, view_id: int) -> None:
    """Forget a view. `NotFound`."""
    _must(await ctx.database.pool.fetchval(_DELETE, *_place(actor), view_id))


async def choose_default(ctx: AppContext, *, actor: Actor, view_id: int | None) -> None:
    """Show this view when the list is opened; None: all orders again. `NotFound`."""
    async with ctx.database.transaction() as tx:
        await tx.connection.execute(_NO_DEFAULT, *_place(actor))
        if view_id is not None:
            try:
                _must(await tx.connection.fetchval(_DEFAULT, *_place(actor), view_id))
            except asyncpg.UniqueViolationError:
                # The person chose another one in another window at this moment.
                raise ValidationFailed(
                    "Another view was made the default at the same time. Try again."
                ) from None


async def look_of(ctx: AppContext, *, actor: Actor) -> Look:
    """How the person likes the list."""
    row = await ctx.database.pool.fetchrow(_LOOK, int(actor.id))
    if row is None:
        return Look()
    return Look(chosen_columns(row["columns"]), Density(row["density"]))


async def keep_look(ctx: AppContext, *, actor: Actor, columns: Iterable[str], density: str) -> None:
    """Keep columns and density. Unknown columns are left out; `ValidationFailed` for a density."""
    if density not in list(Density):
        raise ValidationFailed(
            "The density must be regular or compact.",
            fields=[("density", "must be regular or compact")],
        )
    wanted = list(chosen_columns(columns))
    await ctx.database.pool.execute(_KEEP_LOOK, int(actor.id), wanted, density)


def _place(actor: Actor) -> tuple[int, object, str]:
    return int(actor.id), actor.organization_id, actor.environment.value


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > MOST_NAME or not name.isprintable():
        rule = f"must be 1 to {MOST_NAME} printable characters"
        raise ValidationFailed(f"The name {rule}.", fields=[("name", rule)])
    return name


def _taken() -> ValidationFailed:
    return ValidationFailed(
        "You already have a view with this name.", fields=[("name", "is already in use")]
    )


def _must(found: object) -> None:
    if found is None:
        raise NotFound("View not found.")
