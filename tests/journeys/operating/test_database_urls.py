"""Ordinary database URLs work with every kind of connection or end in one line; what the database
or role prefers (encoding, DateStyle, time zone) is refused in one line or does not matter.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conftest import Cluster, environment_for
from privata.core.errors import StartupError
from privata.infra.database.address import SESSION, parse_address
from privata.infra.database.connecting import connect
from privata.infra.database.for_django import conninfo, django_database
from privata.infra.database.listener import Listener
from privata.infra.database.postgres import LIMITS, Database
from privata.infra.readiness import Readiness
from tests import programs

_SECRET = "hunter2-secret"

#: Added to a URL that works: it has to go on working.
FINE = (
    "connect_timeout=7",
    "channel_binding=prefer",
    "channel_binding=disable&gssencmode=disable",
    "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
    "keepalives=0",
    "target_session_attrs=read-write",
    "target_session_attrs=any",
    "target_session_attrs=primary",
    "sslmode=disable",
    "sslmode=prefer",
    "sslmode=allow&sslcompression=0&sslsni=1",
    "options=-c%20statement_timeout%3D7777",
    "options=-cstatement_timeout%3D7777%20--lock_timeout%3D5000",
    "options=-c%20search_path%3D%22$user%22,%5C%20public",
    "statement_timeout=7777",
    "application_name=mine&client_encoding=latin1",
    "load_balance_hosts=disable",
    "load_balance_hosts=random",
    "tcp_user_timeout=7000",
)

#: Added to one, or instead of one: refused, and what the line has to say.
REFUSED = {
    "?channel_binding=require": "channel_binding",
    "?gssencmode=require": "gssencmode",
    "?target_session_attrs=standby": "read-write",
    "?target_session_attrs=read-only": "read-write",
    "?target_session_attrs=master": "target_session_attrs",
    "?connect_timeout=soon": "connect_timeout",
    "?keepalives_idle=1.5": "keepalives_idle",
    "?tcp_user_timeout=soon": "tcp_user_timeout",
    "?sslmode=maybe": "verify-full",
    "?sslrootcert=system&sslmode=require": "verify-full",
    "?load_balance_hosts=fastest": "load_balance_hosts",
    "?replication=database": "replication",
    "?pgbouncer=true": "pgbouncer",
    "?options=nonsense": "options",
    "?sslmode=disable&sslmode=require": "twice",
    "?host=a,b,c&port=1,2": "ports",
    "?port=http": "port",
}

BROKEN = (
    f"mysql://app:{_SECRET}@db/privata",
    f"postgresql://app:{_SECRET}/x@db/privata",
    f"postgresql://app:{_SECRET}#x@db/privata",
    f"postgresql://app:{_SECRET}@x@db/privata",
    f"postgresql://app:{_SECRET}@db:port/privata",
    f"postgresql://app:{_SECRET}[@db/privata",
    f"app:{_SECRET}@db/privata",
    "",
)


async def _asked(url: str, question: str) -> list[str]:
    """The answer of each kind of connection."""
    database = await Database.connect(url, size=1)
    found = [str(await database.pool.fetchval(question))]
    await database.close()
    alone = await connect(url)
    found.append(str(await alone.fetchval(question)))
    await alone.close()
    for keywords in (conninfo(url), _as_django_does(url)):
        with psycopg.connect(keywords) as connection:
            row = connection.execute(question).fetchone()
            assert row is not None
            found.append(str(row[0]))
    return found


async def _is_ready(url: str) -> None:
    """`/readyz` and `/health` say what a look finds; it went to the URL as it is written."""
    readiness = Readiness(url)
    async with readiness.watched():
        assert readiness.ready


def _as_django_does(url: str) -> str:
    said = django_database(url)
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password"}
    names |= {"HOST": "host", "PORT": "port"}
    used = {theirs: said[ours] for ours, theirs in names.items() if said[ours]}
    return make_conninfo("", **used, **said["OPTIONS"])


@pytest.mark.parametrize("more", FINE)
async def test_an_ordinary_url_works_everywhere(
    cluster: Cluster, database_name: str, more: str
) -> None:
    url = f"{cluster.app(database_name)}&{more}"
    assert await _asked(url, "SELECT current_database()") == [database_name] * 4
    timeout = await _asked(url, "SELECT current_setting('statement_timeout')")
    pool, *others = ["7777ms"] * 4 if "7777" in more else [LIMITS["statement_timeout"], *"000"]
    assert timeout == [pool, *others]
    await _is_ready(url)
    listener = Listener(url)
    async with listener.subscribed("wakeup") as wakeups:
        assert await wakeups.get() is None
        with psycopg.connect(conninfo(url), autocommit=True) as connection:
            connection.execute("NOTIFY wakeup, 'x'")
        assert await wakeups.get() == "x"
    await listener.close()


async def test_several_hosts_lead_to_the_one_that_answers(
    cluster: Cluster, database_name: str, tmp_path: Path
) -> None:
    url = cluster.app(database_name).replace("?host=", f"?host={tmp_path}/nobody,")
    assert await _asked(url, "SELECT current_database()") == [database_name] * 4
    await _is_ready(url)
    assert parse_address(url).parameters["target_session_attrs"] == "read-write"


@pytest.mark.parametrize("more", REFUSED)
def test_what_cannot_be_kept_is_refused_in_one_line(more: str) -> None:
    with pytest.raises(StartupError) as refused:
        parse_address(f"postgresql://app:{_SECRET}@db/privata{more}", "PRIVATA_DATABASE_URL")
    said = str(refused.value)
    assert said.startswith("PRIVATA_DATABASE_URL: ")
    assert REFUSED[more] in said
    assert "\n" not in said
    assert _SECRET not in said


@pytest.mark.parametrize("url", BROKEN)
def test_a_broken_url_is_one_line_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(StartupError) as refused:
        parse_address(url)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_password_comes_through_as_it_is() -> None:
    address = parse_address("postgresql://a%40b:p%2Fs%3As%27%5C%20x@h1:1,[::1]:2/d%20b")
    assert (address.user, address.password, address.database) == ("a@b", "p/s:s'\\ x", "d b")
    assert address.hosts == (("h1", "1"), ("::1", "2"))
    assert "p/s" not in repr(address)
    given = psycopg.conninfo.conninfo_to_dict(conninfo("postgresql://a:p%27%5C%20x@h/d"))
    assert given["password"] == "p'\\ x"


def _privata(cluster: Cluster, database: str, home: Path, *words: str, more: str = "") -> str:
    """What a program says that must fail; one line."""
    env = environment_for(home, cluster.app(database) + more, cluster.owner(database) + more)
    done = programs.run("privata", *words, env=env)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("command", ["migrate", "serve", "worker"])
def test_a_program_ends_in_one_line(
    cluster: Cluster, database_name: str, tmp_path: Path, command: str
) -> None:
    said = _privata(cluster, database_name, tmp_path, command, more="&channel_binding=require")
    assert "channel_binding" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_refused_in_one_line(
    cluster: Cluster, tmp_path: Path, encoding: str
) -> None:
    name = f"other_{encoding.lower()}"
    with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
        admin.execute(
            f"CREATE DATABASE {name} OWNER privata_owner TEMPLATE template0"
            f" ENCODING '{encoding}' LOCALE 'C'"
        )
    try:
        for command in ("migrate", "serve"):
            said = _privata(cluster, name, tmp_path, command)
            assert f"{name} has the encoding {encoding}" in said
            assert len(said.splitlines()) == 1
    finally:
        cluster.drop(name)


async def test_what_the_database_and_the_role_prefer_does_not_matter(
    cluster: Cluster, database_name: str
) -> None:
    strange = {
        "timezone": "Asia/Kolkata",
        "datestyle": "German, DMY",
        "intervalstyle": "sql_standard",
        "standard_conforming_strings": "off",
    }
    with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
        for name, value in strange.items():
            admin.execute(
                f"ALTER ROLE privata_app IN DATABASE {database_name} SET {name} = '{value}'"
            )
    url = cluster.app(database_name)
    for name, value in SESSION.items():
        assert await _asked(url, f"SELECT current_setting('{name}')") == [value] * 4
    text = "SELECT ('2026-01-02 03:04:05+00'::timestamptz)::text || ' ' || '1 day 2h'::interval"
    assert set(await _asked(url, text)) == {"2026-01-02 03:04:05+00 1 day 02:00:00"}
