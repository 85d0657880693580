"""What is read of lists and journals, and what is kept in them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from privata.core.errors import PrivataError, WrongPayoutState
from privata.payouts import settling
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.restored.claims import Claim, Journal, furthest, read_claims
from privata.payouts.tests.making import ADDRESS, HASH, Payee, with_settings

S = PayoutStatus
ONE = uuid.UUID(int=1)
ETH = PayoutCurrency.USDT_ERC20
TX = HASH[ETH]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_needs_a_payout_and_what_paid_it(tmp_path: Path) -> None:
    path = written(tmp_path, f"\ufefftx_hash,payout_id,memo\n {TX} ,{ONE},x\n")
    assert read_claims(path) == [Claim(ONE, S.SENT, TX)]


def test_a_whole_line(tmp_path: Path) -> None:
    address = ADDRESS[ETH]
    path = written(
        tmp_path,
        "payout_id,status,tx_hash,organization_id,currency,address,amount\n"
        f"{ONE},settled,{TX},{uuid.UUID(int=2)},USDT-ERC20,{address.lower()},500.5\n",
    )
    assert read_claims(path) == [
        Claim(ONE, S.SETTLED, TX, uuid.UUID(int=2), ETH, address, Decimal("500.5"))
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("payout,tx\n", "has no column payout_id"),
        ("payout_id,tx_hash\nx,y\n", "line 2: payout_id must be a UUID, not 'x'"),
        (f"payout_id,tx_hash,organization_id\n{ONE},t,7\n", "organization_id must be a UUID"),
        (f"payout_id,status\n{ONE},gone\n", "status must be one of processing.* not 'gone'"),
        (f"payout_id,tx_hash,currency\n{ONE},t,DOGE\n", "currency must be one of USD.*'DOGE'"),
        (f"payout_id,tx_hash,amount\n{ONE},t,12,5\n", "line 2: it has more values"),
        (f"payout_id,tx_hash\n{ONE},a\0b\n", "NUL bytes"),
        (f"payout_id\n{ONE}\n", "line 2: tx_hash is required"),
        (f"payout_id,status\n{ONE},requested\n", "line 2: status must be one of processing"),
        (f"payout_id,tx_hash,amount\n{ONE},t,0.001\n", "line 2: "),
        (f"payout_id,tx_hash,currency,address\n{ONE},t,USDT-ERC20,0x1\n", "line 2: "),
    ],
)
def test_a_list_that_cannot_be_read_says_where(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(PrivataError, match=why):
        read_claims(written(tmp_path, text))


def test_a_file_that_is_no_text_says_what_to_save(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes("payout_id\nü\n".encode("utf-16"))
    with pytest.raises(PrivataError, match="is not UTF-8 text. Save the list as CSV in UTF-8"):
        read_claims(path)
    with pytest.raises(PrivataError, match="cannot be read: Is a directory"):
        read_claims(tmp_path)


def test_the_most_final_word_counts() -> None:
    begun = Claim(ONE, S.PROCESSING, address="a")
    sent = Claim(ONE, S.SENT, TX)
    settled = Claim(ONE, S.SETTLED, TX)
    for claims in ((begun, sent, settled), (settled, sent, begun)):
        assert furthest(claims) == {ONE: replace(settled, address="a")}
    assert furthest([sent, Claim(ONE, S.FAILED)])[ONE] == Claim(ONE, S.FAILED, TX)


def test_two_transactions_for_one_payout_cannot_both_be_true() -> None:
    with pytest.raises(PrivataError, match="according to another"):
        furthest([Claim(ONE, S.SENT, TX), Claim(ONE, S.SENT, "0x" + "cd" * 32)])
    with pytest.raises(PrivataError, match="settled according to one line and failed"):
        furthest([Claim(ONE, S.SETTLED, TX), Claim(ONE, S.FAILED)])


async def test_the_commands_keep_the_journal(payee: Payee, tmp_path: Path) -> None:
    ctx = payee.ctx = with_settings(payee.ctx, payout_journal=tmp_path / "journal.csv")
    made = await payee.request()
    await payee.confirm(made)
    ident = made.payout.id
    await settling.process_payout(ctx, by="op", payout_id=ident)
    await settling.mark_sent(ctx, by="op", payout_id=ident, tx_hash=TX)
    await settling.settle_payout(ctx, by="op", payout_id=ident)
    claims = Journal(tmp_path / "journal.csv").claims()
    assert [claim.status for claim in claims] == [S.PROCESSING, S.SENT, S.SETTLED]
    assert furthest(claims)[ident] == Claim(
        ident, S.SETTLED, TX, payee.organization_id, ETH, ADDRESS[ETH], Decimal(500)
    )


async def test_without_its_line_in_the_journal_no_step_is_taken(
    payee: Payee, tmp_path: Path
) -> None:
    ctx = with_settings(payee.ctx, payout_journal=tmp_path / "missing" / "journal.csv")
    made = await payee.request()
    await payee.confirm(made)
    with pytest.raises(PrivataError, match="cannot be written"):
        await settling.process_payout(ctx, by="op", payout_id=made.payout.id)
    assert await payee.status(made) == "confirmed"


async def test_a_payout_that_the_journal_knows_is_not_sent_again(
    payee: Payee, tmp_path: Path
) -> None:
    """A snapshot of the disk goes back without a sign: same server, same timeline."""
    ctx = with_settings(payee.ctx, payout_journal=tmp_path / "journal.csv")
    made = await payee.request()
    await payee.confirm(made)
    Journal(tmp_path / "journal.csv").note(made.payout, S.SENT, TX)
    with pytest.raises(WrongPayoutState, match="was sent, which the database has forgotten"):
        await settling.process_payout(ctx, by="op", payout_id=made.payout.id)
