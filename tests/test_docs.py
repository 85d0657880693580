"""Documentation under test: what it lists is what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from privata.core import errors
from privata.infra.settings import Settings
from privata.webhooks.signing import sign_privata

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def test_every_setting_is_documented_and_nothing_else() -> None:
    text = (DOCS / "settings.md").read_text()
    documented = set(re.findall(r"^\| `(PRIVATA_[A-Z_]+)`", text, re.MULTILINE))
    assert documented == {f"PRIVATA_{name.upper()}" for name in Settings.model_fields}


def test_every_error_code_the_api_can_answer_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", (DOCS / "errors.md").read_text()))
    later = {"RATE_LIMITED", "WEBHOOK_PAUSED"}  # their routes do not exist yet
    codes = {
        kind.code
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.RequestError)
    }
    assert codes - later <= documented


def test_the_verification_sample_works_as_printed() -> None:
    sample = re.search(r"```python\n(.*?)```", (DOCS / "webhooks.md").read_text(), re.DOTALL)
    assert sample is not None
    names: dict[str, object] = {}
    exec(sample.group(1), names)
    verify = names["verify"]
    assert callable(verify)
    now = int(__import__("time").time())
    body, secret = b'{"a":1}', "whsec_test_x"
    header = sign_privata(["whsec_test_old", secret], now, body)
    assert verify(body, header, secret)
    assert not verify(body + b"\n", header, secret)
    assert not verify(body, header, "whsec_test_other")
    assert not verify(body, sign_privata([secret], now - 301, body), secret)
    for junk in ("", "t=,v1=", "v1=x", "t=1e9,v1=a", "t=٣,v1=a"):
        assert not verify(body, junk, secret)


def test_links_between_documents_lead_somewhere() -> None:
    for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
