import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# The table of `payouts.lifecycle` in the database: no statement makes another step, and none changes
# what a partner confirmed. A test compares the two tables.
_GUARDS = """
CREATE FUNCTION payout_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
    IF (NEW.id, NEW.organization_id, NEW.address_id, NEW.currency, NEW.address, NEW.amount,
        NEW.needs_approval, NEW.requested_by, NEW.challenge_nonce, NEW.challenge_expires_at,
        NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.organization_id, OLD.address_id, OLD.currency, OLD.address, OLD.amount,
        OLD.needs_approval, OLD.requested_by, OLD.challenge_nonce, OLD.challenge_expires_at,
        OLD.created_at)
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
CREATE TRIGGER payout_guard BEFORE INSERT OR UPDATE OR DELETE ON payout
    FOR EACH ROW EXECUTE FUNCTION payout_guard();

CREATE FUNCTION payout_address_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.organization_id, NEW.currency, NEW.address, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.organization_id, OLD.currency, OLD.address, OLD.created_at)
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
CREATE TRIGGER payout_address_guard BEFORE UPDATE ON payout_address
    FOR EACH ROW EXECUTE FUNCTION payout_address_guard();
"""

_NO_GUARDS = """
DROP TRIGGER payout_guard ON payout;
DROP FUNCTION payout_guard();
DROP TRIGGER payout_address_guard ON payout_address;
DROP FUNCTION payout_address_guard();
"""


