"""What an order's page shows of its refund comes from the room of the refunds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from privata.orders import refund_port


def test_a_page_never_goes_without_its_refund(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order whose refund nobody shows would look like one that needs none."""
    monkeypatch.setattr(refund_port, "_given", [])
    with pytest.raises(LookupError, match="no room shows refunds"):
        refund_port.refund_panel(None, [], datetime.now(UTC))
