"""A partner that can be paid."""

from __future__ import annotations

import uuid

import pytest

from privata.infra.context import AppContext
from privata.payouts.tests.making import Payee, make_payee


@pytest.fixture
async def payee(ctx: AppContext, organization: uuid.UUID) -> Payee:
    """An organization with 2,000 USD, a usable address and a webhook secret."""
    made = await make_payee(ctx, organization)
    await made.usable_address()
    await made.fund("2000")
    return made
