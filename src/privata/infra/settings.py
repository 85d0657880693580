"""Every setting, from the environment (or a file named by PRIVATA_ENV_FILE), checked at start.

A wrong value ends the start with one line that names the variable. Each setting stands in
`docs/settings.md`; a test compares the two.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from privata.core.addresses import AddressError, validate_address
from privata.core.errors import StartupError
from privata.infra.development_key import development_key
from privata.infra.wrong_settings import (
    allowed,
    given_names,
    refuse_misspelt,
    variable,
    what_is_wrong,
)

#: Bytes of key material that a secret key must at least have.
MIN_KEY_BYTES = 32

#: Where mails can go: a mail server (plain or TLS from the start), files, the log.
MAIL_SCHEMES = ("smtp", "smtps", "file", "console")

#: Hosts that every machine calls localhost.
LOOPBACK = ("127.0.0.1", "::1")

#: Where prices in US dollars can come from.
PRICE_SOURCES = ("providers", "chainlink", "coingecko")

Words = Annotated[list[str], NoDecode]


def _networks(example: str) -> Any:
    return Field(
        default=[],
        description="IP addresses and networks (no host bits set), separated by commas",
        examples=[example],
    )


def _node_url(example: str, default: str | None = None) -> Any:
    # Keys may stand in it.
    return Field(
        default=default,
        repr=False,
        description="a URL that begins with https:, or http: on this machine",
        examples=[example],
    )


class Settings(BaseSettings):
    """The typed settings; field names are the variables without `PRIVATA_`.

    A description ends the sentence "It must be …", and an example is a value that is accepted: the
    message about a wrong value is made of them. Numbers and choices need none, they have bounds.
    """

    model_config = SettingsConfigDict(env_prefix="PRIVATA_", extra="ignore", frozen=True)

    env: Literal["development", "production"] = "development"
    home: Path = Path(".privata")
    database_url: str | None = Field(
        default=None,
        repr=False,
        description="the URL of the database",
        examples=["postgresql://privata@db.example.com/privata"],
    )
    database_listen_url: str | None = Field(default=None, repr=False)
    database_owner_url: str | None = Field(default=None, repr=False)
    database_retention_url: str | None = Field(default=None, repr=False)
    database_distributed: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str | None = Field(
        default=None,
        description="the URL at which people and partners reach this installation",
        examples=["https://partners.example.com"],
    )
    secret_keys: Words = Field(
        default=[],
        repr=False,
        description=f"keys of at least {MIN_KEY_BYTES} bytes, each in base64, separated by commas",
        # None that somebody could copy.
        examples=["the output of `openssl rand -base64 32`"],
    )
    request_head_seconds: float = Field(default=10.0, gt=0, le=600)
    request_body_seconds: float = Field(default=30.0, gt=0, le=3600)
    keep_alive_seconds: int = Field(default=75, ge=1, le=3600)
    drain_seconds: float = Field(default=3.0, ge=0, le=300)
    worker_health_host: str = "127.0.0.1"
    worker_health_port: int | None = Field(default=None, ge=1, le=65535, examples=[8001])
    clock_skew_seconds: float = Field(default=5.0, gt=0, le=3600)
    pool_size: int = Field(default=10, ge=2, le=200)
    pages_pool_size: int = Field(default=10, ge=1, le=200)
    dispatch_concurrency: int = Field(default=64, ge=1, le=4096)
    dispatch_per_endpoint: int = Field(default=16, ge=1, le=1024)
    dispatch_lease_seconds: int = Field(default=30, ge=1, le=600)
    delivery_timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    snapshot_alarm_seconds: int = Field(default=120, ge=1, le=86_400)
    probe_minutes: float = Field(default=10.0, ge=0, le=1440)
    rate_reads_per_minute: int = Field(default=600, ge=1, le=10_000_000)
    rate_writes_per_minute: int = Field(default=60, ge=1, le=10_000_000)
    rate_keyless_per_minute: int = Field(default=60, ge=1, le=10_000_000)
    rate_offers_per_minute: int = Field(default=10, ge=1, le=10_000_000)
    rate_pages_per_minute: int = Field(default=300, ge=1, le=10_000_000)
    commission_bps: int = Field(default=40, ge=0, le=1000)
    revenue_hold_days: int = Field(default=0, ge=0, le=365)
    payout_min_usd: Decimal = Field(default=Decimal(500), ge=1, le=1_000_000, decimal_places=2)
    payout_max_usd: Decimal = Field(
        default=Decimal(50_000), ge=1, le=1_000_000_000, decimal_places=2
    )
    payout_approval_usd: Decimal = Field(default=Decimal(10_000), ge=0, decimal_places=2)
    payout_journal: Path | None = None
    payout_requests_per_day: int = Field(default=2, ge=1, le=1000)
    failover_loses_nothing: bool = False
    delivery_log_days: int = Field(default=90, ge=31, le=3650)
    order_months: int = Field(default=18, ge=12, le=600)
    order_archive: Path | None = None
    quote_days: int = Field(default=7, ge=1, le=3650)
    prices: Words = Field(
        default=["providers"],
        description=f"some of {', '.join(PRICE_SOURCES)}, separated by commas, or static",
        examples=["providers,coingecko"],
    )
    price_poll_seconds: int = Field(default=300, ge=30, le=900)
    price_stale_minutes: int = Field(default=60, ge=15, le=1440)
    chainlink_url: str | None = _node_url("https://rpc.example.com/v1/key")
    chainlink_feeds: Words = Field(
        default=[],
        description="tickers, each with = and the address of its feed, separated by commas",
        examples=[f"BTC={'0x' + '11' * 20}"],
    )
    chainlink_stale_minutes: int = Field(default=1500, ge=1, le=10_080)
    coingecko_url: str = _node_url(
        "https://x.example.com/api/v3", "https://api.coingecko.com/api/v3"
    )
    coingecko_key: str | None = Field(default=None, repr=False)
    coingecko_key_header: str = "x-cg-demo-api-key"
    coingecko_ids: Words = Field(
        default=[],
        description="tickers, each with = and CoinGecko's ID of the coin, separated by commas",
        examples=["BTC=bitcoin,ETH=ethereum"],
    )
    late_deposit_days: int = Field(default=14, ge=0, le=365)
    payout_address_delay_hours: int = Field(default=24, ge=0, le=720)
    payout_secret_age_hours: int = Field(default=24, ge=0, le=720)
    trusted_proxies: Words = _networks("10.0.0.0/8,192.0.2.7")
    health_probers: Words = _networks("192.0.2.0/28")
    outbound_allowed_cidrs: Words = _networks("10.20.0.0/16")
    outbound_extra_ports: Words = Field(
        default=[], description="ports from 1 to 65535, separated by commas", examples=["8080,9443"]
    )
    outbound_own_addresses: Words = _networks("198.51.100.7")
    outbound_own_by_name: bool = True
    mail_url: str | None = Field(
        default=None,
        repr=False,
        description=f"a URL that starts with {', '.join(f'{one}:' for one in MAIL_SCHEMES[:-1])},"
        f" or {MAIL_SCHEMES[-1]}:",
        examples=["smtp://user:password@mail.example.com:587"],
    )
    mail_from: str | None = None
    new_device_code: bool = True
    # At least what OWASP's Password Storage Cheat Sheet asks of Argon2id with two passes.
    password_memory_kib: int = Field(default=102_400, ge=19_456, le=1_048_576)
    password_hashes_at_once: int = Field(default=2, ge=1, le=64)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @field_validator(
        "secret_keys",
        "trusted_proxies",
        "health_probers",
        "outbound_allowed_cidrs",
        "outbound_extra_ports",
        "outbound_own_addresses",
        "prices",
        "chainlink_feeds",
        "coingecko_ids",
        mode="before",
    )
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator(
        "trusted_proxies", "health_probers", "outbound_allowed_cidrs", "outbound_own_addresses"
    )
    @classmethod
    def _cidrs(cls, value: list[str]) -> list[str]:
        for block in value:
            try:
                ipaddress.ip_network(block)
            except ValueError:
                raise ValueError(block) from None
        return value

    @field_validator("outbound_extra_ports")
    @classmethod
    def _ports(cls, value: list[str]) -> list[str]:
        for port in value:
            if not port.isdecimal() or not 0 < int(port) < 65536:
                raise ValueError(port)
        return value

    @field_validator("prices")
    @classmethod
    def _price_sources(cls, value: list[str]) -> list[str]:
        if value == ["static"]:
            return value
        for word in value:
            if word not in PRICE_SOURCES:
                raise ValueError(word)
        return value or ["providers"]

    @field_validator("chainlink_feeds")
    @classmethod
    def _feeds(cls, value: list[str]) -> list[str]:
        for pair in value:
            ticker, _, address = pair.partition("=")
            try:
                validate_address("ETH", address)
            except AddressError:
                raise ValueError(pair) from None
            if not ticker.isalnum():
                raise ValueError(pair)
        return value

    @field_validator("coingecko_ids")
    @classmethod
    def _coins(cls, value: list[str]) -> list[str]:
        for pair in value:
            if not re.fullmatch(r"[A-Z0-9]+=[a-z0-9-]+", pair, re.ASCII):
                raise ValueError(pair)
        return value

    @field_validator("chainlink_url", "coingecko_url")
    @classmethod
    def _source_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        own = parts.scheme == "http" and parts.hostname in (*LOOPBACK, "localhost")
        if not (own or parts.scheme == "https") or not parts.hostname or parts.username:
            raise ValueError("unsafe")
        return value

    @model_validator(mode="after")
    def _prices_can_be_read(self) -> Settings:
        if "chainlink" in self.prices and not (self.chainlink_url and self.chainlink_feeds):
            raise ValueError(
                "PRIVATA_PRICES names chainlink, so PRIVATA_CHAINLINK_URL and"
                " PRIVATA_CHAINLINK_FEEDS must be set. Set both or remove chainlink."
            )
        return self

    @field_validator("mail_url")
    @classmethod
    def _mail_scheme(cls, value: str | None) -> str | None:
        if value and value.partition(":")[0] not in MAIL_SCHEMES:
            raise ValueError("unknown scheme")
        return value or None

    @field_validator("secret_keys")
    @classmethod
    def _keys(cls, value: list[str]) -> list[str]:
        for key in value:
            try:
                raw = base64.b64decode(key, validate=True)
            except ValueError:  # also for what is not ASCII
                raw = b""
            if len(raw) < MIN_KEY_BYTES:
                raise ValueError("no key")
        return value

    @model_validator(mode="after")
    def _payouts_are_possible(self) -> Settings:
        if self.payout_min_usd > self.payout_max_usd:
            raise ValueError(
                "PRIVATA_PAYOUT_MIN_USD must not exceed PRIVATA_PAYOUT_MAX_USD, but is"
                f" {self.payout_min_usd} with a maximum of {self.payout_max_usd}. Lower the first"
                " or raise the second."
            )
        return self

    @model_validator(mode="after")
    def _production_is_explicit(self) -> Settings:
        if self.env == "production":
            for name in ("secret_keys", "database_url", "public_url"):
                if not getattr(self, name):
                    raise ValueError(
                        f"{variable(name)} must be set in production. It must be"
                        f" {allowed(type(self).model_fields[name])}."
                    )
            if (self.mail_url or "").startswith("console:"):
                raise ValueError(
                    "PRIVATA_MAIL_URL cannot be console: in production, since it prints codes and"
                    " links. Name a mail server, for example smtps://user:password@mail.example.com."
                )
            if not self.new_device_code:
                raise ValueError(
                    "PRIVATA_NEW_DEVICE_CODE cannot be off in production. Set it to true or remove"
                    " it."
                )
        return self

    @property
    def development(self) -> bool:
        return self.env == "development"

    @property
    def base_url(self) -> str:
        """The address under which people and partners reach this installation."""
        # A loopback address has a name, which browsers want for passkeys.
        host = "localhost" if self.host in LOOPBACK else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    def key_material(self) -> list[bytes]:
        """The raw secret keys; the first one encrypts, all of them decrypt.

        In development a key is made once and kept in the home, so that nothing has to be set up.
        """
        if self.secret_keys:
            return [base64.b64decode(key) for key in self.secret_keys]
        return [development_key(self.home)]


def load_settings() -> Settings:
    """Read the environment; `StartupError` names the first wrong or misspelt variable."""
    env_file = _env_file()
    unknown_settings()
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        raise StartupError(what_is_wrong(error, Settings.model_fields)) from None


def unknown_settings() -> list[str]:
    """A line for each variable that looks like a setting and is none, for the log of the start.

    `StartupError` for one that is nearly a setting.
    """
    known = [variable(name) for name in Settings.model_fields]
    return refuse_misspelt(given_names(_env_file()), known)


def _env_file() -> str | None:
    path = os.environ.get("PRIVATA_ENV_FILE")
    if path and not Path(path).is_file():
        raise StartupError(f"PRIVATA_ENV_FILE names {path}, which is not a file.")
    return path or None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()
