"""The Jinja2 environment of every page, for Django's Jinja2 backend and for the preview.

In Django: `"OPTIONS": {"environment": "privata.ui.jinja.environment"}` and
`"DIRS": template_dirs()`. Undefined names raise: a page never shows a hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from privata.infra.plane import current_time
from privata.ui import components, formats, shell, static_files, statuses

FILTERS = (
    "ago",
    "amount",
    "clock",
    "duration",
    "iso",
    "money_usd",
    "number",
    "percent",
    "plural",
    "short_id",
    "size",
    "utc",
)
_PACKAGE = Path(__file__).resolve().parent.parent


def template_dirs() -> list[Path]:
    """The `templates` folder of every room; each holds a folder of the room's name."""
    return sorted(path for path in _PACKAGE.glob("*/templates") if path.is_dir())


def environment(**options: object) -> Environment:
    """A Jinja2 environment with our macros' globals and filters; `options` are Jinja's own."""
    chosen: dict[str, object] = {"loader": FileSystemLoader(template_dirs())}
    chosen |= options
    chosen |= {
        "autoescape": True,
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    made = Environment(**chosen)  # type: ignore[arg-type]  # noqa: S701 - autoescape is set above
    made.globals.update(
        attrs=attrs,
        gauge_arc=components.gauge_arc,
        highlight_code=components.highlight_code,
        highlight_json=components.highlight_json,
        histogram=components.histogram,
        icon=components.icon,
        look=statuses.look,
        now=now,
        response_tone=statuses.response_tone,
        spark=components.spark,
        static_url=static_files.static_url,
        tab_items=shell.tab_items,
        uptime_bars=components.uptime_bars,
        url=url,
    )
    for name in FILTERS:
        made.filters[name] = getattr(formats, name)
    return made


def now() -> datetime:
    """The time that pages are relative to; a preview or a test puts another in `globals`."""
    return current_time()


def url(name: str, *args: object, **kwargs: object) -> str:
    """The path of a named Django page."""
    from django.urls import reverse

    return reverse(name, args=args or None, kwargs=kwargs or None)


def attrs(given: Mapping[str, object]) -> Markup:
    """Further HTML attributes of a macro: `hx_get="/x"` becomes `hx-get="/x"`.

    True is an attribute without value, None and False leave it out. What the content policy would
    block in the browser (`style`, handlers such as `onclick`, `hx-on`) is a ValueError here.
    """
    parts = []
    for key, value in given.items():
        name = key.rstrip("_").replace("_", "-")
        if name == "style" or name.startswith(("on", "hx-on")):
            raise ValueError(f"attribute {name} is not allowed: the content policy blocks it")
        if value is None or value is False:
            continue
        parts.append(f" {escape(name)}" if value is True else f' {escape(name)}="{escape(value)}"')
    return Markup("".join(parts))  # noqa: S704 - names and values are escaped above
