"""What a route of the partner API may say about its key."""

from __future__ import annotations

import pytest

from privata.apikeys.access_api import KEY_OPTIONAL, KeyAccess
from privata.apikeys.scopes import Scope


def test_a_route_for_keys_names_their_scopes() -> None:
    with pytest.raises(TypeError, match="scopes"):
        KeyAccess()


def test_the_document_says_what_is_checked() -> None:
    either = KeyAccess(Scope.ORDERS, Scope.WEBHOOK_ADMIN)
    assert either.security() == [{"ApiKey": ["orders:rw"]}, {"ApiKey": ["webhook:admin"]}]
    assert KEY_OPTIONAL.security() == [{"ApiKey": []}, {}]
