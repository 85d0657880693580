"""What the frame of every page needs to know, and the choice of the phone's tabs.

A Django context processor builds a `Shell`; `ui/base.html` shows it. Items whose pages do not
exist are not in `nav`, so nothing in the frame leads nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

_TAB_KEYS = ("home", "orders", "webhooks", "revenue")


class NavItem(TypedDict):
    """One entry of the sidebar; `count` is what needs a person, or None."""

    key: str
    label: str
    url: str
    icon: str
    count: NotRequired[int | None]


class NavGroup(TypedDict):
    """Entries under one heading; `group` is None for those above the first heading."""

    group: str | None
    items: list[NavItem]


class Organization(TypedDict):
    """A choice of the organization switch; `url` receives POST."""

    name: str
    url: str
    current: bool


class Shell(TypedDict):
    """Everything `ui/base.html` reads; None switches the part off."""

    organization_name: str
    environment: str
    user_name: str
    user_email: str
    initials: str
    nav: list[NavGroup]
    active_key: str | None
    live_url: str | None
    search_url: str | None
    theme: str | None
    switch_environment_url: str | None
    logout_url: str
    login_url: NotRequired[str]
    account_url: NotRequired[str | None]
    organizations: NotRequired[list[Organization]]
    stopped: NotRequired[str]


def tab_items(nav: Sequence[NavGroup], most: int = 4) -> list[NavItem]:
    """The entries of the phone's tab bar: the four everyday ones, or the first that exist."""
    every = [item for group in nav for item in group["items"]]
    daily = [item for key in _TAB_KEYS for item in every if item["key"] == key]
    return (daily + [item for item in every if item not in daily])[:most]
