"""The adapters that the suite is run over; a new one is a line here."""

from __future__ import annotations

from typing import Final

from privata.providers.changenow.tests.case import CHANGENOW
from privata.providers.exolix.tests.case import EXOLIX
from privata.providers.fixedfloat.tests.case import FIXEDFLOAT
from privata.providers.sideshift.tests.case import SIDESHIFT
from privata.providers.tests.conformance.case import Case

CASES: Final[tuple[Case, ...]] = (CHANGENOW, FIXEDFLOAT, SIDESHIFT, EXOLIX)
