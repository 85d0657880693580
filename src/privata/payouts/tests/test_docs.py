"""The guide's sample answers a challenge, and what it lists is what there is."""

from __future__ import annotations

import re
from pathlib import Path

from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import PayoutStatus
from privata.payouts.states import AddressState
from privata.payouts.tests.making import Payee

_GUIDE = (Path(__file__).resolve().parents[4] / "docs" / "payouts.md").read_text()


async def test_the_sample_confirms_a_payout(payee: Payee) -> None:
    sample = re.search(r"```python\n(.*?)```", _GUIDE, re.DOTALL)
    assert sample is not None
    names: dict[str, object] = {}
    exec(sample.group(1), names)
    answer = names["answer"]
    assert callable(answer)
    made = await payee.request()
    confirmed = await payee.confirm(made, answer(payee.secret, made.challenge))
    assert confirmed.status == "confirmed"


def test_every_state_and_currency_has_its_row() -> None:
    rows = set(re.findall(r"^\| `([^`]+)` \|", _GUIDE, re.MULTILINE))
    assert set(PayoutStatus) | set(AddressState) | set(PayoutCurrency) <= rows
