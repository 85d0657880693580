"""Column types that several rooms share."""

from __future__ import annotations

from typing import Any

from django.db import models

from privata.core.tenancy import Environment


class TransactionId(models.Field):  # type: ignore[type-arg]  # not generic at run time
    """A 64-bit transaction id (`xid8`)."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


def environment_field() -> models.CharField[Any, Any]:
    """`live` or `test`; the room's model adds `environment_check` to its constraints."""
    return models.CharField(max_length=4, choices=[(e.value, e.value) for e in Environment])


def one_of(field: str, values: Any, *, name: str) -> models.CheckConstraint:
    """A check that a text column holds one of the values of an enumeration."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": [str(value) for value in values]}), name=name
    )


def amount_field(**options: Any) -> models.DecimalField[Any, Any]:
    """An amount of an asset: 36 digits, 24 decimals. Not a float, not NaN (see `positive`)."""
    return models.DecimalField(max_digits=60, decimal_places=24, **options)
