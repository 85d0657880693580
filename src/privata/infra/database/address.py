"""A `postgresql://` URL, read once and said to both drivers: what libpq's URLs may hold works with
asyncpg too, or is refused in one line before anything connects. No message holds the password.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
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
        *("idle_session_timeout", "transaction_timeout", "tcp_user_timeout"),
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

#: Only libpq knows them; each with the values that ask for nothing which asyncpg could not keep.
_LIBPQ: Final[dict[str, frozenset[str] | None]] = {
    "channel_binding": frozenset({"prefer", "disable"}),
    "gssencmode": frozenset({"prefer", "disable"}),
    "sslcompression": frozenset({"0"}),
    "sslsni": frozenset({"1"}),
    "load_balance_hosts": frozenset({"disable"}),
    "connect_timeout": None,
    "keepalives": None,
    "keepalives_idle": None,
    "keepalives_interval": None,
    "keepalives_count": None,
}

#: Ours wins over what these say.
_OURS: Final = frozenset({"application_name", "fallback_application_name", "client_encoding"})

_NUMBERS: Final = frozenset(
    {"connect_timeout", *(name for name in _LIBPQ if name.startswith("keepalives"))}
)

#: Of these, Privata could not write to the server.
_READERS: Final = frozenset({"read-only", "standby", "prefer-standby"})
_SESSION_ATTRS: Final = frozenset({"any", "read-write", "primary"})

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
        """Seconds a connection may take; None: the driver's own limit."""
        return int(self.parameters.get("connect_timeout", "0")) or None

    def keepalives(self) -> dict[str, int]:
        """What the URL says of TCP keep-alives, by libpq's names."""
        return {
            name: int(value)
            for name, value in self.parameters.items()
            if name.startswith("keepalives")
        }

    def asyncpg(self, **settings: str) -> dict[str, Any]:
        """Arguments of asyncpg's `connect` and `create_pool`; `settings` win over the URL's."""
        shared = {name: value for name, value in self.parameters.items() if name in _SHARED}
        found: dict[str, Any] = {}
        if shared.get("sslrootcert") == "system":
            # libpq means the system's authorities and checks the name; asyncpg looks for a file.
            shared = {name: one for name, one in shared.items() if not name.startswith("ssl")}
            found["ssl"] = ssl.create_default_context()
        query = list(shared.items())
        query.append(("host", ",".join(host for host, _ in self.hosts)))
        if any(port for _, port in self.hosts):
            query.append(("port", ",".join(port or "5432" for _, port in self.hosts)))
        words = "&".join(f"{name}={quote(value, safe='')}" for name, value in query if value)
        person = quote(self.user, safe="")
        if self.password:
            person += ":" + quote(self.password, safe="")
        found["dsn"] = f"postgresql://{person}@/{quote(self.database, safe='')}?{words}"
        if self.connect_timeout_s is not None:
            found["timeout"] = float(self.connect_timeout_s)
        found["server_settings"] = {**self.settings, **SESSION, **settings}
        return found

    def libpq(self) -> dict[str, str]:
        """Keywords of a libpq connection: for psycopg and for Django."""
        options = {**self.settings, **SESSION}
        said = " ".join(f"-c {name}={_escaped(value)}" for name, value in options.items())
        found = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(port for _, port in self.hosts),
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            **self.parameters,
            "client_encoding": "UTF8",
            "options": said,
        }
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
    if len(hosts) > 1:
        # One of several may be a standby: what can be written to is what is wanted.
        parameters.setdefault("target_session_attrs", "read-write")
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
    if name in _NUMBERS and not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise _Wrong(f"has {name}, which must be a whole number (of seconds, where it is a time).")
    allowed = _LIBPQ.get(name)
    if allowed is not None and value not in allowed:
        instead = " or ".join(sorted(allowed))
        raise _Wrong(
            f"has {name}={value[:20]}, which not every connection of Privata could keep:"
            f" use {instead}; sslmode=verify-full proves the server."
        )
    return value


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


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)
