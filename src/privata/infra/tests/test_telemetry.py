"""Facts of a record: fields in JSON, pairs in text, and no secret in either."""

from __future__ import annotations

import enum
import json
import logging
import uuid
from typing import Any

import pytest

from privata.infra.telemetry import Fact, facts, formatter

SECRET = "whsec_" + "A1b2C3d4E5f6G7h8"


def _record(message: str, **named: Fact) -> logging.LogRecord:
    record = logging.LogRecord("privata.x", logging.INFO, "", 1, message, None, None)
    vars(record).update(facts(**named))
    return record


def _as_json(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(formatter("json").format(record))
    return found


def test_facts_are_fields_in_json() -> None:
    line = _as_json(_record("delivery attempt", attempt=2, outcome="timeout", status=None))
    assert line["message"] == "delivery attempt"
    assert (line["attempt"], line["outcome"]) == (2, "timeout")
    assert "status" not in line


def test_facts_are_pairs_in_text() -> None:
    line = formatter("text").format(_record("delivery attempt", attempt=2, reason="two words"))
    assert line.endswith('privata.x: delivery attempt attempt=2 reason="two words"')


def test_facts_hold_no_secret_and_forge_no_line() -> None:
    record = _record("delivery attempt", reason=f"{SECRET}\nERROR forged", level="debug")
    for form in ("text", "json"):
        line = formatter(form).format(record)
        assert SECRET not in line
        assert "\n" not in line
    assert _as_json(record)["level"] == "info", "what every line has stays what it is"


class _Word(enum.StrEnum):
    LATE = "late"


def test_ids_and_words_of_ours_are_written_as_they_are() -> None:
    ident = uuid.UUID("0199a3c1-7b1e-7c55-9a52-3f0c3a4b1d2e")
    record = _record("delivery attempt", delivery=ident, decision=_Word.LATE, ok=True, ms=1.5)
    line = _as_json(record)
    assert (line["delivery"], line["decision"]) == (str(ident), "late")
    assert (line["ok"], line["ms"]) == (True, 1.5)
    text = formatter("text").format(record)
    assert text.endswith(f"attempt delivery={ident} decision=late ok=True ms=1.5")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_beside_harmless_facts_is_found(form: str) -> None:
    """Text is looked through, whichever of several values holds the secret."""
    record = _record("sent", event="ord:done:1", note=f"with {SECRET}", delivery=uuid.UUID(int=7))
    line = formatter(form).format(record)
    assert SECRET not in line
    assert "ord:done:1" in line
    assert str(uuid.UUID(int=7)) in line


def test_json_lines_are_ascii() -> None:
    record = _record("Grüße", name_of="Łódź", ident=uuid.UUID(int=7), broken="\ud800")
    line = formatter("json").format(record)
    assert line.isascii()
    assert json.loads(line)["name_of"] == "Łódź"
    assert json.loads(line)["ident"] == str(uuid.UUID(int=7))
