"""How passwords are hashed: Argon2id (RFC 9106) with the memory that the operator grants."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher

from privata.infra.settings import settings


class PasswordHasher(Argon2PasswordHasher):
    """Django's, with `PRIVATA_PASSWORD_MEMORY_KIB` for each hash.

    After a change each password is hashed anew when its person signs in.
    """

    memory_cost = settings().password_memory_kib
