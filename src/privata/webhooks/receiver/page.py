"""The receiver's one page: what came, newest first. No script; the style is served beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from privata.webhooks.receiver.log import Received

REFRESH_SECONDS: Final = 4
SHOWN: Final = 100

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

STYLE: Final = """\
:root {
  color-scheme: light dark;
  --bg: #f9fafb; --surface: #fff; --line: #e4e7ea; --ink: #13171e; --ink-2: #494f57;
  --accent: #265adb; --ok: #02703f; --ok-soft: #dff9e9; --warn: #8b5301; --warn-soft: #fff3d8;
  --bad: #bc2028; --bad-soft: #ffefee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #090b0d; --surface: #101215; --line: #24272c; --ink: #f3f4f6; --ink-2: #afb3b9;
    --accent: #7ba8fc; --ok: #58da98; --ok-soft: #11251b; --warn: #f8c35b; --warn-soft: #2c200f;
    --bad: #ff9693; --bad-soft: #321817;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 32px 16px 64px; max-width: 1160px; background: var(--bg);
  color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
}
h1 { margin: 0; font-size: 20px; }
p { margin: 4px 0 0; color: var(--ink-2); }
code, .mono { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, monospace; }
a { color: var(--accent); }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
dl {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr)); gap: 1px;
  margin: 24px 0; border: 1px solid var(--line); border-radius: 12px; overflow: hidden;
  background: var(--line);
}
dl > div { padding: 12px 16px; background: var(--surface); }
dt { color: var(--ink-2); font-size: 12px; }
dd { margin: 0; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.frame { overflow-x: auto; border: 1px solid var(--line); border-radius: 12px;
  background: var(--surface); }
table { width: 100%; border-collapse: collapse; white-space: nowrap; }
th, td { padding: 8px 12px; text-align: left; border-bottom: 1px solid var(--line); }
th { color: var(--ink-2); font-size: 12px; font-weight: 500; }
tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.pill { display: inline-block; padding: 0 8px; border-radius: 99px; font-size: 12px; }
.ok { color: var(--ok); background: var(--ok-soft); }
.warn { color: var(--warn); background: var(--warn-soft); }
.bad { color: var(--bad); background: var(--bad-soft); }
.empty { padding: 48px 16px; text-align: center; color: var(--ink-2); }
"""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{refresh}">
<title>Receiver ({received})</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header>
<h1>Local receiver</h1>
<p>Receives deliveries at <code>{hook_url}</code> and verifies them with {secrets}.
Current response: <span class="pill {tone}">{behaviour}</span></p>
</header>
<main>
<dl>{figures}</dl>
<div class="frame" tabindex="0" role="region" aria-label="Deliveries">{table}</div>
</main>
</body>
</html>
"""

_HEAD: Final = """\
<table><thead><tr><th scope="col">#</th><th scope="col">Time (UTC)</th><th scope="col">Event</th>\
<th scope="col">Order</th><th scope="col" class="number">Seq</th>\
<th scope="col" class="number">Attempt</th><th scope="col">Signature</th>\
<th scope="col">Response</th><th scope="col">Notes</th></tr></thead><tbody>"""

_EMPTY: Final = '<p class="empty">No deliveries yet. This page refreshes automatically.</p>'


def render_page(
    *,
    deliveries: Sequence[Received],
    stats: Mapping[str, Any],
    behaviour: Mapping[str, Any],
    secrets: int,
    hook_url: str,
) -> str:
    """The page as HTML; everything that came from outside is escaped."""
    figures = (
        ("Received", stats["received"]),
        ("Verified", stats["verified"]),
        ("Not verified", stats["unverified"]),
        ("Events", stats["unique_events"]),
        ("Duplicates", stats["duplicates"]),
        ("Out of order", stats["out_of_order"]),
    )
    rows = "".join(_row(one) for one in deliveries[:SHOWN])
    return _PAGE.format(
        refresh=REFRESH_SECONDS,
        received=stats["received"],
        hook_url=escape(hook_url),
        secrets="1 signing secret" if secrets == 1 else f"{secrets} signing secrets",
        tone="ok" if behaviour["mode"] == "ok" else "warn",
        behaviour=escape(_behaviour(behaviour)),
        figures="".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures),
        table=f"{_HEAD}{rows}</tbody></table>" if rows else _EMPTY,
    )


def _behaviour(behaviour: Mapping[str, Any]) -> str:
    parts = [str(behaviour["mode"])]
    if behaviour["mode"] not in {"hang", "reset"}:
        parts.append(str(behaviour["status"]))
    if behaviour["delay_ms"]:
        parts.append(f"after {behaviour['delay_ms']} ms")
    if behaviour["times"] is not None:
        parts.append(f"{behaviour['times']} more {'time' if behaviour['times'] == 1 else 'times'}")
    return " · ".join(parts)


def _row(one: Received) -> str:
    time = datetime.fromtimestamp(one.received_at, UTC)
    good = one.answer.startswith("2")
    signature = _pill("ok", "verified") if one.verified else _pill("bad", "not verified")
    notes = [
        _pill(tone, text)
        for shown, tone, text in (
            (one.duplicate, "warn", "duplicate"),
            (one.changed, "bad", "different bytes"),
            (one.out_of_order, "bad", "out of order"),
        )
        if shown
    ]
    return (
        f'<tr><td><a href="/deliveries/{one.number}">{one.number}</a></td>'
        f'<td class="mono"><time datetime="{time.isoformat()}">{time:%H:%M:%S}</time></td>'
        f"<td>{_cut(one.event)}</td>"
        f'<td class="mono">{_cut(one.order_id)}</td>'
        f'<td class="number">{"" if one.seq is None else one.seq}</td>'
        f'<td class="number">{_cut(one.attempt)}</td>'
        f"<td>{signature}</td>"
        f"<td>{_pill('ok' if good else 'warn', one.answer)}</td>"
        f"<td>{' '.join(notes)}</td></tr>"
    )


def _pill(tone: str, text: str) -> str:
    return f'<span class="pill {tone}">{escape(text)}</span>'


def _cut(text: str) -> str:
    return escape(text if len(text) <= 48 else f"{text[:47]}…")
