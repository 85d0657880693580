"""Where the rows run: a private PostgreSQL with fsync on, in a home that is thrown away."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from privata.infra import embedded
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.wiring import wire

_TEMPLATE = "bench_template"


@dataclass(slots=True)
class Harness:
    """A server with an empty, migrated database to copy from."""

    home: Path
    server: embedded.EmbeddedServer
    postgres_version: str = ""

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a `privata` program on the database `name`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PRIVATA_")}
        return kept | {
            "PRIVATA_HOME": str(self.home),
            "PRIVATA_DATABASE_URL": self.app_url(name),
            "PRIVATA_DATABASE_OWNER_URL": self.server.owner_url.replace("/privata?", f"/{name}?"),
            "PRIVATA_LOG_LEVEL": "warning",
        }

    def app_url(self, name: str) -> str:
        """The database `name` as the application's role."""
        return self.server.app_url.replace("/privata?", f"/{name}?")

    def admin_url(self, name: str) -> str:
        """The database `name` as the server's administrator."""
        return self.server.admin_url.replace("/postgres?", f"/{name}?")

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a fresh database, dropped after the block."""
        name = f"bench_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER privata_owner")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(_TEMPLATE)))
            try:
                yield name
            finally:
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                connection.execute(drop)

    @asynccontextmanager
    async def app_context(self, **settings: Any) -> AsyncIterator[AppContext]:
        """An application context on a fresh database."""
        with self.database() as name:
            url = self.app_url(name)
            chosen = Settings(_env_file=None, home=self.home, database_url=url, **settings)
            ctx = await AppContext.open(chosen, url)
            try:
                yield ctx
            finally:
                await ctx.close()


@contextmanager
def open_harness() -> Iterator[Harness]:
    """Bring the server up, make the template, and clean everything up afterwards."""
    wire()
    with tempfile.TemporaryDirectory(prefix="privata-bench-") as folder:
        home = Path(folder)
        try:
            with embedded.acquire(home) as server:
                yield _prepared(Harness(home, server))
        finally:
            embedded.destroy(home)


def _prepared(harness: Harness) -> Harness:
    with psycopg.connect(harness.server.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE} OWNER privata_owner")
        found = connection.execute("SHOW server_version").fetchone()
        harness.postgres_version = str(found[0]) if found else "?"
    subprocess.run(
        [sys.executable, "-m", "privata", "migrate"],
        check=True,
        env=harness.environment(_TEMPLATE),
        stdout=subprocess.DEVNULL,
    )
    return harness
