"""The tree of everything Privata raises on purpose.

    PrivataError
    ├── RequestError                 the caller's mistake or bad luck; answered on the API
    │   ├── InvalidKey               401  INVALID_KEY
    │   ├── ScopeRequired            403  SCOPE_REQUIRED
    │   ├── BrowserRefused           403  BROWSER_REFUSED
    │   ├── OrganizationInactive     403  ORGANIZATION_INACTIVE
    │   ├── RateLimited              429  RATE_LIMITED
    │   ├── ValidationFailed         422  VALIDATION_ERROR
    │   │   ├── RotationInProgress   409  a secret's old and new value both work still
    │   │   ├── AlreadyRetried       409  another delivery goes on with it; it is named
    │   │   ├── RecoveryInProgress   409  an endpoint's missed events are being sent already
    │   │   ├── EndpointLimit        409  the plan's webhook endpoints are all in use
    │   │   └── WrongPayoutState     409  a payout or its address is not in the state for this
    │   ├── NotFound                 404  NOT_FOUND  a thing that is missing or another's: alike
    │   ├── InvalidPair              400  INVALID_PAIR
    │   ├── AmountTooLow             400  AMOUNT_TOO_LOW
    │   ├── AmountTooHigh            400  AMOUNT_TOO_HIGH
    │   ├── InvalidAddress           400  INVALID_ADDRESS
    │   ├── NoProvidersAvailable     503  NO_PROVIDERS_AVAILABLE
    │   ├── ProviderFailed           502  PROVIDER_ERROR
    │   ├── QuoteExpired             410  QUOTE_EXPIRED
    │   ├── OrderNotFound            404  ORDER_NOT_FOUND
    │   ├── DuplicateActiveOrder     409  DUPLICATE_ACTIVE_ORDER
    │   ├── IdempotencyConflict      409  IDEMPOTENCY_CONFLICT
    │   ├── RefundWindowExpired      409  REFUND_WINDOW_EXPIRED
    │   ├── RefundNotProgrammatic    409  REFUND_NOT_PROGRAMMATIC
    │   ├── RefundNotRequired        409  REFUND_NOT_REQUIRED
    │   ├── StableTargetRequired     400  STABLE_TARGET_REQUIRED
    │   ├── WebhookNotPaused         409  WEBHOOK_PAUSED
    │   ├── InsufficientBalance      409  INSUFFICIENT_BALANCE
    │   ├── Resync                   410  RESYNC  a cursor from before a restore
    │   ├── DatabaseUnconfirmed      503  PAYOUTS_HELD  until the operator has compared
    │   └── DatabaseSettling         503  INTERNAL  a standby has just taken over
    ├── ProviderError                what a provider's adapter raises
    │   ├── ProviderRefused          they said no: final
    │   └── ProviderUnavailable      they are down: retry or fall through
    ├── AlreadyBooked                this step of a cause stands in the ledger already
    ├── UrlRefused                   a URL the guard does not let through
    └── StartupError                 ends the program with one clear line

Each request error knows its code, its HTTP status and its data; the table in docs/errors.md is
these attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar


class PrivataError(Exception):
    """Base of everything raised on purpose; the message is safe to show."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(PrivataError):
    """An error answered to a caller: a code, an HTTP status, and data that name the cause."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        fields: Sequence[tuple[str, str]] = (),
        data: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.fields = tuple(fields)
        self.data = dict(data or {})
        self.headers = dict(headers or {})


class InvalidKey(RequestError):
    code, status = "INVALID_KEY", 401


class ScopeRequired(RequestError):
    code, status = "SCOPE_REQUIRED", 403


class BrowserRefused(RequestError):
    """A browser asked with a secret key, or for more than reading."""

    code, status = "BROWSER_REFUSED", 403


class OrganizationInactive(RequestError):
    code, status = "ORGANIZATION_INACTIVE", 403


class RateLimited(RequestError):
    code, status = "RATE_LIMITED", 429


class ValidationFailed(RequestError):
    code, status = "VALIDATION_ERROR", 422


class RotationInProgress(ValidationFailed):
    """Two secrets work already; the old one does `until` then."""

    status = 409

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"Two secrets are active until {until:%H:%M:%S} UTC. End the old one first, or wait."
        )


class RecoveryInProgress(ValidationFailed):
    status = 409


class AlreadyRetried(ValidationFailed):
    status = 409


class EndpointLimit(ValidationFailed):
    status = 409


class WrongPayoutState(ValidationFailed):
    status = 409


class NotFound(RequestError):
    """Missing, or somebody else's: the two look alike on purpose."""

    code, status = "NOT_FOUND", 404


