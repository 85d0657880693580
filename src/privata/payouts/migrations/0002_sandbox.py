"""Payouts of the sandbox beside the live ones, and what keeps the two apart.

- Environment is part of an address's and of a payout's row and never changes (triggers). A foreign
  key over organization and environment lets a payout go to an address of its own environment alone.
- Only simulated payouts have a scenario and a time at which the simulator moves them.
- The ledger takes no entry whose cause is a simulated payout, from nobody.

On the way back the sandbox's rows go: without their environment they would be live ones.
"""

from importlib import import_module

from django.db import migrations, models

_GUARDS = """
CREATE OR REPLACE FUNCTION payout_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a payout is kept for ever' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'requested' THEN
            RAISE EXCEPTION 'a payout begins as requested, not as %', NEW.status
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.organization_id, NEW.environment, NEW.address_id, NEW.currency, NEW.address,
        NEW.amount, NEW.needs_approval, NEW.requested_by, NEW.challenge_nonce,
        NEW.challenge_expires_at, NEW.created_at, NEW.sandbox_scenario, NEW.sandbox_ttl)
       IS DISTINCT FROM
       (OLD.id, OLD.organization_id, OLD.environment, OLD.address_id, OLD.currency, OLD.address,
        OLD.amount, OLD.needs_approval, OLD.requested_by, OLD.challenge_nonce,
        OLD.challenge_expires_at, OLD.created_at, OLD.sandbox_scenario, OLD.sandbox_ttl)
    THEN
        RAISE EXCEPTION 'what a payout pays, and to whom, never changes'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.tx_hash IS NOT NULL AND NEW.tx_hash IS DISTINCT FROM OLD.tx_hash THEN
        RAISE EXCEPTION 'the transaction of a payout never changes'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('requested', 'confirmed'), ('requested', 'cancelled'),
        ('confirmed', 'approved'), ('confirmed', 'processing'), ('confirmed', 'cancelled'),
        ('approved', 'processing'), ('approved', 'cancelled'),
        ('processing', 'sent'), ('processing', 'failed'),
        ('sent', 'settled'), ('sent', 'failed'))
    THEN
        RAISE EXCEPTION 'a payout that is % never becomes %', OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION payout_address_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.organization_id, NEW.environment, NEW.currency, NEW.address, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.organization_id, OLD.environment, OLD.currency, OLD.address, OLD.created_at)
    THEN
        RAISE EXCEPTION 'a payout address never changes: remove it and add another'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.state = 'removed' AND NEW.state <> 'removed'
       OR OLD.state = 'verified' AND NEW.state = 'unverified'
    THEN
        RAISE EXCEPTION 'a payout address that is % never becomes %', OLD.state, NEW.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;

ALTER TABLE payout ADD CONSTRAINT payout_address_of_its_environment
    FOREIGN KEY (address_id, organization_id, environment)
    REFERENCES payout_address (id, organization_id, environment);

-- Fixed search path and full names: a temporary table of the caller cannot take their place.
CREATE FUNCTION ledger_refuse_sandbox() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.cause_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        IF EXISTS (
            SELECT FROM public.payout
            WHERE payout.id = NEW.cause_id::uuid AND payout.environment <> 'live'
        ) THEN
            RAISE EXCEPTION 'a payout of the sandbox is never booked'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER ledger_refuse_sandbox BEFORE INSERT ON ledger_entry
    FOR EACH ROW WHEN (NEW.kind = 'payout') EXECUTE FUNCTION ledger_refuse_sandbox();
"""

_BACK = (
    """
DROP TRIGGER ledger_refuse_sandbox ON ledger_entry;
DROP FUNCTION ledger_refuse_sandbox();
DROP TRIGGER payout_guard ON payout;
DROP FUNCTION payout_guard();
DROP TRIGGER payout_address_guard ON payout_address;
DROP FUNCTION payout_address_guard();
DELETE FROM payout WHERE environment = 'test';
DELETE FROM payout_address WHERE environment = 'test';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE payout DROP CONSTRAINT payout_address_of_its_environment;
"""
    + import_module("privata.payouts.migrations.0001_initial")._GUARDS
)

