"""The rules a webhook URL and the addresses behind it must pass. Pure: no DNS, no I/O.

`parse_url` decides on the text, `judge` on an address. The transport asks both for every
connection, so there is no way around them. RFC 3986 for the parts of a URL, RFC 5890 for
internationalised names, RFC 6761 and 6762 for names that never leave a machine or a site.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NoReturn
from urllib.parse import quote

import idna

from privata.core.errors import UrlRefused
from privata.webhooks.transport.address_table import Address, Network, Reason, refusal

MAX_URL_CHARS: Final = 2048
PORTS: Final = frozenset({443, 8443})
DEFAULT_PORT: Final = {"https": 443, "http": 80}
LOCALHOST: Final = "localhost"
LOOPBACK: Final[tuple[Address, ...]] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))

# One sentence for blocked, refused, timed out and unknown hosts: whoever registers URLs must not
# be able to map a network by comparing our answers.
NOT_REACHABLE: Final = "We could not reach this URL on the public internet."

_LOCAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".home.arpa", ".onion")
_LOCAL_NAMES: Final = frozenset({LOCALHOST, "local", "internal", "home.arpa", "onion"})
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TOP_LABEL: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\\ud800-\udfff]|[^\S ]")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_DECIMAL_HOST: Final = re.compile(r"[0-9.]+")
_PATH_SAFE: Final = "/?%:@!$&'()*+,;=-._~[]"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows beyond the rule; the default allows nothing.

    `allow_localhost_http` is for test endpoints of a development server: `http://localhost` on
    any port, and then only loopback. `allowed_cidrs` are exact ranges of the operator's own
    receivers. `own_hosts` are our public names and addresses: refused, they would be loops.
    `own_networks` are further addresses of ours, `own_names` those of the names whose addresses are
    ours as well (`own_addresses`).
    """

    allow_localhost_http: bool = False
    allowed_cidrs: tuple[Network, ...] = ()
    extra_ports: frozenset[int] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    own_networks: tuple[Network, ...] = ()
    own_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: a URL taken apart. `host` is ASCII, an IPv6 one without brackets."""

    scheme: str
    host: str
    port: int
    path_and_query: str
    host_header: str
    is_ip_literal: bool

    @property
    def is_localhost(self) -> bool:
        """The development exception: loopback and nothing else."""
        return self.host == LOCALHOST


def parse_url(url: str, *, policy: Policy) -> Target:
    """Take a webhook URL apart; nothing is trimmed or repaired, what is odd is refused.

    An address written in the URL is judged at once; a name is judged by its answers later.
    Raises `UrlRefused` with a named reason.
    """
    if len(url) > MAX_URL_CHARS:
        _refuse(f"The URL is longer than {MAX_URL_CHARS} characters.", "too_long")
    if _FORBIDDEN.search(url):
        _refuse("The URL contains a space, a control character, or a backslash.", "characters")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORT:
        _refuse("The URL must start with https://.", "scheme")
    if "#" in rest:
        _refuse("The URL must not have a fragment (#).", "fragment")
    cut = next((i for i, char in enumerate(rest) if char in "/?"), len(rest))
    authority, tail = rest[:cut], rest[cut:]
    host_text, port = _split_authority(authority, DEFAULT_PORT[scheme])
    host, literal = _host(host_text)
    if scheme == "http" and not (policy.allow_localhost_http and host == LOCALHOST):
        _refuse("The URL must start with https://.", "scheme")
    if scheme == "https":
        _check_public(host, literal, port, policy)
    path = tail if tail.startswith("/") else f"/{tail}"
    shown = f"[{host}]" if literal is not None and literal.version == 6 else host
    return Target(
        scheme=scheme,
        host=host,
        port=port,
        path_and_query=quote(path, safe=_PATH_SAFE),
        host_header=shown if port == DEFAULT_PORT[scheme] else f"{shown}:{port}",
        is_ip_literal=literal is not None,
    )


def judge(address: Address, *, target: Target, policy: Policy) -> Reason | None:
    """Why we do not connect to this address for this target, or None when we do."""
    if target.is_localhost:
        return None if address in LOOPBACK else Reason.NOT_LOOPBACK
    if str(address) in policy.own_hosts or any(address in own for own in policy.own_networks):
        return Reason.OWN_ADDRESS
    reason = refusal(address)
    if reason is None or any(address in network for network in policy.allowed_cidrs):
        return None
    return reason


def _split_authority(authority: str, default_port: int) -> tuple[str, int]:
    if "@" in authority:
        _refuse("The URL must not contain a user name or password.", "userinfo")
    if "%" in authority:
        _refuse("The host must not contain a percent sign.", "percent")
    if authority.startswith("["):
        host, bracket, after = authority.partition("]")
        host += bracket
    else:
        host, colon, port_text = authority.partition(":")
        after = colon + port_text
    if not after:
        return host, default_port
    port_text = after[1:]
    if after[0] != ":" or not _PORT.fullmatch(port_text) or int(port_text) > 65535:
        _refuse("The port is not a number from 1 to 65535.", "port")
    return host, int(port_text)


def _host(text: str) -> tuple[str, Address | None]:
    """The canonical host, and its address when it is written as one."""
    if text.startswith("["):
        if not text.endswith("]"):
            _refuse("The host is not a valid name or address.", "host")
        try:
            literal = IPv6Address(text[1:-1])
        except AddressValueError:
            _refuse("The host is not a valid IPv6 address.", "host")
        return str(literal), literal
    if _DECIMAL_HOST.fullmatch(text):
        # Only the canonical form: 127.1, 0177.0.0.1 and 2130706433 mean different things to
        # different resolvers.
        try:
            return text, IPv4Address(text)
        except AddressValueError:
            _refuse("The host is not a canonical IPv4 address.", "host")
    labels = [_label(label) for label in text.split(".")]
    host = ".".join(labels)
    if host == LOCALHOST:
        return host, None
    if len(host) > 253 or len(labels) < 2 or not _TOP_LABEL.fullmatch(labels[-1]):
        _refuse("The host must be a full public name such as hooks.example.com.", "host")
    return host, None


def _label(label: str) -> str:
    if label.isascii():
        folded = label.lower()
    else:
        try:
            folded = idna.encode(label, uts46=True).decode("ascii")
        except idna.IDNAError:
            _refuse("The host is not a valid internationalized name.", "idna")
        if not folded.startswith("xn--") or "." in folded:
            # Full-width letters and ideographic stops fold to plain ASCII: a disguise.
            _refuse("The host is plain ASCII written in other characters.", "idna")
    if not _LABEL.fullmatch(folded):
        _refuse("The host is not a valid name.", "host")
    return folded


def _check_public(host: str, literal: Address | None, port: int, policy: Policy) -> None:
    if host in _LOCAL_NAMES or host.endswith(_LOCAL_SUFFIXES):
        _refuse(NOT_REACHABLE, "local_name")
    if host in policy.own_hosts:
        _refuse(NOT_REACHABLE, "own_host")
    if port not in PORTS and port not in policy.extra_ports:
        allowed = ", ".join(str(number) for number in sorted(PORTS | policy.extra_ports))
        _refuse(f"Only these ports are allowed: {allowed}.", "port")
    if literal is not None:
        target = Target("https", host, port, "/", host, is_ip_literal=True)
        reason = judge(literal, target=target, policy=policy)
        if reason is not None:
            _refuse(NOT_REACHABLE, reason.value)


def _refuse(message: str, reason: str) -> NoReturn:
    raise UrlRefused(message, reason=reason)