class Migration(migrations.Migration):
    """Payout addresses and payouts."""

    initial = True

    dependencies = [
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PayoutAddress",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=16)),
                ("address", models.CharField(help_text="in the form to pay to", max_length=128)),
                ("label", models.CharField(db_default="", max_length=80)),
                ("state", models.CharField(db_default="unverified", max_length=16)),
                ("is_default", models.BooleanField(db_default=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("created_by", models.CharField(help_text="the actor's label", max_length=254)),
                ("challenge_nonce", models.CharField(max_length=32, null=True)),
                ("challenge_expires_at", models.DateTimeField(null=True)),
                (
                    "wrong_answers",
                    models.SmallIntegerField(db_default=0, help_text="to the present challenge"),
                ),
                ("verified_at", models.DateTimeField(null=True)),
                ("verified_by", models.CharField(max_length=16, null=True)),
                (
                    "usable_at",
                    models.DateTimeField(help_text="takes payouts from then on", null=True),
                ),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="organizations.organization"
                    ),
                ),
            ],
            options={
                "db_table": "payout_address",
            },
        ),
        migrations.CreateModel(
            name="Payout",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("currency", models.CharField(max_length=16)),
                ("address", models.CharField(max_length=128)),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, help_text="US dollars", max_digits=20),
                ),
                (
                    "needs_approval",
                    models.BooleanField(help_text="the operator says yes before it is sent"),
                ),
                ("status", models.CharField(db_default="requested", max_length=16)),
                ("requested_by", models.CharField(help_text="the actor's label", max_length=254)),
                ("challenge_nonce", models.CharField(max_length=32)),
                ("challenge_expires_at", models.DateTimeField()),
                ("wrong_answers", models.SmallIntegerField(db_default=0)),
                ("approved_by", models.CharField(max_length=254, null=True)),
                ("tx_hash", models.CharField(max_length=128, null=True)),
                (
                    "failure",
                    models.CharField(help_text="why it ended unpaid", max_length=256, null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("processing_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="organizations.organization",
                    ),
                ),
                (
                    "destination",
                    models.ForeignKey(
                        db_column="address_id",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="payouts.payoutaddress",
                    ),
                ),
            ],
            options={
                "db_table": "payout",
            },
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("currency__in", ["USDT-TRC20", "USDT-ERC20", "USDC-ERC20", "USDC-SOL"])
                ),
                name="payout_address_currency",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["unverified", "verified", "removed"])),
                name="payout_address_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "removed"), _negated=True),
                fields=("organization", "currency", "address"),
                name="payout_address_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("organization", "currency"),
                name="payout_address_one_default",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_default", False), ("state", "verified"), _connector="OR"),
                name="payout_address_default_verified",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("verified_by", None),
                    ("verified_by__in", ["signature", "operator"]),
                    _connector="OR",
                ),
                name="payout_address_verified_by",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("usable_at", None), ("verified_at", None), ("verified_by", None)),
                    models.Q(
                        ("usable_at__isnull", False),
                        ("verified_at__isnull", False),
                        ("verified_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="payout_address_verified_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at", None), ("state", "unverified"), ("verified_at", None)),
                    models.Q(
                        ("removed_at", None), ("state", "verified"), ("verified_at__isnull", False)
                    ),
                    models.Q(("removed_at__isnull", False), ("state", "removed")),
                    _connector="OR",
                ),
                name="payout_address_fits_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(("wrong_answers__range", (0, 5))),
                name="payout_address_wrong_answers",
            ),
        ),
        migrations.AddConstraint(
            model_name="payoutaddress",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("challenge_expires_at", None),
                        ("challenge_nonce", None),
                        ("wrong_answers", 0),
                    ),
                    models.Q(
                        ("challenge_expires_at__isnull", False), ("challenge_nonce__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="payout_address_challenge_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(fields=["organization", "-created_at", "-id"], name="payout_recent"),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("status", "requested")),
                fields=["challenge_expires_at"],
                name="payout_to_expire",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                condition=models.Q(("status__in", ["approved", "confirmed", "processing", "sent"])),
                fields=["created_at"],
                name="payout_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("currency__in", ["USDT-TRC20", "USDT-ERC20", "USDC-ERC20", "USDC-SOL"])
                ),
                name="payout_currency",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        [
                            "requested",
                            "confirmed",
                            "approved",
                            "processing",
                            "sent",
                            "settled",
                            "failed",
                            "cancelled",
                        ],
                    )
                ),
                name="payout_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("amount__lt", 1000000000000000)),
                name="payout_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("wrong_answers__range", (0, 4)),
                    models.Q(("status", "cancelled"), ("wrong_answers", 5)),
                    _connector="OR",
                ),
                name="payout_wrong_answers",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("confirmed_at", None), ("status", "requested")),
                    models.Q(
                        ("confirmed_at__isnull", False),
                        (
                            "status__in",
                            ["approved", "confirmed", "failed", "processing", "sent", "settled"],
                        ),
                    ),
                    ("status", "cancelled"),
                    _connector="OR",
                ),
                name="payout_confirmed_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approved_at", None), ("approved_by", None)),
                    models.Q(
                        ("approved_at__isnull", False),
                        ("approved_by__isnull", False),
                        ("confirmed_at__isnull", False),
                        ("needs_approval", True),
                    ),
                    _connector="OR",
                ),
                name="payout_approved_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("processing_at", None),
                        models.Q(
                            models.Q(
                                ("approved_at", None), ("status__in", ["requested", "confirmed"])
                            ),
                            models.Q(("approved_at__isnull", False), ("status", "approved")),
                            ("status", "cancelled"),
                            _connector="OR",
                        ),
                    ),
                    models.Q(
                        ("processing_at__isnull", False),
                        ("status__in", ["failed", "processing", "sent", "settled"]),
                        models.Q(
                            ("needs_approval", False),
                            ("approved_at__isnull", False),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="payout_processing_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("sent_at", None),
                        ("tx_hash", None),
                        models.Q(("status__in", ["sent", "settled"]), _negated=True),
                    ),
                    models.Q(
                        ("sent_at__isnull", False),
                        ("status__in", ["failed", "sent", "settled"]),
                        ("tx_hash__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="payout_sent_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("failure", None),
                        ("finished_at", None),
                        (
                            "status__in",
                            ["approved", "confirmed", "processing", "requested", "sent"],
                        ),
                    ),
                    models.Q(
                        ("failure", None), ("finished_at__isnull", False), ("status", "settled")
                    ),
                    models.Q(
                        ("failure__isnull", False),
                        ("finished_at__isnull", False),
                        ("status__in", ["cancelled", "failed"]),
                    ),
                    _connector="OR",
                ),
                name="payout_finished_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="payout",
            constraint=models.UniqueConstraint(
                condition=models.Q(("tx_hash__isnull", False)),
                fields=("currency", "tx_hash"),
                name="payout_one_per_transaction",
            ),
        ),
        migrations.RunSQL(_GUARDS, _NO_GUARDS),
    ]
