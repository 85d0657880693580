"""Rows of the database as frozen, typed values: one type for a row, by the names of its columns."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TypeVar

import asyncpg
import msgspec

R = TypeVar("R", bound=msgspec.Struct)


def reader(kind: type[R]) -> Callable[[asyncpg.Record], R]:
    """What makes a row of the database a `kind`, whose fields are named after the columns.

    Columns without a field are left behind; `KeyError` for a field without a column. The driver has
    made Python's values of them already, so nothing is converted and nothing is checked: that costs
    a microsecond or two, which the reads of attributes win back.
    """
    values = itemgetter(*kind.__struct_fields__)
    return lambda row: kind(*values(row))
