"""The adapters that the suite is run over; a new one is a line here."""

from __future__ import annotations

from typing import Final

from privata.providers.changenow.tests.case import CHANGENOW
from privata.providers.godex.tests.case import GODEX
from privata.providers.letsexchange.tests.case import LETSEXCHANGE
from privata.providers.simpleswap.tests.case import SIMPLESWAP
from privata.providers.stealthex.tests.case import STEALTHEX
from privata.providers.tests.conformance.case import Case
from privata.providers.trocador.tests.case import TROCADOR

CASES: Final[tuple[Case, ...]] = (
    CHANGENOW,
    GODEX,
    LETSEXCHANGE,
    SIMPLESWAP,
    STEALTHEX,
    TROCADOR,
)
