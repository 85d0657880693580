"""The rules of the house that no library checks, each seen to refuse."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "house_rules.py"


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house_rules", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "line",
    [
        "from allauth.account.internal.flows.login import perform_login",
        "from allauth.mfa.webauthn.internal import auth",
        "from allauth.mfa.webauthn import internal",
        "import pydantic._internal",
        "from starlette import _utils",
        "from fido2.server import _verify_origin_for_rp",
        "def late():\n    from django.db.models.sql._x import y",
    ],
)
def test_private_parts_of_others_are_refused(rules: ModuleType, line: str) -> None:
    assert list(rules.private_parts(line))


@pytest.mark.parametrize(
    "line",
    [
        "from __future__ import annotations",
        "from fido2.server import Fido2Server",
        "from privata.ui import _parts",
        "from . import _near",
        "import importlib.metadata as _metadata",
    ],
)
def test_public_and_own_parts_are_not(rules: ModuleType, line: str) -> None:
    assert not list(rules.private_parts(line))
