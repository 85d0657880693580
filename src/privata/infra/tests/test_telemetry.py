"""Facts of a record: fields in JSON, pairs in text, and no secret in either."""

from __future__ import annotations

import json
import logging
from typing import Any

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
