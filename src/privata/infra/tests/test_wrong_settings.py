"""A wrong value of any setting is told in our own words: which, what it is, what it must be, and an
example that is accepted."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from typing import Any, Final

import pytest
from pydantic.fields import FieldInfo

from privata.core.errors import StartupError
from privata.infra.settings import Settings, load_settings
from privata.infra.wrong_settings import example, variable

#: Settings that take any text here; what uses them says what is wrong with it.
ANY_TEXT: Final = {
    *("home", "host", "public_url", "worker_health_host", "payout_journal", "order_archive"),
    "mail_from",
    *("database_url", "database_listen_url", "database_owner_url", "database_retention_url"),
}

#: Wrong values of the settings that are no numbers, and what is named of each.
SHORT_KEY: Final = base64.b64encode(b"0123456789").decode()
WRONG: Final[dict[str, list[tuple[str, str]]]] = {
    "secret_keys": [
        ("hidden!!", "is invalid"),
        (SHORT_KEY, "is invalid"),
        ("hiddeñ", "is invalid"),
    ],
    "mail_url": [("ftp://hidden@mail.example.com", "is invalid")],
    "outbound_extra_ports": [("8080,0", 'contains "0"'), ("8080, ssh", 'contains "ssh"')],
}
NETWORKS: Final = [("192.0.2.0/28,10.0.0.1/8", 'contains "10.0.0.1/8"'), ("x", 'contains "x"')]

#: What pydantic, Python and PostgreSQL would say.
NOT_OUR_WORDS: Final = re.compile(r"Input|Value error|should|unable to|host bits set$|\n")

#: What may stand in place of the example that is none: a key that anybody can read is no secret.
KEY: Final = base64.b64encode(bytes(32)).decode()

FIELDS: Final = {name: one for name, one in Settings.model_fields.items() if name not in ANY_TEXT}


def bounds(field: FieldInfo) -> dict[str, Any]:
    return {
        name: value
        for one in field.metadata
        for name in ("ge", "gt", "le", "decimal_places")
        if (value := getattr(one, name, None)) is not None
    }


def wrong_values(name: str, field: FieldInfo) -> list[tuple[str, str]]:
    """Values that the setting does not take, each with what the message says of it."""
    if name in WRONG:
        return WRONG[name]
    if field.annotation == list[str]:
        return NETWORKS
    found = ["", "many", "two\nlines", "x" * 1000]
    has = bounds(field)
    if has:
        found += ["nan", "12,5"]
    if "ge" in has:
        found.append(str(has["ge"] - 1))
    if "gt" in has:
        found.append(str(has["gt"]))
    if "le" in has:
        found += [str(has["le"] + 1), "1e400"]
    if "decimal_places" in has:
        found.append("700.001")
    elif field.annotation in (int, int | None):
        found.append("70.5")
    return [(one, "") for one in found]


def test_every_setting_is_looked_at() -> None:
    assert set(Settings.model_fields) >= ANY_TEXT
    lists = {name for name, one in FIELDS.items() if one.annotation == list[str]}
    assert set(WRONG) - {"mail_url"} <= lists
    assert len(FIELDS) > 40


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_value_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They were pydantic's: "Input should be greater than or equal to 31"."""
    field = FIELDS[name]
    for value, said in wrong_values(name, field):
        monkeypatch.setenv(variable(name), value)
        with pytest.raises(StartupError) as caught:
            load_settings()
        message = caught.value.message
        assert message.startswith(f"{variable(name)} "), message
        assert message.endswith(f", for example {example(field)}."), message
        assert " It must be " in message
        assert not NOT_OUR_WORDS.search(message), message
        assert len(message) < 300
        if field.repr:
            assert (said or f'is "{value[:40]}'.partition("\n")[0]) in message
        else:
            assert said in message
            assert "hidden" not in message
            assert value not in message


@pytest.mark.parametrize("name", FIELDS)
def test_the_example_is_accepted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(variable(name), KEY if name == "secret_keys" else example(FIELDS[name]))
    load_settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "delivery_log_days",
            "5",
            'PRIVATA_DELIVERY_LOG_DAYS is "5". It must be a whole number from 31 to 3650, for'
            " example 90.",
        ),
        (
            "drain_seconds",
            "soon",
            'PRIVATA_DRAIN_SECONDS is "soon". It must be a number from 0 to 300, for example 3.',
        ),
        (
            "clock_skew_seconds",
            "0",
            'PRIVATA_CLOCK_SKEW_SECONDS is "0". It must be a number above 0 and at most 3600, for'
            " example 5.",
        ),
        (
            "payout_approval_usd",
            "-1",
            'PRIVATA_PAYOUT_APPROVAL_USD is "-1". It must be a number of at least 0 with at most 2'
            " decimals, for example 10000.",
        ),
        (
            "log_level",
            "loud",
            'PRIVATA_LOG_LEVEL is "loud". It must be debug, info, warning, or error, for example'
            " info.",
        ),
        (
            "new_device_code",
            "maybe",
            'PRIVATA_NEW_DEVICE_CODE is "maybe". It must be true or false, for example true.',
        ),
        (
            "outbound_extra_ports",
            "8080,ssh",
            'PRIVATA_OUTBOUND_EXTRA_PORTS contains "ssh". It must be ports from 1 to 65535, '
            "separated by commas, for example 8080,9443.",
        ),
    ],
)
def test_one_sentence_of_each_kind(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable(name), value)
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert caught.value.message == message


def test_settings_that_do_not_fit_together_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATA_PAYOUT_MIN_USD", str(Decimal(900)))
    monkeypatch.setenv("PRIVATA_PAYOUT_MAX_USD", "500")
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert caught.value.message == (
        "PRIVATA_PAYOUT_MIN_USD must not exceed PRIVATA_PAYOUT_MAX_USD, but is 900 with a maximum"
        " of 500. Lower the first or raise the second."
    )


def test_what_production_needs_is_named_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATA_ENV", "production")
    for name in ("secret_keys", "database_url", "public_url"):
        field = Settings.model_fields[name]
        with pytest.raises(StartupError) as caught:
            load_settings()
        message = caught.value.message
        assert message.startswith(f"{variable(name)} must be set in production. It must be ")
        assert message.endswith(f", for example {example(field)}.")
        monkeypatch.setenv(variable(name), KEY if name == "secret_keys" else example(field))
    load_settings()
