"""Every adapter and every fake by name; a new provider is a folder and a line in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from privata.providers.changenow.adapter import ChangeNow
from privata.providers.exolix.adapter import Exolix
from privata.providers.fixedfloat.adapter import FixedFloat
from privata.providers.godex.adapter import Godex
from privata.providers.letsexchange.adapter import LetsExchange
from privata.providers.port import Credentials, Provider
from privata.providers.sideshift.adapter import SideShift
from privata.providers.simpleswap.adapter import SimpleSwap
from privata.providers.stealthex.adapter import StealthEx
from privata.providers.trocador.adapter import Trocador

#: What makes a provider of an operator's credentials, with the settings that its folder names.
ADAPTERS: Final[Mapping[str, Callable[[Credentials], Provider]]] = {
    ChangeNow.name: ChangeNow,
    FixedFloat.name: FixedFloat,
    SideShift.name: SideShift,
    Exolix.name: Exolix,
    Godex.name: Godex,
    LetsExchange.name: LetsExchange,
    SimpleSwap.name: SimpleSwap,
    StealthEx.name: StealthEx,
    Trocador.name: Trocador,
}
