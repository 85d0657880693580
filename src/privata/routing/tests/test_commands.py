"""`privata providers`, on a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from click.testing import CliRunner

from privata.core.errors import ValidationFailed
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.routing.commands import providers_group
from tests.canaries import plant

KEY = plant("the-key-that-nobody-sees")


def test_the_operator_sets_up_a_provider(settings: Settings) -> None:
    async def once(work: Callable[[AppContext], Awaitable[Any]]) -> Any:
        assert settings.database_url is not None
        ctx = await AppContext.open(settings, settings.database_url)
        try:
            return await work(ctx)
        finally:
            await ctx.close()

    group = providers_group(lambda work: asyncio.run(once(work)))

    def said(*words: str, given: str | None = None) -> str:
        done = CliRunner().invoke(group, words, input=given)
        assert KEY not in done.output
        if done.exception is not None:
            assert isinstance(done.exception, ValidationFailed)
            return done.exception.message
        return done.output

    assert "no credentials" in said("list")
    assert "has no credentials" in said("enable", "changenow")
    assert "is no provider" in said("credentials", "simulator", "--stdin", given="{}")
    assert "must be a JSON object" in said("credentials", "changenow", "--stdin", given='{"a":1}')
    for nothing in ({}, {"key": ""}):
        words = said("credentials", "changenow", "--stdin", given=json.dumps(nothing))
        assert words.startswith("No credentials given. changenow keeps what it has")
    assert "No credentials given." in said("credentials", "changenow", given="\n\n\n")
    assert "changenow      no credentials" in said("list")
    said("credentials", "changenow", "--stdin", given=json.dumps({"key": KEY}))
    assert (
        said("enable", "changenow", "--base-url", "http://x.example/v2")
        == "The base URL of a provider must be https, or http on this machine."
    )
    assert "changenow: enabled." in said(
        "enable", "changenow", "--base-url", "https://x.example/v2"
    )
    assert "enabled, https://x.example/v2" in said("list")
    said("credentials", "changenow", given=f"{KEY}\n\n\n")
    said("enable", "changenow", "--base-url", "")
    said("disable", "changenow")
    (shown,) = [
        one
        for one in json.loads(said("list", "--json"))["providers"]
        if one["provider"] == "changenow"
    ]
    assert (shown["enabled"], shown["has_credentials"], shown["base_url"]) == (False, True, None)
