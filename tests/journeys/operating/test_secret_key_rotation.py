"""A new secret key on the nodes of one installation, one after the other, as programs."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from conftest import environment_for, wait_for
from privata.infra.context import AppContext
from privata.infra.sealing import Sealer
from privata.infra.secret_keys import store
from privata.infra.settings import Settings
from tests import programs
from tests.faults.programs import program, stop
from tests.programs import Program

KEY_A, KEY_B = bytes([1]) * 32, bytes([2]) * 32
A, B = Sealer([KEY_A, KEY_B]).marks


def node(settings: Settings, *keys: bytes) -> dict[str, str]:
    """The environment of a node with these keys."""
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    given = ",".join(base64.b64encode(key).decode() for key in keys)
    return environment_for(
        settings.home,
        settings.database_url,
        settings.database_owner_url,
        PRIVATA_ENV="production",
        PRIVATA_PUBLIC_URL="https://partners.example",
        PRIVATA_SECRET_KEYS=given,
    )


@contextmanager
def worker(settings: Settings, *keys: bytes) -> Iterator[Program]:
    with program("privata", "worker", env=node(settings, *keys)) as process:
        yield process


def refused(settings: Settings, *keys: bytes) -> str:
    """The one line with which a worker does not start."""
    ended = programs.run("privata", "worker", env=node(settings, *keys))
    assert ended.returncode == 1, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    return ended.stderr


async def test_a_key_that_a_running_process_lacks_does_not_become_the_first(
    ctx: AppContext, settings: Settings
) -> None:
    """With the documented rotation, API keys made on the first node with the new key got 401 on all
    others until they had it."""

    async def running(*wanted: list[bytes]) -> None:
        async def as_wanted() -> bool:
            found = await store.running_processes(ctx.database.pool)
            return sorted(list(one.keys) for one in found) == sorted(wanted)

        await wait_for(as_wanted, seconds=120)

    with worker(settings, KEY_A) as first, worker(settings, KEY_A, KEY_B) as second:
        await running([A.name], [A.name, B.name])
        said = refused(settings, KEY_B, KEY_A)
        assert f"{B.shown}, must not be first yet: worker on " in said
        assert f"(process {first.pid})" in said
        stop(first)
        await running([A.name, B.name])
        with worker(settings, KEY_B, KEY_A):
            await running([A.name, B.name], [B.name, A.name])
            assert f"under the key {B.shown}" in refused(settings, KEY_A)
            stop(second)
            await running([B.name, A.name])
    await running()
