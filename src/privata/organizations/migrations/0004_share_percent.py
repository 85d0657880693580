from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="share_percent",
            field=models.SmallIntegerField(help_text="by contract; null: by plan", null=True),
        ),
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("share_percent", None), ("share_percent__range", (0, 100)), _connector="OR"
                ),
                name="organization_share_percent",
            ),
        ),
    ]
