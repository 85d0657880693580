"""A partner that can be paid."""

from privata.payouts.tests.conftest import payee

__all__ = ["payee"]
