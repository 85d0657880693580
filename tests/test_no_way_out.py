"""The suite's own guard: what it refuses, and that a handled refusal still fails the test."""

from __future__ import annotations

import asyncio
import socket

import pytest
import uvloop

from conftest import LeftTheMachine, stay_here

#: Reserved for documentation (RFC 5737, RFC 3849): nobody would answer there.
FOREIGN = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "169.254.169.254", "10.0.0.1"]


@pytest.mark.parametrize("host", FOREIGN)
def test_refused_before_a_packet_leaves(host: str, no_way_out: list[str]) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as one:
        one.settimeout(0.1)
        with pytest.raises(LeftTheMachine):
            one.connect((host, 443))
        with pytest.raises(LeftTheMachine):
            one.connect_ex((host, 443))
    assert no_way_out == [host, host]  # so the test would fail, whoever had caught the errors
    no_way_out.clear()


@pytest.mark.parametrize("runner", [asyncio.run, uvloop.run])
def test_event_loops_are_watched_too(runner: object, no_way_out: list[str]) -> None:
    async def leave() -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, FOREIGN[0], 443)

    assert callable(runner)
    with pytest.raises(LeftTheMachine):
        runner(leave())
    assert no_way_out == FOREIGN[:1]
    no_way_out.clear()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "::1%lo"])
def test_this_machine_is_no_way_out(host: str) -> None:
    stay_here(host)
