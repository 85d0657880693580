"""Where partners are paid, and the payouts.

Those of the test environment are simulated. A payout and its address are of one environment (a
foreign key over both), it never changes (a trigger), and the ledger takes no entry of a simulated
one (a trigger there).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of
from privata.payouts.challenges import MOST_WRONG
from privata.payouts.currencies import PayoutCurrency
from privata.payouts.lifecycle import RESERVED, PayoutStatus
from privata.payouts.simulating import PayoutScenario
from privata.payouts.states import AddressState, VerifiedBy
from privata.providers.port import MAX_TTL

#: More than any amount of dollars; also refuses NaN, which sorts above every number.
_TOO_MUCH = 10**15

_S = PayoutStatus
_Q = models.Q

_SENT_ONCE = {_S.PROCESSING, _S.SENT, _S.SETTLED, _S.FAILED}


def _values(statuses: Iterable[PayoutStatus]) -> list[str]:
    return sorted(status.value for status in statuses)


class PayoutAddress(models.Model):
    """An address of a partner in one currency. Its text never changes (a trigger sees to it)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey("organizations.Organization", on_delete=models.PROTECT)
    environment = environment_field()
    currency = models.CharField(max_length=16)
    address = models.CharField(max_length=128, help_text="in the form to pay to")
    label = models.CharField(max_length=80, db_default="")
    state = models.CharField(max_length=16, db_default=AddressState.UNVERIFIED.value)
    is_default = models.BooleanField(db_default=False)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=254, help_text="the actor's label")
    challenge_nonce = models.CharField(max_length=32, null=True)
    challenge_expires_at = models.DateTimeField(null=True)
    wrong_answers = models.SmallIntegerField(db_default=0, help_text="to the present challenge")
    verified_at = models.DateTimeField(null=True)
    verified_by = models.CharField(max_length=16, null=True)
    usable_at = models.DateTimeField(null=True, help_text="takes payouts from then on")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payout_address"
        constraints = [
            one_of("environment", ["live", "test"], name="payout_address_environment"),
            # What a payout's key over organization and environment leads to.
            models.UniqueConstraint(
                fields=["id", "organization", "environment"], name="payout_address_whole"
            ),
            one_of("currency", PayoutCurrency, name="payout_address_currency"),
            one_of("state", AddressState, name="payout_address_state"),
            models.UniqueConstraint(
                fields=["organization", "environment", "currency", "address"],
                condition=~_Q(state=AddressState.REMOVED.value),
                name="payout_address_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "environment", "currency"],
                condition=_Q(is_default=True),
                name="payout_address_one_default",
            ),
            models.CheckConstraint(
                condition=_Q(is_default=False) | _Q(state=AddressState.VERIFIED.value),
                name="payout_address_default_verified",
            ),
            models.CheckConstraint(
                condition=_Q(verified_by=None) | _Q(verified_by__in=[v.value for v in VerifiedBy]),
                name="payout_address_verified_by",
            ),
            models.CheckConstraint(
                condition=_Q(verified_at=None, verified_by=None, usable_at=None)
                | _Q(verified_at__isnull=False, verified_by__isnull=False, usable_at__isnull=False),
                name="payout_address_verified_whole",
            ),
            models.CheckConstraint(
                condition=_Q(state=AddressState.UNVERIFIED.value, verified_at=None, removed_at=None)
                | _Q(state=AddressState.VERIFIED.value, verified_at__isnull=False, removed_at=None)
                | _Q(state=AddressState.REMOVED.value, removed_at__isnull=False),
                name="payout_address_fits_state",
            ),
            models.CheckConstraint(
                condition=_Q(wrong_answers__range=(0, MOST_WRONG)),
                name="payout_address_wrong_answers",
            ),
            models.CheckConstraint(
                condition=_Q(challenge_nonce=None, challenge_expires_at=None, wrong_answers=0)
                | _Q(challenge_nonce__isnull=False, challenge_expires_at__isnull=False),
                name="payout_address_challenge_whole",
            ),
        ]


