"""Partner companies and who belongs to them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from privata.infra.fields import one_of
from privata.organizations.plans import Plan
from privata.organizations.roles import Role
from privata.organizations.states import OrganizationStatus


class Organization(models.Model):
    """One partner company; everything a partner owns belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=16, db_default=OrganizationStatus.ONBOARDING.value)
    plan = models.CharField(max_length=16, db_default=Plan.TRIAL.value)
    live_streams = models.IntegerField(null=True, help_text="by contract; null: by plan")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "organization"
        constraints = [
            one_of("plan", Plan, name="organization_plan"),
            models.CheckConstraint(
                condition=models.Q(live_streams=None) | models.Q(live_streams__gte=0),
                name="organization_live_streams",
            ),
            one_of("status", OrganizationStatus, name="organization_status"),
            models.CheckConstraint(condition=~models.Q(name=""), name="organization_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A user's role in an organization."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=16)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            one_of("role", Role, name="membership_role"),
        ]
