"""Where the browser's files are, and under which address they are served.

The address holds a hash of the whole tree: `/static/<hash>/css/base.css`. So every answer may be
cached for ever (`immutable`), and `url()` in style sheets keeps working, which it would not if each
file's name carried a hash.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from privata.ui import bundles as making

_ROOT = Path(__file__).parent / "static"
_HASH_LENGTH = 12

# In the order of the layers; phone rules last, since they refine the components.
STYLESHEETS = (
    "css/tokens.css",
    "css/fonts.css",
    "css/base.css",
    "css/components/shell.css",
    "css/components/buttons.css",
    "css/components/pills.css",
    "css/components/cards.css",
    "css/components/figures.css",
    "css/components/navigation.css",
    "css/components/table.css",
    "css/components/forms.css",
    "css/components/keys.css",
    "css/components/orders.css",
    "css/components/chart.css",
    "css/components/timeline.css",
    "css/components/streams.css",
    "css/components/providers.css",
    "css/components/refunds.css",
    "css/components/overlays.css",
    "css/components/bare.css",
    "css/components/account.css",
    "css/components/people.css",
    "css/phone.css",
    "css/phone-shell.css",
)

#: What only the pages of the documentation load besides.
DOCS_STYLESHEETS = (
    "css/docs.css",
    "css/docs-prose.css",
    "css/docs-reference.css",
    "css/docs-narrow.css",
)


#: What pages load: each of these is put together from others.
STYLESHEET = "css/privata.css"
DOCS_STYLESHEET = "css/privata-docs.css"
SCRIPT = "js/privata.js"


@cache
def bundles() -> dict[str, bytes]:
    """Every bundle by its name under `static/`, made at the first call."""
    return {
        STYLESHEET: making.stylesheet(_ROOT, STYLESHEETS),
        DOCS_STYLESHEET: making.stylesheet(_ROOT, DOCS_STYLESHEETS),
        SCRIPT: making.script(_ROOT, "js/app.js"),
    }


def static_root() -> Path:
    """The folder to serve; everything in it is public."""
    return _ROOT


@cache
def static_hash() -> str:
    """Hash of every file's path and bytes and of the bundles, computed at the first call."""
    digest = hashlib.sha256()
    for data in bundles().values():
        digest.update(data)
    for path in sorted(_ROOT.rglob("*")):
        if path.is_file():
            name = path.relative_to(_ROOT).as_posix().encode()
            digest.update(b"%d:%b%d:" % (len(name), name, path.stat().st_size))
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_HASH_LENGTH]


def static_prefix() -> str:
    """The path prefix of all static files: `/static/<hash>/`."""
    return f"/static/{static_hash()}/"


def static_url(path: str) -> str:
    """The address of a file or bundle under `static/`; FileNotFoundError for a missing one."""
    if path not in bundles() and not (_ROOT / path).is_file():
        raise FileNotFoundError(f"no static file {path}")
    return static_prefix() + path
