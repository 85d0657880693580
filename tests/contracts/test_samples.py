"""The code samples of the reference, run as they are printed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from privata.api.openapi import document, operations
from privata.apikeys.scopes import Scope
from privata.core.tenancy import Environment
from privata.docs.calls import Call, call_of, curl, javascript, python, samples
from tests.conftest import Partner, mint

_STREAM = "streamOrder"


def _calls(base_url: str) -> list[tuple[str, Call]]:
    made = document(base_url)
    return [
        (operation["operationId"], call_of(made, path, method, operation))
        for path, method, operation in operations(made)
    ]


async def _run(*command: str, key: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | {"PRIVATA_KEY": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def test_every_sample_is_code_of_its_language() -> None:
    for name, call in _calls("https://privata.example"):
        for label, _, text in samples(call):
            assert call.url in text or label == "cURL", name
        compile(python(call), name, "exec")
        checked = subprocess.run(["bash", "-n", "-c", curl(call)], capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


async def _key(partner: Partner, environment: Environment) -> str:
    """A key for everything that there is in this environment."""
    scopes = [Scope.ORDERS, Scope.WEBHOOK_ADMIN, Scope.PAYOUTS_READ]
    if environment is Environment.LIVE:
        scopes.append(Scope.PAYOUTS_TRIGGER)
    return await mint(partner.ctx, partner.organization_id, environment, *scopes)


def _environment(call: Call) -> Environment:
    """Where a call is at home: payouts are for live keys, all others run in the sandbox."""
    return Environment.LIVE if "/payouts" in call.url else Environment.TEST


async def test_the_python_samples_of_reads_run(partner: Partner, api_url: str) -> None:
    reads = [
        call
        for name, call in _calls(api_url)
        if call.method == "GET" and name != _STREAM and not call.path_values
    ]
    assert len(reads) > 6
    for environment in Environment:
        # One interpreter for all of them: each script is run as it stands.
        scripts = [python(call) for call in reads if _environment(call) is environment]
        key = await _key(partner, environment)
        code, said = await _run(sys.executable, "-c", "\n".join(scripts), key=key)
        assert code == 0, said


async def test_the_curl_samples_reach_their_operation(
    partner: Partner, api_url: str, curl_program: str
) -> None:
    lines: list[str] = []
    for environment in Environment:
        script = [
            curl(call) + f" -s -o /dev/null -w '{name} %{{http_code}}\\n'"
            for name, call in _calls(api_url)
            if name != _STREAM and _environment(call) is environment
        ]
        key = await _key(partner, environment)
        code, said = await _run("bash", "-c", "\n".join(script), key=key)
        assert code == 0, said
        lines += said.splitlines()
    for line in lines:
        name, status = line.split()
        # Refused for what it names (an order that is not there, a used quote), never for its form;
        # the example's URL is no host that can be resolved here.
        refused = {"404", "409", "410"} | ({"422"} if name == "createEndpoint" else set())
        assert status.startswith("2") or status in refused, line


async def test_the_javascript_samples_are_modules(tmp_path: Path, node_program: str) -> None:
    for name, call in _calls("https://privata.example"):
        path = tmp_path / f"{name}.mjs"
        path.write_text(javascript(call))
        code, said = await _run(node_program, "--check", str(path), key="")
        assert code == 0, said
