"""A wrong setting ends the start with one line that names it."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from privata.core.errors import StartupError
from privata.infra.development_key import development_key
from privata.infra.settings import load_settings, unknown_settings

KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PRIVATA_PORT", "x", "PRIVATA_PORT"),
        ("PRIVATA_PORT", "70000", "PRIVATA_PORT"),
        ("PRIVATA_ENV", "staging", "PRIVATA_ENV"),
        ("PRIVATA_SECRET_KEYS", "!!", "PRIVATA_SECRET_KEYS is invalid. It must be keys"),
        ("PRIVATA_SECRET_KEYS", "AAAA", "at least 32 bytes"),
        ("PRIVATA_OUTBOUND_ALLOWED_CIDRS", "10.0.0.1/8", "PRIVATA_OUTBOUND_ALLOWED_CIDRS"),
        ("PRIVATA_OUTBOUND_EXTRA_PORTS", "0", 'contains "0". It must be ports from 1'),
        ("PRIVATA_ENV_FILE", "/nowhere/at/all", "PRIVATA_ENV_FILE"),
    ],
)
def test_wrong_settings(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_production_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVATA_ENV", "production")
    with pytest.raises(StartupError, match="PRIVATA_SECRET_KEYS must be set"):
        load_settings()
    monkeypatch.setenv("PRIVATA_SECRET_KEYS", KEY)
    monkeypatch.setenv("PRIVATA_DATABASE_URL", "postgresql://app@db/privata")
    with pytest.raises(StartupError, match="PRIVATA_PUBLIC_URL must be set"):
        load_settings()
    monkeypatch.setenv("PRIVATA_PUBLIC_URL", "https://partners.example.com/")
    assert load_settings().base_url == "https://partners.example.com"


def test_settings_come_from_a_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("PRIVATA_PORT=9001\nPRIVATA_SECRET_KEYS=" + KEY + "," + KEY)
    monkeypatch.setenv("PRIVATA_ENV_FILE", str(tmp_path / "env"))
    monkeypatch.delenv("PRIVATA_PORT", raising=False)
    chosen = load_settings()
    assert chosen.port == 9001
    assert len(chosen.key_material()) == 2


def test_the_development_key_is_made_once_however_many_ask(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(development_key(tmp_path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_damaged_development_key_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(StartupError, match="damaged"):
        development_key(tmp_path)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("PRIVATA_DATABSE_URL", "PRIVATA_DATABASE_URL"),
        ("PRIVATA_LOGLEVEL", "PRIVATA_LOG_LEVEL"),
        ("PRIVATA_TRUSTED_PROXYS", "PRIVATA_TRUSTED_PROXIES"),
        ("privata_secret_key", "PRIVATA_SECRET_KEYS"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_misspelt_setting_ends_the_start_with_the_right_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, right: str, in_file: bool
) -> None:
    if in_file:
        file = tmp_path / "privata.env"
        file.write_text(f"# ours\n{name}=x\nOTHER=y\n")
        monkeypatch.setenv("PRIVATA_ENV_FILE", str(file))
    else:
        monkeypatch.setenv(name, "x")
    with pytest.raises(StartupError) as caught:
        load_settings()
    assert caught.value.message.startswith(f"{name} is not a setting. Did you mean {right}?")


def test_other_unknown_names_are_told_and_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRIVATA_SERVICE_HOST", "PRIVATA_PORT_8000_TCP_ADDR", "PRIVATA_API_KEY"):
        monkeypatch.setenv(name, "10.0.0.1")
    monkeypatch.setenv("privata_log_level", "error")
    assert load_settings().log_level == "error"
    told = unknown_settings()
    assert [line.split()[0] for line in told] == [
        "PRIVATA_PORT_8000_TCP_ADDR",
        "PRIVATA_SERVICE_HOST",
    ]


def test_the_address_of_a_laptop_is_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `make run` prints and mails link to: browsers have no passkeys for 127.0.0.1."""
    assert load_settings().base_url == "http://localhost:8000"
    monkeypatch.setenv("PRIVATA_HOST", "192.0.2.7")
    assert load_settings().base_url == "http://192.0.2.7:8000"
