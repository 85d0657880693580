"""Every guide is a page, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from privata.docs.guides import grouped, guides, guides_root
from privata.docs.markdown import rendered

ROOT = Path(__file__).resolve().parents[4]


def test_each_guide_stands_once_under_a_heading() -> None:
    shown = [guide.slug for _, found in grouped() for guide in found]
    written = {path.stem for path in guides_root().glob("*.md")}
    internal = {"providers", "style"}
    assert sorted(shown) == sorted(written - internal), "how we work concerns nobody else"
    assert len(shown) == len(set(shown))
    assert {"webhooks", "errors", "sandbox"} <= set(shown)


@pytest.mark.parametrize("slug", guides())
def test_it_renders_with_title_and_lead(slug: str) -> None:
    guide = guides()[slug]
    shown = rendered(guide.text, lambda target: target)
    assert shown.title == guide.title
    assert guide.lead
    assert shown.parts


@pytest.mark.parametrize("slug", guides())
def test_anchors_that_are_linked_exist(slug: str) -> None:
    for target, anchor in re.findall(r"\]\(([a-z-]*)(?:\.md)?#([^)]+)\)", guides()[slug].text):
        other = guides()[target or slug]
        anchors = {one.anchor for one in rendered(other.text, lambda link: link).headings}
        assert anchor in anchors, f"{slug}.md links to {target}#{anchor}"


def test_the_wheel_carries_them() -> None:
    import tomllib

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert wheel["targets"]["wheel"]["force-include"] == {"docs": "privata/docs/guides"}
