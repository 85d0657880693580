"""Mailed codes under races."""

from __future__ import annotations

import asyncio

import pytest

from privata.accounts import codes
from privata.accounts.codes import CodeCheck, Minted
from privata.accounts.states import CodePurpose
from privata.infra.context import AppContext


async def mint(ctx: AppContext, purpose: CodePurpose, instead_of: Minted | None = None) -> Minted:
    async with ctx.database.transaction() as tx:
        return await codes.mint(
            tx,
            ctx.sealer,
            purpose=purpose,
            email="ada@x.example",
            instead_of=instead_of.id if instead_of else None,
        )


def other(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


@pytest.mark.parametrize(
    ("purpose", "tries"), [(CodePurpose.SIGN_UP, 5), (CodePurpose.NEW_DEVICE, 3)]
)
async def test_guesses_at_the_same_moment_share_the_limit(
    ctx: AppContext, purpose: CodePurpose, tries: int
) -> None:
    made = await mint(ctx, purpose)
    checks = await asyncio.gather(
        *(codes.judge(ctx, made.id, other(made.code), purpose) for _ in range(20))
    )
    assert checks.count(CodeCheck.WRONG) == tries
    assert checks.count(CodeCheck.ENDED) == 20 - tries
    assert await codes.judge(ctx, made.id, made.code, purpose) is CodeCheck.ENDED


async def test_a_code_is_used_once(ctx: AppContext) -> None:
    made = await mint(ctx, CodePurpose.SIGN_UP)

    async def use() -> str | None:
        async with ctx.database.transaction() as tx:
            return await codes.use(tx, made.id)

    found = await asyncio.gather(*(use() for _ in range(5)))
    assert sorted(map(str, found)) == ["None"] * 4 + ["ada@x.example"]
    assert await codes.judge(ctx, made.id, made.code, CodePurpose.SIGN_UP) is CodeCheck.ENDED


async def test_a_code_is_for_its_purpose_and_ends_with_the_next(ctx: AppContext) -> None:
    first = await mint(ctx, CodePurpose.NEW_DEVICE)
    assert await codes.judge(ctx, first.id, first.code, CodePurpose.SIGN_UP) is CodeCheck.ENDED
    second = await mint(ctx, CodePurpose.NEW_DEVICE, instead_of=first)
    assert await codes.judge(ctx, first.id, first.code, CodePurpose.NEW_DEVICE) is CodeCheck.ENDED
    judged = await codes.judge(ctx, second.id, f" {second.code[:3]} {second.code[3:]}",
                               CodePurpose.NEW_DEVICE)  # fmt: skip
    assert judged is CodeCheck.RIGHT
    row = await ctx.database.pool.fetchrow("SELECT * FROM mailed_code WHERE id = $1", second.id)
    assert row is not None
    assert second.code.encode() not in bytes(row["digest"])
