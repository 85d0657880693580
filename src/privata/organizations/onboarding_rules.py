"""The four steps of onboarding as values, and what makes each of them whole: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from privata.core.errors import ValidationFailed
from privata.organizations.company import BusinessType, Integration, Volume, countries

Problems = list[tuple[str, str]]

#: Telegram's own rule for user names, with or without the sign before it.
_TELEGRAM = re.compile(r"@?[A-Za-z][A-Za-z0-9_]{4,31}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}", re.IGNORECASE)

MAX_LEGAL_NAME, MAX_WEBSITE, MAX_NAME, MAX_EMAIL = 120, 200, 120, 254


class Step(StrEnum):
    COMPANY = "company"
    VOLUME = "volume"
    JURISDICTIONS = "jurisdictions"
    CONTACT = "contact"


#: The column that says when each step was done.
DONE_AT = {step: f"{step.value}_at" for step in Step}


@dataclass(frozen=True, slots=True)
class Company:
    legal_name: str
    country: str
    business_type: str
    website: str


@dataclass(frozen=True, slots=True)
class Expectation:
    volume: str
    integration: str


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    user_countries: tuple[str, ...]
    aml_acknowledged: bool


@dataclass(frozen=True, slots=True)
class Contact:
    contact_name: str
    contact_email: str
    contact_telegram: str


def next_step(profile: Mapping[str, Any] | None) -> Step | None:
    """The first step that is not done; None when all are."""
    for step in Step:
        if profile is None or profile[DONE_AT[step]] is None:
            return step
    return None


def may_open(step: Step, profile: Mapping[str, Any] | None) -> bool:
    """Whether a step can be shown: it is done, or the first one that is not."""
    first = next_step(profile)
    steps = list(Step)
    return first is None or steps.index(step) <= steps.index(first)


def checked_company(values: Company) -> Company:
    """The step's values, tidied; `ValidationFailed` names each wrong field."""
    problems: Problems = []
    legal_name = " ".join(values.legal_name.split())
    if not legal_name:
        problems.append(("legal_name", "Enter the company's legal name."))
    elif len(legal_name) > MAX_LEGAL_NAME:
        problems.append(("legal_name", f"Use at most {MAX_LEGAL_NAME} characters."))
    if values.country not in countries():
        problems.append(("country", "Choose the country where the company is registered."))
    told = "Choose your business type."
    _one_of(problems, "business_type", values.business_type, BusinessType, told)
    website = _website(values.website)
    if website is None:
        problems.append(("website", "Enter the address of your website, such as acme.example."))
    _raise(problems)
    return Company(legal_name, values.country, values.business_type, website or "")


def checked_expectation(values: Expectation) -> Expectation:
    """The step's values; `ValidationFailed` names each wrong field."""
    problems: Problems = []
    _one_of(problems, "volume", values.volume, Volume, "Choose the number of orders you expect.")
    _one_of(problems, "integration", values.integration, Integration, "Choose how you integrate.")
    _raise(problems)
    return values


def checked_jurisdictions(values: Jurisdictions) -> Jurisdictions:
    """The step's values, each country once; `ValidationFailed` names each wrong field."""
    problems: Problems = []
    chosen = tuple(code for code in countries() if code in set(values.user_countries))
    if not chosen:
        problems.append(("user_countries", "Choose at least one country."))
    elif len(chosen) < len(set(values.user_countries)):
        problems.append(("user_countries", "Choose countries from the list."))
    if not values.aml_acknowledged:
        problems.append(("aml_acknowledged", "Confirm this to continue."))
    _raise(problems)
    return Jurisdictions(chosen, aml_acknowledged=True)


def checked_contact(values: Contact) -> Contact:
    """The step's values, tidied; `ValidationFailed` names each wrong field."""
    problems: Problems = []
    name = " ".join(values.contact_name.split())
    email, telegram = values.contact_email.strip(), values.contact_telegram.strip()
    if not name:
        problems.append(("contact_name", "Enter a name."))
    elif len(name) > MAX_NAME:
        problems.append(("contact_name", f"Use at most {MAX_NAME} characters."))
    if not valid_email(email):
        problems.append(("contact_email", "Enter an email address."))
    if telegram and not _TELEGRAM.fullmatch(telegram):
        problems.append(("contact_telegram", "Enter a Telegram handle, such as @acme_dev."))
    _raise(problems)
    handle = f"@{telegram.removeprefix('@')}" if telegram else ""
    return Contact(name, email.lower(), handle)


def valid_email(text: str) -> bool:
    """Whether the text has the form of an address; whether it exists, a mail tells."""
    return len(text) <= MAX_EMAIL and _EMAIL.fullmatch(text) is not None


def _website(text: str) -> str | None:
    text = text.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    known = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.hostname or "")
    return text if known and len(text) <= MAX_WEBSITE and not parts.username else None


def _one_of(
    problems: Problems, field: str, value: str, known: Iterable[StrEnum], sentence: str
) -> None:
    if value not in list(known):
        problems.append((field, sentence))


def _raise(problems: Problems) -> None:
    if problems:
        raise ValidationFailed("Some fields are invalid.", fields=problems)
