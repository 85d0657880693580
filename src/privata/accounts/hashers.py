"""What Django hashes passwords with: its Argon2id under our bound (`hashing`)."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher

from privata.accounts import hashing
from privata.infra.plane import give_back
from privata.infra.settings import settings


class PasswordHasher(Argon2PasswordHasher):
    """Django's, with `PRIVATA_PASSWORD_MEMORY_KIB` for each hash; `HashingBusy` without a turn.

    After a change of the memory each password is hashed anew when its person signs in.
    """

    memory_cost = settings().password_memory_kib

    def encode(self, password: str, salt: str) -> str:
        """The hash of the normalised password; `ValueError` for one that is too long."""
        same = hashing.normalized(password)
        give_back()  # the wait for a turn can be long
        with hashing.GATE.turn():
            return super().encode(same, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password.

        One hash, whatever was typed: an address without an account costs one as well (Django
        hashes the password for nothing), and a second one would tell them apart.
        """
        known = len(password) <= hashing.LONGEST_PASSWORD
        same = hashing.normalized(password) if known else ""  # one that is too long is nobody's
        give_back()
        with hashing.GATE.turn():
            return super().verify(same, encoded) and known
