"""Connections of psycopg, for Django and for whoever works without asyncio: the same URL with the
same meaning, and as closely watched.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus

from privata.infra.database import hosts, watching
from privata.infra.database.address import parse_address
from privata.infra.database.losses import READ_ONLY, lost_at, note_loss
from privata.infra.database.postgres import LIMITS

#: Seconds a page waits for a connection of the pages' pool before it answers 503.
PAGE_WAIT_S: Final = 5.0

#: Seconds the pages' pool tries to connect before it gives up. A later page begins anew, at once:
#: the pauses between the tries double, so a long row of them would outlast the trouble.
PAGE_RECONNECT_S: Final = 5.0

#: Seconds after which the pages' pool closes one more connection that nobody has needed.
PAGE_IDLE_S: Final = 60.0

_QUOTED: Final = str.maketrans({"'": "\\'", "\\": "\\\\"})

#: What the pool asks to see whether a connection works.
_NOTHING: Final = ""


def conninfo(url: str) -> str:
    """The connection string of `psycopg.connect` for a PostgreSQL URL, as asyncpg is told it."""
    return " ".join(
        f"{name}='{value.translate(_QUOTED)}'" for name, value in parse_address(url).libpq().items()
    )


def django_database(url: str, **settings: str) -> dict[str, Any]:
    """Django's DATABASES entry for a PostgreSQL URL, unix sockets (`?host=/dir`) included.

    `settings` are the server's, where the URL says nothing else.
    """
    said = parse_address(url).libpq(**settings)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host"}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{ours: said.pop(name, "") for ours, name in names.items()},
        "PORT": said.pop("port", ""),
        "OPTIONS": said,
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0,
    }


def pages_database(url: str, size: int) -> dict[str, Any]:
    """The same for the process that serves pages: at most `size` connections, shared by its pages.

    Each is tried before a page gets it, so that one the server closed is replaced unseen.
    """
    found = django_database(url, **LIMITS)
    found["OPTIONS"] |= {
        "application_name": "privata-pages",
        "pool": {
            "name": "pages",
            "connection_class": _watched(url),
            "min_size": 0,
            "max_size": size,
            "timeout": PAGE_WAIT_S,
            "reconnect_timeout": PAGE_RECONNECT_S,
            "max_idle": PAGE_IDLE_S,
        },
    }
    return found


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that knows when it began to wait for an answer, and tells when it is lost."""

    url = ""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        #: Monotonic seconds; the second: since when an answer is waited for, 0: none is.
        self.made_at = time.monotonic()
        self.asked_at = 0.0
        self._asking = threading.Lock()
        self._writable = self._is_writable()
        watching.watched(self)

    @classmethod
    def connect(cls, conninfo: str = "", **more: Any) -> Any:
        """As psycopg's, beginning with the host that worked last."""
        address = parse_address(cls.url)
        order = hosts.in_order(address)
        if len(order) > 1:
            more["host"] = ",".join(host for host, _ in order)
            more["port"] = ",".join(port for _, port in order)
        made = super().connect(conninfo, **more)
        for host, port in order:
            if host == made.info.host and port in ("", str(made.info.port)):
                hosts.prefer(address, (host, port))
        return made

    def get_server_pid(self) -> int:
        """The process that serves it, by the name it has in asyncpg."""
        return self.info.backend_pid

    def hang_up(self) -> None:
        """End the connection under whoever waits for its answer in another thread."""
        with self._asking:  # it cannot be closed, and its number given away, meanwhile
            if self.asked_at:
                _shut_down(self.fileno())

    def execute(self, query: Any, *args: Any, **more: Any) -> Any:
        """As psycopg's; the pool's trial fails for one made before the database was lost."""
        if query == _NOTHING and self.made_at <= lost_at(self.url):
            self.close()
            raise psycopg.OperationalError("the database was lost since this connection was made")
        return super().execute(query, *args, **more)

    def wait(self, *args: Any, **more: Any) -> Any:
        """As psycopg's: everything that waits for the server comes by here."""
        with self._asking:
            self.asked_at = time.monotonic()
        try:
            return super().wait(*args, **more)
        except psycopg.errors.ReadOnlySqlTransaction:
            note_loss(self.url, self.made_at)
            raise
        finally:
            with self._asking:
                self.asked_at = 0.0
            if self.pgconn.transaction_status == TransactionStatus.UNKNOWN:
                note_loss(self.url, self.made_at)
            else:
                self._look_at_the_server()

    def _look_at_the_server(self) -> None:
        # As the connections of asyncpg do: a page that only reads would go on reading what is old.
        if self._writable and not self._is_writable():
            self._writable = False
            note_loss(self.url, self.made_at)

    def _is_writable(self) -> bool:
        return self.info.parameter_status(READ_ONLY) != "on"


def _watched(url: str) -> type[WatchedConnection]:
    return type("WatchedConnection", (WatchedConnection,), {"url": url})


def _shut_down(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)
