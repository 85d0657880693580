"""A `postgresql://` URL, read once and said to both drivers: what libpq's URLs may hold works with
asyncpg too, or is refused in one line before anything connects. No message holds the password.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from privata.core.errors import StartupError

#: How every session understands and writes values, whatever the database or role prefers.
SESSION: Final = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "standard_conforming_strings": "on",
}

#: Settings of the server that may stand in the URL by themselves, as some drivers allow.
_SERVER_SETTINGS: Final = frozenset(
    {
        *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
        *("idle_session_timeout", "transaction_timeout"),
        *("search_path", "work_mem", "jit", "synchronous_commit"),
    }
)

#: Both drivers read these by themselves.
_SHARED: Final = frozenset(
    {
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslpassword"),
        *("sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"),
        *("target_session_attrs", "passfile", "krbsrvname", "gsslib"),
    }
)

#: asyncpg does not know them: we keep them ourselves, or allow the values that ask for nothing.
_LIBPQ: Final[dict[str, frozenset[str] | None]] = {
    "channel_binding": frozenset({"prefer", "disable"}),
    "gssencmode": frozenset({"prefer", "disable"}),
    "sslcompression": frozenset({"0"}),
    "sslsni": frozenset({"1"}),
    "load_balance_hosts": frozenset({"disable", "random"}),
    "connect_timeout": None,
    "tcp_user_timeout": None,
    "keepalives": None,
    "keepalives_idle": None,
    "keepalives_interval": None,
    "keepalives_count": None,
}

#: Ours wins over what these say.
_OURS: Final = frozenset({"application_name", "fallback_application_name", "client_encoding"})

_NUMBERS: Final = frozenset(
    {
        *("connect_timeout", "tcp_user_timeout"),
        *(name for name in _LIBPQ if name.startswith("keepalives")),
    }
)

_SSL_MODES: Final = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})

#: Seconds that one host may take to accept a connection, unless the URL says otherwise: enough for
#: the eight round trips of TCP, TLS and SCRAM at 300 ms each.
CONNECT_TIMEOUT_S: Final = 4

#: TCP's options, unless the URL says otherwise: a peer that is gone is known after a minute when
#: nothing is asked, and after ten seconds (the last one is in milliseconds) when something is.
USUAL_TCP: Final = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

#: Of these, Privata could not write to the server.
_READERS: Final = frozenset({"read-only", "standby", "prefer-standby"})
_SESSION_ATTRS: Final = frozenset({"any", "read-write", "primary"})

#: `sslrootcert` of the authorities that the system trusts.
_SYSTEM: Final = "system"

#: Where systems keep them in one file: Debian, Red Hat, Alpine and BSD.
_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)

#: `-c name=value` and `--name=value` of `options`; a backslash keeps a space.
_OPTION: Final = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.]*)=((?:\\.|[^\s\\])*)\s*")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The parts of a URL. `hosts` are pairs of host (or directory of a socket) and port."""

    hosts: tuple[tuple[str, str], ...]
    user: str
    password: str = field(repr=False)
    database: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def connect_timeout_s(self) -> int | None:
        """Seconds that one host may take; None, which a URL says with 0: as long as it likes."""
        return int(self.parameters.get("connect_timeout", CONNECT_TIMEOUT_S)) or None

    @property
    def any_order(self) -> bool:
        """Whether connections are to be spread over the hosts (`load_balance_hosts=random`)."""
        return self.parameters.get("load_balance_hosts") == "random"

    def tcp(self) -> dict[str, int]:
        """The options of TCP by libpq's names: what the URL says, and what is usual."""
        said = {name: int(self.parameters[name]) for name in USUAL_TCP if name in self.parameters}
        return USUAL_TCP | said

    def asyncpg(self, host: tuple[str, str], **settings: str) -> dict[str, Any]:
        """Arguments of asyncpg's `connect` to one of the hosts; the server's `settings` win over
        the URL's.
        """
        shared = {name: value for name, value in self.parameters.items() if name in _SHARED}
        found: dict[str, Any] = {}
        if shared.get("sslrootcert") == _SYSTEM:
            # libpq means the system's authorities and checks the name; asyncpg looks for a file.
            found["ssl"] = _system_context(shared)
            shared = {name: one for name, one in shared.items() if not name.startswith("ssl")}
        words = "&".join(
            f"{name}={quote(value, safe='')}" for name, value in shared.items() if value
        )
        person = quote(self.user, safe="")
        if self.password:
            person += ":" + quote(self.password, safe="")
        found["dsn"] = f"postgresql://{person}@/{quote(self.database, safe='')}?{words}"
        if host[0]:
            found["host"] = host[0]
        if host[1]:
            found["port"] = int(host[1])
        found["timeout"] = self.connect_timeout_s
        found["server_settings"] = {**self.settings, **SESSION, **settings}
        return found

    def libpq(self, **settings: str) -> dict[str, str]:
        """Keywords of a libpq connection, for psycopg and for Django; the URL's own server settings
        win over `settings`, those of every session over both.
        """
        options = {**settings, **self.settings, **SESSION}
        said = " ".join(f"-c {name}={_escaped(value)}" for name, value in options.items())
        found = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(port for _, port in self.hosts),
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            "connect_timeout": str(CONNECT_TIMEOUT_S),
            **{name: str(value) for name, value in self.tcp().items()},
            **self.parameters,
            "client_encoding": "UTF8",
            "options": said,
        }
        if found.get("sslrootcert") == _SYSTEM:
            # A libpq that was built elsewhere does not know where this system keeps them.
            bundle = ssl.get_default_verify_paths().cafile or _bundle()
            found |= {"sslmode": "verify-full", "sslrootcert": bundle or _SYSTEM}
        return {name: value for name, value in found.items() if value.strip(",")}


