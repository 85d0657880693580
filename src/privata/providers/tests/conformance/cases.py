"""The adapters that the suite is run over; a new one is a line here."""

from __future__ import annotations

from typing import Final

from privata.providers.changenow.tests.case import CHANGENOW
from privata.providers.exolix.tests.case import EXOLIX
from privata.providers.fixedfloat.tests.case import FIXEDFLOAT
from privata.providers.godex.tests.case import GODEX
from privata.providers.letsexchange.tests.case import LETSEXCHANGE
from privata.providers.sideshift.tests.case import SIDESHIFT
from privata.providers.simpleswap.tests.case import SIMPLESWAP
from privata.providers.stealthex.tests.case import STEALTHEX
from privata.providers.tests.conformance.case import Case
from privata.providers.trocador.tests.case import TROCADOR

CASES: Final[tuple[Case, ...]] = (
    CHANGENOW,
    EXOLIX,
    FIXEDFLOAT,
    GODEX,
    LETSEXCHANGE,
    SIDESHIFT,
    SIMPLESWAP,
    STEALTHEX,
    TROCADOR,
)
