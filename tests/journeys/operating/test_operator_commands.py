"""The operator's commands on a real database: reviewing organizations, verifying the audit log."""

from __future__ import annotations

import json
import uuid

import asyncpg

from conftest import Cluster, environment_for
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from tests import programs


async def privata(settings: Settings, *arguments: str, **more: str) -> tuple[int, str, str]:
    assert settings.database_url is not None
    assert settings.database_owner_url is not None
    urls = (settings.database_url, settings.database_owner_url)
    env = environment_for(settings.home, *urls, **more)
    done = await programs.run_beside("privata", *arguments, env=env)
    return done.returncode, done.stdout, done.stderr


async def test_review_and_verification(
    ctx: AppContext, settings: Settings, superuser: asyncpg.Connection, cluster: Cluster
) -> None:
    code, out, err = await privata(
        settings, "org", "create", "--name", "Acme", "--owner-email", "ann@acme.example", "--json"
    )
    assert code == 0, err
    ident = json.loads(out)["organization_id"]
    code, out, _ = await privata(settings, "org", "list", "--status", "pending_review", "--json")
    assert json.loads(out)["owners"] == "ann@acme.example"
    code, out, _ = await privata(settings, "org", "approve", ident)
    assert (code, out) == (0, f"{ident} is approved.\n")
    code, _, err = await privata(settings, "org", "approve", ident)
    assert code == 1
    assert "cannot become approved" in err
    code, _, err = await privata(settings, "org", "reopen", str(uuid.uuid4()))
    assert (code, "Organization not found" in err) == (1, True)

    code, out, _ = await privata(settings, "audit", "checkpoint")
    assert (code, out) == (0, "1 checkpoint made.\n")
    code, out, _ = await privata(settings, "audit", "verify")
    assert (code, out) == (0, f"{ident}  ok, 2 entries up to 2\n")
    await superuser.execute("UPDATE audit_entry SET action = 'organization.seen' WHERE seq = 2")
    code, out, _ = await privata(settings, "audit", "verify", "--organization", ident, "--json")
    assert code == 1
    assert json.loads(out)["broken"] == {"seq": 2, "reason": "the entry was changed"}
    code, _, err = await privata(settings, "audit", "retain", "--to", str(settings.home))
    assert (code, "PRIVATA_DATABASE_RETENTION_URL" in err) == (1, True)
