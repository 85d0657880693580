"""Documentation under test: what it lists is what there is."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

from privata.core import errors
from privata.infra.settings import Settings
from privata.webhooks.signing.signatures import sign_privata

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def test_every_setting_is_documented_and_nothing_else() -> None:
    text = (DOCS / "settings.md").read_text()
    documented = set(re.findall(r"^\| `(PRIVATA_[A-Z_]+)`", text, re.MULTILINE))
    assert documented == {f"PRIVATA_{name.upper()}" for name in Settings.model_fields}


def test_every_error_code_the_api_can_answer_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", (DOCS / "errors.md").read_text()))
    codes = {
        kind.code
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.RequestError)
    }
    assert codes <= documented


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


def test_no_promise_stands_under_what_is_not_promised() -> None:
    """Five promises about payouts stood there, appended to the end of the file."""
    _, _, disclaimed = (DOCS / "guarantees.md").read_text().partition("## What is not promised")
    assert disclaimed
    assert "\n|" not in disclaimed


def test_every_guarantee_names_tests_that_exist() -> None:
    rows = re.findall(r"^\| [A-Z].*\|$", (DOCS / "guarantees.md").read_text(), re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`((?:tests|src|scripts)/[^`]+)`", row.rsplit("|", 2)[1])
        assert named, f"no proof: {row[:60]}"
        for path in named:
            assert (ROOT / path).is_file(), f"guarantees.md names {path}"
            if path.endswith(".py"):
                assert re.search(r"def test_", (ROOT / path).read_text()), f"no test in {path}"


def test_every_figure_has_a_row_that_can_be_run() -> None:
    from bench.__main__ import ROWS

    rows = re.findall(r"`make bench ARGS=(\w+)`", (DOCS / "performance.md").read_text())
    assert set(rows) == set(ROWS)


def test_the_guide_of_tokens_lists_every_path_they_open() -> None:
    """Deleting an endpoint had come to delete it, and disabling it was nowhere."""
    from privata.api.automation.routes import router

    listed: set[tuple[str, str]] = set()
    text = (DOCS / "tokens.md").read_text()
    for methods, cell in re.findall(r"^\| ([A-Z]+(?:, [A-Z]+)*) (`/.*?`) \|", text, re.MULTILINE):
        first, *more = [path.partition("?")[0] for path in re.findall(r"`([^`]+)`", cell)]
        whole = [path.replace("…", first.rpartition("/")[0]) for path in more]
        listed |= {(method, path) for method in methods.split(", ") for path in (first, *whole)}
    made = {(route.method, route.path.replace("{endpoint_id}", "{id}")) for route in router.routes}
    assert listed == made


def test_the_guide_lists_what_browsers_may_read_without_a_key() -> None:
    """The check of addresses was missing."""
    from privata.api.openapi import encoded_document

    text = (DOCS / "authentication.md").read_text()
    said = re.search(r"routes that need no key \(([^)]+)\)", text)
    assert said is not None
    document = json.loads(encoded_document("http://localhost"))
    keyless = {
        path.removeprefix("/partner/v1")
        for path, operations in document["paths"].items()
        if "get" in operations and {} in operations["get"].get("security", [{}])
    }
    keyless.add("/openapi.json")  # the document does not describe itself
    assert set(re.findall(r"`([^`]+)`", said.group(1))) == keyless
