"""The main journeys of a partner with the statements of a distributed database: calls are admitted
by themselves, and work is claimed one organization at a time.

On one PostgreSQL this proves that both forms do the same, and nothing about several servers.
"""

from __future__ import annotations

import pytest

from privata.infra.settings import Settings
from tests.journeys.partner.test_orders_over_the_api import *  # noqa: F403
from tests.journeys.partner.test_refunds_over_the_api import *  # noqa: F403


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"database_distributed": True})
