"""One person of each role, who ask every route of a running program."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from privata.core.roles import Role
from tests import programs
from tests.browser.server import Server

#: What a form carries twice, so that nothing is refused for the want of it.
FORM = "c" * 32

ROOT = Path(__file__).resolve().parents[2]

#: Routes that ask no permission of the table, each with what it asks instead.
OPEN = {
    "index": "leads to the home page, which asks",
    "account_login": "everybody",
    "account_logout": "everybody",
    "switch_environment": "a choice of one's own session",
    "switch_organization": "an active membership in the named organization",
    "invitation": "the link, and its address",
    "live": "a membership; it names topics, never content",
    "track": "the signed link",
    "docs:index": "everybody",
    "docs:api": "everybody",
    "docs:openapi": "everybody",
    "docs:postman": "everybody",
    "docs:bruno": "everybody",
    "docs:guide": "everybody",
    "docs:guide_text": "everybody",
    "docs:llms": "everybody",
    "track_state": "the signed link",
}

#: Rooms whose routes are a person's own account: they ask for sign-in themselves.
OWN_ACCOUNT = ("accounts:", "account_", "mfa_", "socialaccount_")

#: Parameters that name no thing of an organization.
NAMES = {
    *("environment", "part", "form", "token", "organization_id", "recovery_id", "slug"),
    "provider",  # of the installation; what a partner chose of it is found by the organization
    *("factor_id", "session_id"),  # of a person's own account, whatever the organization
}


@dataclass
class People:
    """The server, one person of each role, and a foreign organization that owns one of each."""

    server: Server
    routes: list[dict[str, Any]]
    sessions: dict[str, str]
    foreign: dict[str, str]
    client: httpx.Client
    methods: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, who: str | None) -> httpx.Response:
        """One request with a valid form token, as this person or as nobody."""
        cookie = f"csrf={FORM}"
        if who is not None:
            cookie += f"; privata={self.sessions[who]}"
        self.client.cookies.clear()
        return self.client.request(method, path, headers={"Cookie": cookie, "X-CSRFToken": FORM})


def email_of(role: Role) -> str:
    """The address of the person who has the role."""
    return f"{role.value}@matrix.example"


def printed(server: Server, *arguments: str) -> Any:
    """What `tests.contracts.routes` prints about the server."""
    ended = programs.run("tests.contracts.routes", *arguments, env=server.environment)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])
