"""Pages for whoever is refused before Django has seen the request: no session, no template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from privata.dashboard.middleware import CONTENT_SECURITY_POLICY

_PAGE: Final = """<!doctype html>
<html lang="en"><title>{title}</title>
<h1>{heading}</h1>
<p>{sentence}</p>
</html>
"""


def early_page(
    status: int,
    *,
    title: str,
    heading: str,
    sentence: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page of one sentence; the words are ours and go out as they are."""
    common = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    text = _PAGE.format(title=title, heading=heading, sentence=sentence)
    return Response(text, status, {**common, **(headers or {})}, "text/html")
