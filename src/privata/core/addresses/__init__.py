"""Addresses of cryptocurrency networks: is this text one, and in which form is it sent?

Pure rules without I/O. `validate_address` is the one entry point; `AddressError` is the one error.
"""

from __future__ import annotations

from privata.core.addresses.errors import AddressError
from privata.core.addresses.extra_ids import stellar_memo
from privata.core.addresses.registry import (
    ValidAddress,
    extra_id_name,
    networks,
    validate_address,
)

__all__ = [
    "AddressError",
    "ValidAddress",
    "extra_id_name",
    "networks",
    "stellar_memo",
    "validate_address",
]
