"""What is done about the deposit of an order that needs a refund."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import environment_field, one_of
from privata.refunds.rules import RefundAction, RefundSource, RefundState, StableTarget

_WORKING = [RefundState.REQUESTED.value, RefundState.PROCESSING.value]


class Refund(models.Model):
    """The one action of an order. Its address is for the provider: no page or answer shows it."""

    pk = models.CompositePrimaryKey("organization_id", "order_id")
    # By its id; the constraint, which has the organization as well, is a migration's.
    order = models.ForeignKey(
        "orders.Order",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, db_index=False
    )
    environment = environment_field()
    action = models.CharField(max_length=32)
    to_address = models.CharField(max_length=256, null=True)
    to_extra_id = models.CharField(max_length=256, null=True)
    stable_target = models.CharField(max_length=16, null=True)
    state = models.CharField(max_length=16, db_default=RefundState.REQUESTED.value)
    source = models.CharField(max_length=16)
    requested_by = models.CharField(max_length=254, help_text="the actor's label")
    provider_reference = models.CharField(max_length=128, null=True)
    failure = models.CharField(max_length=256, null=True, help_text="why it failed, in a sentence")
    attempts = models.IntegerField(db_default=0, help_text="since the provider last answered")
    silent_since = models.DateTimeField(null=True, help_text="first attempt without an answer")
    lease_token = models.IntegerField(db_default=0, help_text="fences off a worker that lost it")
    due_at = models.DateTimeField(null=True, help_text="when a worker may take it (again)")
    requested_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "refund"
        constraints = [
            one_of("environment", ["live", "test"], name="refund_environment"),
            one_of("action", RefundAction, name="refund_action"),
            one_of("state", RefundState, name="refund_state"),
            one_of("source", RefundSource, name="refund_source"),
            models.CheckConstraint(
                condition=models.Q(
                    action=RefundAction.RETURN.value,
                    to_address__isnull=False,
                    stable_target=None,
                )
                | models.Q(
                    action=RefundAction.CONVERT.value,
                    to_address__isnull=False,
                    stable_target__in=[target.value for target in StableTarget],
                )
                | models.Q(
                    action=RefundAction.MANUAL_REVIEW.value,
                    to_address=None,
                    to_extra_id=None,
                    stable_target=None,
                    state=RefundState.DONE.value,
                ),
                name="refund_fits_action",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=_WORKING, due_at__isnull=False, finished_at=None, failure=None
                )
                | models.Q(
                    state=RefundState.DONE.value,
                    due_at=None,
                    finished_at__isnull=False,
                    failure=None,
                )
                | models.Q(
                    state=RefundState.FAILED.value,
                    due_at=None,
                    finished_at__isnull=False,
                    failure__isnull=False,
                ),
                name="refund_fits_state",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(due_at__isnull=False),
                name="refund_due",
            ),
            models.Index(
                fields=["organization", "environment", "due_at"],
                condition=models.Q(due_at__isnull=False),
                name="refund_due_by_owner",
            ),
        ]
