"""What the form offers for an order."""

from __future__ import annotations

import os
from typing import Any

import django
import pytest

from privata.refunds.forms import CONVERT, OTHER, OWN, RefundForm
from privata.refunds.tests.test_rules import BTC, ETH, order


@pytest.mark.parametrize("converts", [True, False])
def test_a_stablecoin_is_offered_where_the_provider_converts(*, converts: bool) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privata.dashboard.settings")
    django.setup()
    held: Any = order(refund_address=BTC, from_asset="BTC")
    form = RefundForm(held, converts=converts)
    assert [way for way, _, _ in form.ways()] == [OWN, OTHER, *([CONVERT] if converts else [])]
    sent = {"way": CONVERT, "stable_target": "USDT-ERC20", "stable_address": ETH}
    assert RefundForm(held, sent, converts=converts).is_valid() == converts