_Q = models.Q


def _environment() -> models.Field:
    return models.CharField(
        choices=[("live", "live"), ("test", "test")], default="live", max_length=4
    )


class Migration(migrations.Migration):
    """The environment of payouts and of their addresses."""

    dependencies = [
        ("ledger", "0002_book"),
        ("payouts", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint("payout", "payout_one_per_transaction"),
        migrations.RemoveConstraint("payoutaddress", "payout_address_once"),
        migrations.RemoveConstraint("payoutaddress", "payout_address_one_default"),
        migrations.RemoveIndex("payout", "payout_recent"),
        # What there is by now is live; later rows say which they are.
        migrations.AddField("payout", "environment", _environment(), preserve_default=False),
        migrations.AddField("payoutaddress", "environment", _environment(), preserve_default=False),
        migrations.AddField(
            "payout",
            "sandbox_scenario",
            models.CharField(help_text="null: live", max_length=16, null=True),
        ),
        migrations.AddField(
            "payout",
            "sandbox_ttl",
            models.IntegerField(help_text="seconds of the whole path", null=True),
        ),
        migrations.AddField(
            "payout",
            "sandbox_due_at",
            models.DateTimeField(help_text="when the simulator moves it on", null=True),
        ),
        migrations.AddIndex(
            "payout",
            models.Index(
                fields=["organization", "environment", "-created_at", "-id"], name="payout_recent"
            ),
        ),
        migrations.AddIndex(
            "payout",
            models.Index(
                condition=_Q(("sandbox_due_at__isnull", False)),
                fields=["sandbox_due_at"],
                name="payout_sandbox_move",
            ),
        ),
        migrations.AddConstraint(
            "payout",
            models.CheckConstraint(
                condition=_Q(("environment__in", ["live", "test"])), name="payout_environment"
            ),
        ),
        migrations.AddConstraint(
            "payout",
            models.CheckConstraint(
                condition=_Q(
                    _Q(
                        ("environment", "live"),
                        ("sandbox_due_at", None),
                        ("sandbox_scenario", None),
                        ("sandbox_ttl", None),
                    ),
                    _Q(
                        ("environment", "test"),
                        ("sandbox_scenario__in", ["success", "fail"]),
                        ("sandbox_scenario__isnull", False),
                        ("sandbox_ttl__isnull", False),
                        ("sandbox_ttl__range", (0, 3600)),
                    ),
                    _connector="OR",
                ),
                name="payout_sandbox_whole",
            ),
        ),
        migrations.AddConstraint(
            "payout",
            models.CheckConstraint(
                condition=_Q(
                    ("sandbox_due_at", None),
                    ("status__in", ["approved", "confirmed", "processing", "sent"]),
                    _connector="OR",
                ),
                name="payout_sandbox_due",
            ),
        ),
        migrations.AddConstraint(
            "payout",
            models.UniqueConstraint(
                condition=_Q(("tx_hash__isnull", False)),
                fields=("environment", "currency", "tx_hash"),
                name="payout_one_per_transaction",
            ),
        ),
        migrations.AddConstraint(
            "payoutaddress",
            models.CheckConstraint(
                condition=_Q(("environment__in", ["live", "test"])),
                name="payout_address_environment",
            ),
        ),
        migrations.AddConstraint(
            "payoutaddress",
            models.UniqueConstraint(
                fields=("id", "organization", "environment"), name="payout_address_whole"
            ),
        ),
        migrations.AddConstraint(
            "payoutaddress",
            models.UniqueConstraint(
                condition=_Q(("state", "removed"), _negated=True),
                fields=("organization", "environment", "currency", "address"),
                name="payout_address_once",
            ),
        ),
        migrations.AddConstraint(
            "payoutaddress",
            models.UniqueConstraint(
                condition=_Q(("is_default", True)),
                fields=("organization", "environment", "currency"),
                name="payout_address_one_default",
            ),
        ),
        migrations.RunSQL(_GUARDS, _BACK),
    ]
