from django.db import migrations, models

# The release before writes null there.
LENGTH = """
ALTER TABLE personal_token ADD CONSTRAINT personal_token_digest_key
    CHECK (octet_length(digest_key) = 4) NOT VALID;
"""


class Migration(migrations.Migration):
    """Under which secret key a digest was made."""

    dependencies = [("tokens", "0001_initial")]

    operations = [
        migrations.AddField(
            "personaltoken",
            "digest_key",
            models.BinaryField(
                help_text="the name of the secret key of the digest; null: not known", null=True
            ),
        ),
        migrations.RunSQL(
            LENGTH, "ALTER TABLE personal_token DROP CONSTRAINT personal_token_digest_key"
        ),
    ]
