from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Refunds that are due, by organization."""

    atomic = False

    dependencies = [("refunds", "0002_refund_facts")]

    operations = [
        AddIndexConcurrently(
            model_name="refund",
            index=models.Index(
                fields=["organization", "environment", "due_at"],
                condition=models.Q(due_at__isnull=False),
                name="refund_due_by_owner",
            ),
        ),
    ]
