"""Second factors in a table of this room: the one that django-allauth had made, where there is one.

Installations from before this migration have the table, with rows: it is taken over as it stands.
Elsewhere it is made. The tables of addresses that allauth kept beside it were never written.

On the way back the table stays where it was allauth's. Elsewhere it goes, but only an empty one:
nothing before this migration could keep a factor, and people would be without theirs.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError

KINDS = models.CheckConstraint(
    condition=models.Q(type__in=["totp", "webauthn", "recovery_codes"]),
    name="mfa_authenticator_type",
)


def make_or_take_over(apps, editor):
    model = apps.get_model("accounts", "Authenticator")
    if model._meta.db_table not in editor.connection.introspection.table_names():
        editor.create_model(model)
        return
    editor.execute(
        "ALTER TABLE mfa_authenticator ALTER created_at SET DEFAULT statement_timestamp()"
    )
    editor.add_constraint(model, KINDS)
    editor.execute("DROP TABLE IF EXISTS account_emailconfirmation, account_emailaddress")
    editor.execute("DELETE FROM django_migrations WHERE app = 'account'")


def give_back(apps, editor):
    """Django remembers allauth's migrations where the table was theirs."""
    model = apps.get_model("accounts", "Authenticator")
    with editor.connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM django_migrations WHERE app = 'mfa')")
        (theirs,) = cursor.fetchone()
        if not theirs:
            # Nobody adds one between the look and the end.
            cursor.execute("LOCK TABLE mfa_authenticator")
            cursor.execute("SELECT count(*) FROM mfa_authenticator")
            (factors,) = cursor.fetchone()
            if factors:
                raise IrreversibleError(
                    f"{factors} second factors are stored, and no earlier schema has a table for "
                    "them. Stay at this version, or restore a backup that is older than it."
                )
            editor.delete_model(model)
            return
    editor.execute("ALTER TABLE mfa_authenticator ALTER created_at DROP DEFAULT")
    editor.remove_constraint(model, KINDS)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_shared_user")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Authenticator",
                    fields=[
                        ("id", models.BigAutoField(primary_key=True, serialize=False)),
                        ("type", models.CharField(max_length=20)),
                        ("data", models.JSONField()),
                        (
                            "created_at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("last_used_at", models.DateTimeField(null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="authenticators",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "mfa_authenticator",
                        "constraints": [
                            KINDS,
                            models.UniqueConstraint(
                                condition=models.Q(("type__in", ["totp", "recovery_codes"])),
                                fields=("user", "type"),
                                name="unique_authenticator_type",
                            ),
                        ],
                    },
                ),
            ]
        ),
        migrations.RunPython(make_or_take_over, give_back),
    ]
