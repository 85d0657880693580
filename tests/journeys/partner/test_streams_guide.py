"""The samples of docs/streaming.md, run as they are printed, over connections that break."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from privata.streams.states import Ending
from tests.conftest import Partner
from tests.journeys.partner.test_streams import log_of, make, move

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "streaming.md"

CALLS = {
    "python": (
        sys.executable,
        "-uc",
        "\nimport json, sys\nfor payload in follow(*sys.argv[1:]): print(json.dumps(payload))\n",
    ),
    "javascript": (
        "node",
        "--input-type=module",
        "-e",
        "\nfor await (const payload of follow(...process.argv.slice(1)))"
        " console.log(JSON.stringify(payload));\n",
    ),
}


def sample(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


def runnable() -> list[str]:
    return [name for name, call in CALLS.items() if shutil.which(call[0])]


@pytest.mark.parametrize("language", runnable())
async def test_a_sample_follows_an_order_to_its_end(
    partner: Partner, api_url: str, language: str
) -> None:
    ctx, order_id = partner.ctx, await make(partner)
    *command, last = CALLS[language]
    process = await asyncio.create_subprocess_exec(
        *command,
        sample(language) + last,
        f"{api_url}/partner/v1",
        order_id,
        partner.test_key,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = [json.loads(await process.stdout.readline())]
    await move(ctx, order_id, "confirming")
    told.append(json.loads(await process.stdout.readline()))
    # The stream is ended; the sample comes back and asks for what it missed.
    await ctx.database.pool.execute("UPDATE stream SET ending = $1", Ending.CLOSED_HERE.value)
    await ctx.database.pool.execute("SELECT pg_notify('privata_streams', '')")
    await move(ctx, order_id, "completed")
    async with asyncio.timeout(30):
        rest, _ = await process.communicate()
    told += [json.loads(line) for line in rest.splitlines()]
    assert process.returncode == 0
    assert told == [json.loads(one.data) for one in await log_of(ctx, order_id)]


@pytest.mark.parametrize("language", runnable())
async def test_a_sample_says_when_there_is_no_such_order(
    partner: Partner, api_url: str, language: str
) -> None:
    *command, last = CALLS[language]
    process = await asyncio.create_subprocess_exec(
        *command,
        sample(language) + last,
        f"{api_url}/partner/v1",
        "prv-00000000-0000-4000-8000-000000000000",
        partner.test_key,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    assert (out, process.returncode != 0) == (b"", True)
