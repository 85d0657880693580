"""The API attacked along its own document: examples, edges, random calls, and calls in a row.

Each role of key makes every call: whatever is sent, the answer is one that the document announces,
and never a 5xx. Small and repeatable here; `make fuzz` looks longer and everywhere.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from privata.api.openapi import encoded_document
from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from tests.conftest import mint

_HERE = Path(__file__).parent

#: What every answer must be. Two checks of the tool do not fit: one takes the refusal of data that
#: is well formed (an unknown pair, an expired quote) for a mistake, and one leaves the key out and
#: then sends the one it was given all the same.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "use_after_free",
    "ignored_auth",
)

#: Without a provider for live orders 503 is the right answer to a live key.
_LIVE = '[checks]\nnot_a_server_error.expected-statuses = ["2xx", "4xx", "503"]\n'

#: A stream stays open by design; its journeys hold it against the document.
STREAMS = "streamOrder"

PHASES = "examples,coverage,fuzzing,stateful"

#: Coverage tries every edge of every field, which takes minutes for all: here some of each kind.
COVERED = ("limits", "getOrder", "readEvents", "listUndelivered", "resume")


#: Only live keys open these.
PAYOUTS = ("requestPayout", "listPayouts", "getPayout", "confirmPayout", "cancelPayout")

ALL_SCOPES = (Scope.ORDERS, Scope.WEBHOOK_ADMIN, Scope.PAYOUTS_READ)


@dataclass(frozen=True)
class Role:
    """Who calls: the key's environment and scopes, or a text that is no key, or nothing."""

    scopes: tuple[Scope, ...] = ()
    environment: Environment = Environment.TEST
    text: str | None = None
    phases: str = "examples,fuzzing"
    only: tuple[str, ...] = ()
    config: str = ""


ROLES = {
    "no-key": Role(phases="examples"),
    "wrong-key": Role(text="pk_test_" + "A" * 43, phases="examples"),
    "orders": Role((Scope.ORDERS,), phases="examples"),
    "webhook-admin": Role((Scope.WEBHOOK_ADMIN,), phases="examples"),
    "edges": Role(ALL_SCOPES, phases="coverage", only=COVERED),
    "all-scopes": Role(ALL_SCOPES, phases="examples,fuzzing,stateful"),
    "payouts": Role(
        (Scope.PAYOUTS_READ, Scope.PAYOUTS_TRIGGER),
        Environment.LIVE,
        phases="examples,coverage,fuzzing",
        only=PAYOUTS,
    ),
    "live": Role((Scope.ORDERS,), Environment.LIVE, config=_LIVE),
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Nothing is slowed down, and each call may say whose it is."""
    many = 10_000_000
    return settings.model_copy(
        update={
            "rate_reads_per_minute": many,
            "rate_writes_per_minute": many,
            "rate_keyless_per_minute": many,
            "rate_offers_per_minute": many,
            "trusted_proxies": ["127.0.0.1/32"],
        }
    )


@pytest.mark.parametrize("name", ROLES)
async def test_no_call_surprises_the_document(
    name: str, ctx: AppContext, organization: uuid.UUID, api_url: str, tmp_path: Path
) -> None:
    role = ROLES[name]
    key = role.text
    if role.scopes:
        key = await mint(ctx, organization, role.environment, *role.scopes)
    document, config = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
    document.write_bytes(encoded_document(api_url))
    config.write_text(role.config)
    long = os.environ.get("PRIVATA_FUZZ_EXAMPLES")
    arguments = [
        *("--config-file", str(config), "run", str(document), "--url", api_url),
        *("--checks", ",".join(CHECKS)),
        *("--phases", PHASES if long else role.phases, "--max-examples", long or "4"),
        *("--continue-on-failure", "--no-shrink", "--warnings", "off", "--request-timeout", "60"),
        *("--suppress-health-check", "all"),
    ]
    if role.only and not long:
        arguments += [word for one in role.only for word in ("--include-operation-id", one)]
    else:
        arguments += ["--exclude-operation-id", STREAMS]
    if key is not None:
        arguments += ["-H", f"X-API-Key: {key}"]
    if not long:
        arguments += ["--generation-deterministic", "--seed", "1"]
    else:
        arguments += ["--generation-database", "none"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *arguments),
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(_HERE)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-20_000:]
