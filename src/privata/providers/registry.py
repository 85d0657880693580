"""Every provider there is; a new one is a module and a line here."""

from __future__ import annotations

from privata.core.tenancy import Environment
from privata.providers.port import Provider
from privata.providers.simulator.addresses import deposit_address
from privata.providers.simulator.provider import Simulator

PROVIDERS: tuple[Provider, ...] = (Simulator(),)


def providers_for(environment: Environment) -> tuple[Provider, ...]:
    """Live keys never reach the simulator, test keys never a real provider."""
    return tuple(provider for provider in PROVIDERS if provider.environment is environment)


def provider_named(name: str) -> Provider:
    """The provider of that name; `KeyError` if it has been taken out of the registry."""
    for provider in PROVIDERS:
        if provider.name == name:
            return provider
    raise KeyError(name)


def public_environment() -> Environment:
    """What is shown without a key: live prices where a live provider exists, else the sandbox's."""
    return Environment.LIVE if providers_for(Environment.LIVE) else Environment.TEST


def sandbox_address(network: str, seed: str) -> str:
    """A well-formed address of a network that is nobody's; it follows from the seed."""
    return deposit_address(network, seed)[0]
