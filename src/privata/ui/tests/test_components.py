"""Graphics, code, status looks, and attributes of macros."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from privata.ui import components, sample, statuses
from privata.ui.components import Bucket
from privata.ui.jinja import attrs, environment
from privata.ui.shell import tab_items

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _words(markup: Markup) -> str:
    return unescape(re.sub(r"<[^>]+>", "", str(markup)))


def test_icons_are_known_and_silent() -> None:
    assert 'aria-hidden="true"' in components.icon("check", 13)
    with pytest.raises(KeyError):
        components.icon("no-such-icon")


def test_every_status_has_an_icon_that_exists() -> None:
    for table in (statuses.ORDER, statuses.DELIVERY, statuses.ENDPOINT, statuses.KEY):
        for look in table.values():
            assert components.icon(look.icon)
            assert look.tone in {"ok", "warn", "bad", "info", "plain"}


def test_a_new_status_shows_its_name() -> None:
    assert statuses.look("order", "on_hold") == ("On hold", "circle", "plain")
    with pytest.raises(KeyError):
        statuses.look("oder", "completed")


def test_tone_of_answers() -> None:
    tones = {200: "plain", 204: "plain", 301: "bad", 410: "bad", 429: "warn", 500: "bad"}
    assert {code: statuses.response_tone(code) for code in tones} == tones
    assert statuses.response_tone(None) == "warn"


def test_histogram_says_its_totals() -> None:
    shown = components.histogram([Bucket(10, 2), Bucket(0, 0, 5), Bucket(0, 0)], "Today <b>")
    assert "Today &lt;b&gt;: 10 delivered, 2 failed, 5 queued" in shown
    assert "style" not in shown
    assert components.histogram([], "Nothing").count("<rect") == 1


def test_spark_of_nothing_is_nothing() -> None:
    assert components.spark([]) == ""
    assert "NaN" not in components.spark([3, 3, 3])


def test_no_data_is_never_shown_as_fine() -> None:
    shown = components.uptime_bars(["ok", "none", "bad"], "Exolix")
    assert "Exolix: 1 up, 1 down, 1 no data" in shown
    with pytest.raises(ValueError, match="uptime state"):
        components.uptime_bars(["green"], "Exolix")


def test_gauge_is_full_at_most() -> None:
    assert components.gauge_arc(300, 200) == components.gauge_arc(200, 200)
    assert 'class="fill"' not in components.gauge_arc(0, 200)
    assert 'class="fill"' not in components.gauge_arc(5, 0)


@given(_JSON)
def test_json_in_colour_is_the_same_json(value: object) -> None:
    raw = json.dumps(value).encode()
    assert json.loads(_words(components.highlight_json(raw))) == value


def test_json_keeps_its_digits() -> None:
    assert '"a": 0.10,' in _words(components.highlight_json(b'{"a":0.10,"b":1e5}'))
    assert "1e5" in _words(components.highlight_json(b'{"a":0.10,"b":1e5}'))


def test_what_is_not_json_is_shown_escaped() -> None:
    assert components.highlight_json(b"<h1>no \xff") == "&lt;h1&gt;no \ufffd"


def test_attributes() -> None:
    given_attributes = {"hx_get": "/x?a=1&b=2", "disabled": True, "title": None, "class_": 'a"b'}
    assert attrs(given_attributes) == (' hx-get="/x?a=1&amp;b=2" disabled class="a&#34;b"')


@pytest.mark.parametrize("name", ["style", "onclick", "hx_on", "hx-on:click"])
def test_attributes_that_the_policy_blocks_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        attrs({name: "x"})


def test_tab_bar_takes_the_everyday_pages_first() -> None:
    nav = sample.shell()["nav"]
    assert [item["key"] for item in tab_items(nav)] == ["home", "orders", "webhooks", "revenue"]
    assert [item["key"] for item in tab_items(nav[2:])][:2] == ["providers", "sla"]


@pytest.mark.parametrize("page", ["gallery", "gallery_bare", "error"])
def test_pages_render_without_a_hole(page: str) -> None:
    pages = environment()
    pages.globals["now"] = lambda: sample.NOW
    context = sample.gallery() | {"shell": sample.shell(environment="test"), "status": 404}
    html = pages.get_template(f"ui/{page}.html").render(context)
    assert ">None<" not in html
    assert html.count("<h1") == 1
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))


def test_text_from_outside_is_escaped() -> None:
    pages = environment()
    evil = '<img src=x onerror=alert(1)>"'
    template = pages.from_string(
        '{% import "ui/macros.html" as ui %}'
        '{{ ui.button(x, title=x) }}{{ ui.field("a", x, value=x) }}'
        "{{ ui.ident(x) }}{{ ui.code(x) }}{{ ui.notice(x, x) }}{{ ui.crumbs([(x, x), (x, None)]) }}"
        '{{ ui.json_block("j", x, {"a": x}) }}{{ ui.toast(x) }}{{ ui.copy(x, x) }}'
    )
    assert "<img" not in template.render(x=evil)
