"""Where the database is: the one configured, or the private one under the home."""

from __future__ import annotations

import atexit
from dataclasses import dataclass

from privata.infra.settings import Settings


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """`app` owns nothing and is used by everything that runs; `owner` changes the schema."""

    app: str
    owner: str


def database_urls(settings: Settings) -> DatabaseUrls:
    """The configured URLs, or those of the private server, which is started if need be.

    The private server is shared by all programs of one home and held until this process ends.
    """
    if settings.database_url is not None:
        return DatabaseUrls(
            settings.database_url, settings.database_owner_url or settings.database_url
        )
    from privata.infra import embedded

    server = embedded.acquire(settings.home)
    atexit.register(server.release)
    return DatabaseUrls(server.app_url, server.owner_url)
