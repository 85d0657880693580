"""Personal tokens for tests, put there without their page."""

from __future__ import annotations

from pathlib import Path

import psycopg

from privata.infra.sealing import Sealer
from privata.infra.settings import Settings
from privata.tokens.rules import PREFIX_LENGTH, mint, scopes_of
from tests.browser.server import Server


def token_of(server: Server, email: str, *, write: bool) -> str:
    """A token of this member of the server's own organization."""
    home = Path(server.environment["PRIVATA_HOME"])
    sealer = Sealer(Settings(_env_file=None, home=home).key_material())
    token = mint()
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO personal_token (id, organization_id, user_id, name, scopes,"
            " prefix, digest, expires_at) SELECT gen_random_uuid(), %s::uuid, id, 'm', %s,"
            " %s, %s, now() + interval '1 day' FROM app_user WHERE email = %s",
            (
                server.credentials.organization_id,
                scopes_of(write),
                token[:PREFIX_LENGTH],
                sealer.digest(f"token:{token}"),
                email,
            ),
        )
    return token
