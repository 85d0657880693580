"""People who sign in, and what their signing in leaves behind."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now

from privata.accounts.states import CodePurpose, FactorKind
from privata.infra.fields import one_of


class UserManager(BaseUserManager["User"]):
    """Makes users; an email is compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Whose address it is, as the unique index compares them; `User.DoesNotExist`."""
        return self.alias(lowered=Lower("email")).get(lowered=Lower(models.Value(username)))


class User(AbstractBaseUser, PermissionsMixin):
    """A person. `is_staff` marks the operator's people, who have no organization of their own."""

    id = models.BigAutoField(primary_key=True)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120, blank=True, db_default="")
    is_staff = models.BooleanField(default=False, db_default=False)
    is_active = models.BooleanField(default=True, db_default=True)
    recovery_confirmed_at = models.DateTimeField(
        null=True, help_text="a recovery code was typed back: second factors count from then on"
    )
    wrong_factors = models.SmallIntegerField(
        db_default=0, help_text="wrong codes so far; at 100 no further one is judged"
    )
    date_joined = models.DateTimeField(db_default=Now())

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "app_user"
        constraints = [
            models.UniqueConstraint(Lower("email"), name="app_user_email_once"),
            models.CheckConstraint(
                condition=models.Q(wrong_factors__range=(0, 100)), name="app_user_wrong_factors"
            ),
        ]

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password, which is hashed anew where the hash is not of today's cost.

        Django writes the new hash whatever stands there by then, and so undid a reset that came
        between. Here the password that was set wins, and `raw_password` is judged by it.
        """
        overtaken = False

        def hash_anew(password: str) -> None:
            nonlocal overtaken
            anew = make_password(password)
            same = User.objects.filter(pk=self.pk, password=self.password)
            if same.update(password=anew):
                self.password = anew
            else:
                overtaken = True

        right = check_password(raw_password, self.password, hash_anew)
        if overtaken:
            self.refresh_from_db(fields=["password"])
            return check_password(raw_password, self.password)
        return right

    def get_full_name(self) -> str:
        return self.name or self.email


class Authenticator(models.Model):
    """A second factor of a person, or their recovery codes. `data` holds an app's sealed secret and
    last used step, a passkey as it was made, or the HMACs of codes (`factors`, `webauthn`)."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="authenticators")
    type = models.CharField(max_length=20)
    data = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "mfa_authenticator"
        constraints = [
            one_of("type", FactorKind, name="mfa_authenticator_type"),
            models.UniqueConstraint(
                fields=["user", "type"],
                name="unique_authenticator_type",
                condition=models.Q(type__in=["totp", "recovery_codes"]),
            ),
        ]


class Session(models.Model):
    """A browser's session. The token is in its cookie only: here stands its SHA-256, and what the
    session holds is sealed (it can hold a half-finished sign-in or a form that waits)."""

    id = models.BigAutoField(primary_key=True)
    key_digest = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="sessions")
    sealed = models.BinaryField()
    signed_in_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    rotate = models.BooleanField(
        db_default=False, help_text="the next page gets a new token: the person's role changed"
    )
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=256, db_default="")

    class Meta:
        db_table = "user_session"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user=None, signed_in_at=None)
                | models.Q(user__isnull=False, signed_in_at__isnull=False),
                name="user_session_signed_in_whole",
            )
        ]
        indexes = [
            models.Index(fields=["user", "-signed_in_at"], name="user_session_of_user"),
            models.Index(fields=["last_seen_at"], name="user_session_age"),
        ]


class KnownDevice(models.Model):
    """A browser that a person has signed in from; its token is in a signed cookie."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="devices")
    digest = models.BinaryField(max_length=32)
    user_agent = models.CharField(max_length=256, db_default="")
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "known_device"
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="known_device_once")]


class MailedCode(models.Model):
    """A six-digit code that was mailed. Only its HMAC is here; a code works once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    purpose = models.CharField(max_length=16)
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32)
    tries = models.SmallIntegerField(db_default=0)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "mailed_code"
        constraints = [one_of("purpose", CodePurpose, name="mailed_code_purpose")]
        indexes = [models.Index(fields=["expires_at"], name="mailed_code_age")]


class ResetLink(models.Model):
    """A mailed link that sets a new password once. It exists for unknown addresses as well: asking
    for one must cost and answer the same."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(max_length=254)
    digest = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "reset_link"
        indexes = [models.Index(fields=["expires_at"], name="reset_link_age")]


class Tries(models.Model):
    """What one address, email or person tried lately, for the limits of sign-in and mails.
    The subject is an HMAC: the table is no list of addresses."""

    pk = models.CompositePrimaryKey("limit", "subject")
    limit = models.CharField(max_length=24)
    subject = models.BinaryField(max_length=32)
    hits = ArrayField(models.DateTimeField(), db_default=models.Value([]))
    blocked_until = models.DateTimeField(null=True)
    granted = models.BooleanField(help_text="whether the last try was let through")
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "account_tries"
        indexes = [models.Index(fields=["updated_at"], name="account_tries_age")]
