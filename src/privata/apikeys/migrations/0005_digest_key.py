from django.db import migrations, models

# The release before writes null there.
LENGTH = """
ALTER TABLE api_key_secret ADD CONSTRAINT api_key_secret_digest_key
    CHECK (octet_length(digest_key) = 4) NOT VALID;
"""


class Migration(migrations.Migration):
    """Under which secret key a digest was made."""

    dependencies = [("apikeys", "0004_shared_views")]

    operations = [
        migrations.AddField(
            "apikeysecret",
            "digest_key",
            models.BinaryField(
                help_text="the name of the secret key of the digest; null: not known", null=True
            ),
        ),
        migrations.RunSQL(
            LENGTH, "ALTER TABLE api_key_secret DROP CONSTRAINT api_key_secret_digest_key"
        ),
    ]
