"""Wrong second factors of a person, over all time (accounts.factors.cap)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sign_in")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="wrong_factors",
            field=models.SmallIntegerField(
                db_default=0, help_text="wrong codes so far; at 100 no further one is judged"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(wrong_factors__range=(0, 100)), name="app_user_wrong_factors"
            ),
        ),
    ]