def parse_address(url: str, variable: str = "PRIVATA_DATABASE_URL") -> DatabaseAddress:
    """The parts of `url`; `StartupError` names the variable, what is wrong, and what to do."""
    try:
        return _parsed(url)
    except _Wrong as error:
        raise StartupError(f"{variable}: {error}") from None
    except ValueError:  # of the standard library, whose sentences quote what they read
        raise StartupError(f"{variable}: is not a URL; {_ENCODE}.") from None


class _Wrong(Exception):
    """A sentence about a URL, without any of its secrets."""


_ENCODE: Final = (
    "write it as postgresql://user:password@host:5432/database and percent-encode characters such"
    " as / # ? @ : in user and password"
)


def _parsed(url: str) -> DatabaseAddress:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise _Wrong("must start with postgresql://.")
    person, _, place = parts.netloc.rpartition("@")
    if "@" in person or parts.fragment:
        raise _Wrong(f"cannot be parsed: {_ENCODE}.")
    user, _, password = person.partition(":")
    query: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in query:
            raise _Wrong(f"contains the parameter {name} twice.")
        query[name] = value
    hosts = _hosts(query.pop("host", unquote(place)), query.pop("port", ""))
    database = query.pop("dbname", unquote(parts.path.removeprefix("/")))
    user = query.pop("user", unquote(user))
    password = query.pop("password", unquote(password))
    settings = _options(query.pop("options", ""))
    parameters = {}
    for name, value in query.items():
        if name in _SERVER_SETTINGS:
            settings[name] = value
        elif name not in _OURS:
            parameters[name] = _parameter(name, value)
    # A host may be, or become, a standby: what can be written to is what is wanted.
    parameters.setdefault("target_session_attrs", "read-write")
    mode = parameters.get("sslmode", "verify-full")
    if parameters.get("sslrootcert") == _SYSTEM and mode != "verify-full":
        raise _Wrong("has sslrootcert=system, which needs sslmode=verify-full.")
    return DatabaseAddress(hosts, user, password, database, parameters, settings)


def _hosts(text: str, ports: str) -> tuple[tuple[str, str], ...]:
    found = []
    for one in text.split(","):
        host, port = one, ""
        if one.startswith("["):
            host, _, port = one[1:].partition("]")
            port = port.removeprefix(":")
        elif not one.startswith("/"):
            host, _, port = one.partition(":")
        found.append((host, port))
    given = ports.split(",") if ports else []
    if given and len(given) not in (1, len(found)):
        raise _Wrong(
            f"has {len(found)} hosts and {len(given)} ports; set one port, or one per host."
        )
    if given:
        every = given * len(found) if len(given) == 1 else given
        found = [(host, port) for (host, _), port in zip(found, every, strict=True)]
    for _, port in found:
        if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            raise _Wrong(f"has a port that is not a number from 1 to 65535: {_ENCODE}.")
    return tuple(found)


def _parameter(name: str, value: str) -> str:
    if name not in _SHARED and name not in _LIBPQ:
        raise _Wrong(f"has the parameter {name[:40]!r}, which is not supported; remove it.")
    if name == "target_session_attrs" and value not in _SESSION_ATTRS:
        why = "Privata writes: use read-write" if value in _READERS else "use read-write or any"
        raise _Wrong(f"has target_session_attrs={value[:20]}; {why}.")
    if name == "sslmode" and value not in _SSL_MODES:
        raise _Wrong(f"has sslmode={value[:20]}; use one of {', '.join(sorted(_SSL_MODES))}.")
    if name in _NUMBERS and not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise _Wrong(f"has {name}, which must be a whole number; a time is in {_unit(name)}.")
    allowed = _LIBPQ.get(name)
    if allowed is not None and value not in allowed:
        instead = " or ".join(sorted(allowed))
        raise _Wrong(
            f"has {name}={value[:20]}, which not every connection of Privata could keep:"
            f" use {instead}; sslmode=verify-full proves the server."
        )
    return value


def _unit(name: str) -> str:
    return "milliseconds" if name == "tcp_user_timeout" else "seconds"


def _options(text: str) -> dict[str, str]:
    found, place = {}, 0
    text = text.strip()
    while place < len(text):
        matched = _OPTION.match(text, place)
        if matched is None:
            raise _Wrong("has options that are not in the form -c name=value.")
        found[matched[1]] = re.sub(r"\\(.)", r"\1", matched[2])
        place = matched.end()
    return found


def _bundle() -> str | None:
    return next((one for one in _BUNDLES if Path(one).exists()), None)


def _system_context(shared: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if "sslcert" in shared:
        key = shared.get("sslkey")
        context.load_cert_chain(shared["sslcert"], key, shared.get("sslpassword"))
    return context


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)