class InvalidPair(RequestError):
    code, status = "INVALID_PAIR", 400


class AmountTooLow(RequestError):
    code, status = "AMOUNT_TOO_LOW", 400


class AmountTooHigh(RequestError):
    code, status = "AMOUNT_TOO_HIGH", 400


class InvalidAddress(RequestError):
    code, status = "INVALID_ADDRESS", 400


class NoProvidersAvailable(RequestError):
    code, status = "NO_PROVIDERS_AVAILABLE", 503


class ProviderFailed(RequestError):
    code, status = "PROVIDER_ERROR", 502


class QuoteExpired(RequestError):
    code, status = "QUOTE_EXPIRED", 410


class OrderNotFound(RequestError):
    code, status = "ORDER_NOT_FOUND", 404


class DuplicateActiveOrder(RequestError):
    code, status = "DUPLICATE_ACTIVE_ORDER", 409


class IdempotencyConflict(RequestError):
    code, status = "IDEMPOTENCY_CONFLICT", 409


class RefundWindowExpired(RequestError):
    code, status = "REFUND_WINDOW_EXPIRED", 409


class RefundNotProgrammatic(RequestError):
    code, status = "REFUND_NOT_PROGRAMMATIC", 409


class RefundNotRequired(RequestError):
    code, status = "REFUND_NOT_REQUIRED", 409


class StableTargetRequired(RequestError):
    code, status = "STABLE_TARGET_REQUIRED", 400


class WebhookNotPaused(RequestError):
    code, status = "WEBHOOK_PAUSED", 409


class InsufficientBalance(RequestError):
    code, status = "INSUFFICIENT_BALANCE", 409


class Resync(RequestError):
    """A cursor of another generation of the database: what stands behind it may be otherwise."""

    code, status = "RESYNC", 410


class DatabaseUnconfirmed(RequestError):
    """The database was restored or taken over, and nobody has said that no payout is missing."""

    code, status = "PAYOUTS_HELD", 503


class DatabaseSettling(RequestError):
    """A standby has just taken over, and it is being found out whether anything was lost."""

    status = 503


class ProviderError(PrivataError):
    """What a provider's adapter raises, and nothing else.

    `reason` is a named class (`providers.failures`), for logs and for who decides what comes next.
    The message is a sentence of ours: nothing that a provider wrote stands in it.
    """

    def __init__(self, message: str, *, reason: str = "other") -> None:
        super().__init__(message)
        self.reason = reason


class ProviderRefused(ProviderError):
    """The provider said no; asking again brings the same answer."""


class ProviderUnavailable(ProviderError):
    """The provider is down, slow or unintelligible; another may serve, or a later try.

    `retry_after_s`: how long it wants to be left alone, where it says so.
    """

    def __init__(
        self, message: str, *, reason: str = "other", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after_s = retry_after_s


class AlreadyBooked(PrivataError):
    """The ledger has an entry of this cause: the step was booked before, and is not booked again.

    The transaction cannot go on: the caller looked at its own state first, or has a mistake.
    """


class UrlRefused(PrivataError):
    """The guard does not let this URL through; `reason` is a named class for our own log."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class StartupError(PrivataError):
    """A start that cannot go on: the program prints the message as one line and exits."""