class Payout(models.Model):
    """Dollars on their way to a partner. What is paid, and to whom, never changes (a trigger).

    Currency and address are copies of the address's: they are what the partner confirmed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, db_index=False
    )
    environment = environment_field()
    destination = models.ForeignKey(PayoutAddress, on_delete=models.PROTECT, db_column="address_id")
    currency = models.CharField(max_length=16)
    address = models.CharField(max_length=128)
    amount = models.DecimalField(max_digits=20, decimal_places=2, help_text="US dollars")
    needs_approval = models.BooleanField(help_text="the operator says yes before it is sent")
    status = models.CharField(max_length=16, db_default=_S.REQUESTED.value)
    requested_by = models.CharField(max_length=254, help_text="the actor's label")
    challenge_nonce = models.CharField(max_length=32)
    challenge_expires_at = models.DateTimeField()
    wrong_answers = models.SmallIntegerField(db_default=0)
    approved_by = models.CharField(max_length=254, null=True)
    tx_hash = models.CharField(max_length=128, null=True)
    failure = models.CharField(max_length=256, null=True, help_text="why it ended unpaid")
    sandbox_scenario = models.CharField(max_length=16, null=True, help_text="null: live")
    sandbox_ttl = models.IntegerField(null=True, help_text="seconds of the whole path")
    sandbox_due_at = models.DateTimeField(null=True, help_text="when the simulator moves it on")
    created_at = models.DateTimeField(db_default=Now())
    confirmed_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    processing_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "payout"
        constraints = [
            one_of("environment", ["live", "test"], name="payout_environment"),
            # Only the simulator's payouts have a scenario, and all of them do.
            models.CheckConstraint(
                condition=_Q(
                    environment="live",
                    sandbox_scenario=None,
                    sandbox_ttl=None,
                    sandbox_due_at=None,
                )
                | _Q(
                    environment="test",
                    sandbox_scenario__in=[one.value for one in PayoutScenario],
                    sandbox_scenario__isnull=False,
                    sandbox_ttl__range=(0, MAX_TTL),
                    sandbox_ttl__isnull=False,
                ),
                name="payout_sandbox_whole",
            ),
            models.CheckConstraint(
                condition=_Q(sandbox_due_at=None) | _Q(status__in=_values(RESERVED)),
                name="payout_sandbox_due",
            ),
            one_of("currency", PayoutCurrency, name="payout_currency"),
            one_of("status", PayoutStatus, name="payout_status"),
            models.CheckConstraint(
                condition=_Q(amount__gt=0, amount__lt=_TOO_MUCH), name="payout_amount"
            ),
            models.CheckConstraint(
                condition=_Q(wrong_answers__range=(0, MOST_WRONG - 1))
                | _Q(wrong_answers=MOST_WRONG, status=_S.CANCELLED.value),
                name="payout_wrong_answers",
            ),
            models.CheckConstraint(
                condition=_Q(status=_S.REQUESTED.value, confirmed_at=None)
                | _Q(
                    status__in=_values({*RESERVED, _S.SETTLED, _S.FAILED}),
                    confirmed_at__isnull=False,
                )
                | _Q(status=_S.CANCELLED.value),
                name="payout_confirmed_at",
            ),
            models.CheckConstraint(
                condition=_Q(approved_at=None, approved_by=None)
                | _Q(
                    approved_at__isnull=False,
                    approved_by__isnull=False,
                    needs_approval=True,
                    confirmed_at__isnull=False,
                ),
                name="payout_approved_whole",
            ),
            # Nothing is sent without the yes that it needs.
            models.CheckConstraint(
                condition=(
                    _Q(processing_at=None)
                    & (
                        _Q(status__in=[_S.REQUESTED.value, _S.CONFIRMED.value], approved_at=None)
                        | _Q(status=_S.APPROVED.value, approved_at__isnull=False)
                        | _Q(status=_S.CANCELLED.value)
                    )
                )
                | (
                    _Q(
                        processing_at__isnull=False,
                        status__in=_values(_SENT_ONCE),
                    )
                    & (_Q(needs_approval=False) | _Q(approved_at__isnull=False))
                ),
                name="payout_processing_at",
            ),
            models.CheckConstraint(
                condition=_Q(sent_at=None, tx_hash=None)
                & ~_Q(status__in=[_S.SENT.value, _S.SETTLED.value])
                | _Q(
                    sent_at__isnull=False,
                    tx_hash__isnull=False,
                    status__in=_values({_S.SENT, _S.SETTLED, _S.FAILED}),
                ),
                name="payout_sent_at",
            ),
            models.CheckConstraint(
                condition=_Q(
                    status__in=_values({_S.REQUESTED, *RESERVED}), finished_at=None, failure=None
                )
                | _Q(status=_S.SETTLED.value, finished_at__isnull=False, failure=None)
                | _Q(
                    status__in=_values({_S.FAILED, _S.CANCELLED}),
                    finished_at__isnull=False,
                    failure__isnull=False,
                ),
                name="payout_finished_at",
            ),
            # One transaction pays one payout: the same hash entered twice is a mistake.
            models.UniqueConstraint(
                fields=["environment", "currency", "tx_hash"],
                condition=_Q(tx_hash__isnull=False),
                name="payout_one_per_transaction",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "environment", "-created_at", "-id"], name="payout_recent"
            ),
            models.Index(
                fields=["sandbox_due_at"],
                condition=_Q(sandbox_due_at__isnull=False),
                name="payout_sandbox_move",
            ),
            models.Index(
                fields=["challenge_expires_at"],
                condition=_Q(status=_S.REQUESTED.value),
                name="payout_to_expire",
            ),
            models.Index(
                fields=["created_at"],
                condition=_Q(status__in=_values(RESERVED)),
                name="payout_open",
            ),
        ]
