"""The person who signs in, as Django's sign-in wants them: an object of its own model.

Django checks their password, binds their session to it and signs them in. Everything else that a
page shows is read by `reading`; this is the one module of pages that reads with the ORM.
"""

from __future__ import annotations

from privata.accounts.models import User


def person(user_id: int) -> User | None:
    """The person with this id, whether active or not."""
    return User.objects.filter(pk=user_id).first()
