"""Mailed codes under races."""

from __future__ import annotations

import asyncio

import pytest

from privata.accounts import codes
from privata.accounts.codes import Minted, Verdict
from privata.accounts.states import CodePurpose
from privata.infra.kernel import Kernel


async def mint(kernel: Kernel, purpose: CodePurpose, instead_of: Minted | None = None) -> Minted:
    async with kernel.database.transaction() as tx:
        return await codes.mint(
            tx,
            kernel.sealer,
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
    kernel: Kernel, purpose: CodePurpose, tries: int
) -> None:
    made = await mint(kernel, purpose)
    verdicts = await asyncio.gather(
        *(codes.judge(kernel, made.id, other(made.code), purpose) for _ in range(20))
    )
    assert verdicts.count(Verdict.WRONG) == tries
    assert verdicts.count(Verdict.ENDED) == 20 - tries
    assert await codes.judge(kernel, made.id, made.code, purpose) is Verdict.ENDED


async def test_a_code_is_used_once(kernel: Kernel) -> None:
    made = await mint(kernel, CodePurpose.SIGN_UP)

    async def use() -> str | None:
        async with kernel.database.transaction() as tx:
            return await codes.use(tx, made.id)

    found = await asyncio.gather(*(use() for _ in range(5)))
    assert sorted(map(str, found)) == ["None"] * 4 + ["ada@x.example"]
    assert await codes.judge(kernel, made.id, made.code, CodePurpose.SIGN_UP) is Verdict.ENDED


async def test_a_code_is_for_its_purpose_and_ends_with_the_next(kernel: Kernel) -> None:
    first = await mint(kernel, CodePurpose.NEW_DEVICE)
    assert await codes.judge(kernel, first.id, first.code, CodePurpose.SIGN_UP) is Verdict.ENDED
    second = await mint(kernel, CodePurpose.NEW_DEVICE, instead_of=first)
    assert await codes.judge(kernel, first.id, first.code, CodePurpose.NEW_DEVICE) is Verdict.ENDED
    judged = await codes.judge(kernel, second.id, f" {second.code[:3]} {second.code[3:]}",
                               CodePurpose.NEW_DEVICE)  # fmt: skip
    assert judged is Verdict.RIGHT
    row = await kernel.database.pool.fetchrow("SELECT * FROM mailed_code WHERE id = $1", second.id)
    assert second.code.encode() not in bytes(row["digest"])
