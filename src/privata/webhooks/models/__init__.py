"""Endpoints, their secrets, deliveries and attempts."""

from __future__ import annotations

from privata.webhooks.models.deliveries import Attempt, Delivery, DueDelivery
from privata.webhooks.models.endpoints import Endpoint, EndpointSecret, Recovery

__all__ = ["Attempt", "Delivery", "DueDelivery", "Endpoint", "EndpointSecret", "Recovery"]
