"""The dashboard's routes and sessions for people of the matrix, as a program of its own.

Run as `python -m tests.contracts.routes routes` it prints every route; `... sessions EMAIL…` prints
a session's cookie for each of these people, `... proved EMAIL…` one of somebody who has just proved
who they are. A program, because Django can be booted on one database
only in a process.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any, cast

from privata.core.clock import SystemClock
from privata.dashboard.database import boot
from privata.infra.context import AppContext
from privata.infra.database.postgres import Database
from privata.infra.plane import install
from privata.infra.sealing import Sealer
from privata.infra.settings import load_settings


def every_route(patterns: Any, prefix: str = "", space: str = "") -> Iterator[dict[str, Any]]:
    """Name, path with its converters, and what the view says about who may see it."""
    from django.urls import URLResolver

    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from every_route(pattern.url_patterns, path, inner)
            continue
        view = pattern.callback
        permission = getattr(view, "permission", None)
        yield {
            "name": f"{space}{pattern.name}",
            "path": path,
            "permission": permission.value if permission else None,
            "staff": getattr(view, "staff", False),
            "signed_in": getattr(view, "signed_in", False),
            "converters": {name: type(one).__name__ for name, one in converters(path).items()},
        }


def converters(path: str) -> dict[str, Any]:
    """The converters of a path such as `<env:environment>/orders/<str:order_id>`."""
    import re

    from django.urls.converters import get_converters

    found = re.findall(r"<(\w+):(\w+)>", path)
    return {name: get_converters()[kind] for kind, name in found}


def session_of(email: str, *, proved: bool) -> str:
    """A session of this person, as signing in makes one; `proved`: with a recent authentication."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from privata.accounts.models import User
    from privata.accounts.session_backend import SessionStore
    from privata.accounts.views.browser import SESSION_PROVED_AT

    user = User.objects.get(email=email)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if proved:
        session[SESSION_PROVED_AT] = time.time()
    session.save()
    assert session.session_key is not None
    return session.session_key


def main() -> None:
    settings = load_settings()
    assert settings.database_url is not None
    boot(settings.database_url)
    # Sessions are sealed; nothing here asks the services' database.
    unused = cast("Database", None)
    install(AppContext(unused, Sealer(settings.key_material()), SystemClock(), settings))
    if sys.argv[1] == "routes":
        from privata.dashboard.urls import urlpatterns

        print(json.dumps(list(every_route(urlpatterns))))
    else:
        proved = sys.argv[1] == "proved"
        print(json.dumps({email: session_of(email, proved=proved) for email in sys.argv[2:]}))


if __name__ == "__main__":
    main()
