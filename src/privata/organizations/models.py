"""Partner companies, who belongs to them, and what they told about themselves."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from privata.infra.fields import one_of
from privata.organizations.company import BusinessType, Integration, Volume
from privata.organizations.plans import Plan
from privata.organizations.preferences import Notice
from privata.organizations.roles import Role
from privata.organizations.states import OrganizationStatus


class Organization(models.Model):
    """One partner company; everything a partner owns belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=16, db_default=OrganizationStatus.ONBOARDING.value)
    plan = models.CharField(max_length=16, db_default=Plan.TRIAL.value)
    live_streams = models.IntegerField(null=True, help_text="by contract; null: by plan")
    share_percent = models.SmallIntegerField(null=True, help_text="by contract; null: by plan")
    created_at = models.DateTimeField(db_default=Now())
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=254, db_default="")
    review_note = models.CharField(max_length=500, db_default="", help_text="told to the partner")

    class Meta:
        db_table = "organization"
        constraints = [
            one_of("plan", Plan, name="organization_plan"),
            models.CheckConstraint(
                condition=models.Q(live_streams=None) | models.Q(live_streams__gte=0),
                name="organization_live_streams",
            ),
            models.CheckConstraint(
                condition=models.Q(share_percent=None) | models.Q(share_percent__range=(0, 100)),
                name="organization_share_percent",
            ),
            one_of("status", OrganizationStatus, name="organization_status"),
            models.CheckConstraint(condition=~models.Q(name=""), name="organization_has_name"),
        ]
        indexes = [models.Index(fields=["status", "created_at"], name="organization_review")]

    def __str__(self) -> str:
        return self.name


class Profile(models.Model):
    """What a partner tells in onboarding; a step is done when its `_at` is set."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True)
    legal_name = models.CharField(max_length=200, db_default="")
    country = models.CharField(max_length=2, db_default="", help_text="ISO 3166-1 alpha-2")
    business_type = models.CharField(max_length=16, db_default="")
    website = models.CharField(max_length=200, db_default="")
    company_at = models.DateTimeField(null=True)
    volume = models.CharField(max_length=16, db_default="")
    integration = models.CharField(max_length=16, db_default="")
    volume_at = models.DateTimeField(null=True)
    user_countries = ArrayField(models.CharField(max_length=2), db_default=models.Value("{}"))
    admitted_countries = ArrayField(
        models.CharField(max_length=2),
        db_default=models.Value("{}"),
        help_text="high-risk ones that the operator has agreed to",
    )
    aml_acknowledged_by = models.CharField(max_length=254, db_default="")
    jurisdictions_at = models.DateTimeField(null=True)
    contact_name = models.CharField(max_length=120, db_default="")
    contact_email = models.CharField(max_length=254, db_default="")
    contact_telegram = models.CharField(max_length=33, db_default="")
    contact_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "organization_profile"
        constraints = [
            one_of("business_type", ["", *BusinessType], name="profile_business_type"),
            one_of("volume", ["", *Volume], name="profile_volume"),
            one_of("integration", ["", *Integration], name="profile_integration"),
            models.CheckConstraint(
                condition=models.Q(jurisdictions_at=None) | ~models.Q(aml_acknowledged_by=""),
                name="profile_aml_acknowledged",
            ),
        ]


class Membership(models.Model):
    """A user's role in an organization."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=16)
    created_at = models.DateTimeField(db_default=Now())
    deactivated_at = models.DateTimeField(null=True, help_text="may not enter since then")

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="membership_once"),
            one_of("role", Role, name="membership_role"),
        ]


class Invitation(models.Model):
    """An offer to one address to become a member, used at most once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, help_text="HMAC of the link's token")
    invited_by = models.CharField(max_length=254)
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="whose role is judged at acceptance; null: nobody's, it is over",
    )
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "invitation"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="invitation_digest_once"),
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                condition=models.Q(accepted_at=None, cancelled_at=None),
                name="invitation_open_once",
            ),
            one_of("role", Role, name="invitation_role"),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(cancelled_at=None),
                name="invitation_one_end",
            ),
        ]


class NoticeOptOut(models.Model):
    """A mail that a member does not want about an organization."""

    id = models.BigAutoField(primary_key=True)
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE)
    notice = models.CharField(max_length=32)

    class Meta:
        db_table = "notice_opt_out"
        constraints = [
            models.UniqueConstraint(fields=["membership", "notice"], name="notice_opt_out_once"),
            one_of("notice", Notice, name="notice_opt_out_known"),
        ]
