"""What the operator's settings allow webhook URLs to be, for each environment."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from privata.core.tenancy import Environment
from privata.infra.settings import Settings
from privata.webhooks.transport.guard import Policy


def policies(settings: Settings) -> dict[str, Policy]:
    """One policy per environment; make them once, the transport knows them by identity."""
    own = urlsplit(settings.public_url or "").hostname
    networks = tuple(ip_network(block) for block in settings.outbound_own_addresses)
    by_name = own and settings.outbound_own_by_name and not _is_address(own)
    return {
        environment.value: Policy(
            allow_localhost_http=environment is Environment.TEST and settings.development,
            allowed_cidrs=tuple(ip_network(block) for block in settings.outbound_allowed_cidrs),
            extra_ports=frozenset(int(port) for port in settings.outbound_extra_ports),
            own_hosts=frozenset({own} if own else ()),
            own_networks=networks,
            own_names=frozenset({own} if own and by_name else ()),
        )
        for environment in Environment
    }


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
