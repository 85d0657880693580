from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The order by transactions for the events that have one, for the release that reads by it."""

    atomic = False

    dependencies = [("events", "0005_numbers_of_old_events")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                condition=models.Q(("xid__isnull", False)),
                fields=["organization", "environment", "xid", "seq"],
                name="event_in_old_order",
            ),
        ),
    ]
