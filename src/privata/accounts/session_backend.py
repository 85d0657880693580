"""Django's sessions in a table of ours: tokens hashed, contents sealed, lifetimes held here.

Named by `SESSION_ENGINE`. A session lives until 8 hours passed without a request or 30 days since
the sign-in (docs/accounts.md). One that was ended is never written back by a request that is under
way.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, connection, transaction

from privata.accounts.client import Client
from privata.accounts.sealed import session_context
from privata.accounts.sessions import ABSOLUTE, IDLE, MOST_PER_USER, digest_of
from privata.infra.plane import app_context
from privata.infra.sealing import UnsealError

#: Seconds within which a further request is not written down as "last seen".
SEEN_EVERY_S: Final = 60

_ALIVE: Final = """
key_digest = %s AND last_seen_at > now() - %s::interval
AND coalesce(signed_in_at, created_at) > now() - %s::interval
"""

_LOAD: Final = f"""
SELECT sealed, user_id, rotate, last_seen_at < now() - make_interval(secs => {SEEN_EVERY_S})
FROM user_session WHERE {_ALIVE}
"""  # noqa: S608 - constants only

_SEEN: Final = """
UPDATE user_session SET last_seen_at = now(), ip = %s, user_agent = %s WHERE key_digest = %s
"""

_EXISTS: Final = f"SELECT EXISTS (SELECT FROM user_session WHERE {_ALIVE})"  # noqa: S608

_INSERT: Final = """
INSERT INTO user_session (key_digest, sealed, ip, user_agent) VALUES (%s, %s, %s, %s)
"""

# Two requests that take the same value wait for each other here; the second one finds it gone.
_LOCK: Final = f"SELECT sealed FROM user_session WHERE {_ALIVE} FOR UPDATE"  # noqa: S608

_LEAVE: Final = "UPDATE user_session SET sealed = %s WHERE key_digest = %s"

_UPDATE: Final = """
UPDATE user_session SET sealed = %s, user_id = %s,
    signed_in_at = CASE WHEN %s::bigint IS NULL THEN NULL
                        WHEN user_id IS DISTINCT FROM %s THEN now() ELSE signed_in_at END
WHERE key_digest = %s
"""

_RENEW: Final = """
UPDATE user_session SET key_digest = %s, sealed = %s, rotate = false WHERE key_digest = %s
"""

# Two sign-ins at the same moment take turns here, or each would leave the other's room.
_LOCK_USER: Final = "SELECT FROM app_user WHERE id = %s FOR NO KEY UPDATE"

_MAKE_ROOM: Final = """
DELETE FROM user_session WHERE user_id = %s AND id NOT IN (
    SELECT id FROM user_session WHERE user_id = %s ORDER BY signed_in_at DESC, id DESC LIMIT %s
)
"""

_DELETE: Final = "DELETE FROM user_session WHERE key_digest = %s"


class SessionStore(SessionBase):
    """The session of one request. `client` is set by `accounts.middleware`."""

    client: Client | None = None
    must_rotate: bool = False
    _owner: int | None = None

    def load(self) -> dict[str, Any]:
        """What the session holds; an ended one holds nothing."""
        key = self.session_key
        row = self._one(_LOAD, [digest_of(key), IDLE, ABSOLUTE]) if key else None
        if key is None or row is None:
            self._session_key = None
            return {}
        sealed, self._owner, self.must_rotate, stale = row
        try:
            data = self._unsealed(key, sealed)
        except UnsealError:
            # Sealed under a key that the installation no longer has: everybody signs in again.
            self._session_key = None
            return {}
        if stale:
            self._run(_SEEN, [*self._from(), digest_of(key)])
        return data

    def exists(self, session_key: str) -> bool:
        """Whether a session with this token is alive."""
        row = self._one(_EXISTS, [digest_of(session_key), IDLE, ABSOLUTE])
        return bool(row and row[0])

    def create(self) -> None:
        """Begin an empty session under a new token."""
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Write the session; `UpdateError` if it was ended meanwhile."""
        if self.session_key is None:
            self.create()
            return
        key = self.session_key
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        sealed = self._sealed(key, data)
        if must_create:
            try:
                with transaction.atomic():
                    self._run(_INSERT, [digest_of(key), sealed, *self._from()])
            except IntegrityError as error:
                raise CreateError from error
            self._owner = None
            return
        user_id = _user_of(data)
        with transaction.atomic():
            if user_id is not None and user_id != self._owner:
                self._run(_LOCK_USER, [user_id])
            if not self._run(_UPDATE, [sealed, user_id, user_id, user_id, digest_of(key)]):
                raise UpdateError
            if user_id is not None and user_id != self._owner:
                self._run(_MAKE_ROOM, [user_id, user_id, MOST_PER_USER])
        self._owner = user_id

    def take(self, name: str) -> Any:
        """Take a value out of the session at once: of requests side by side one gets it, and the
        others get None.

        A session is saved as a whole. A request that loaded the value earlier and saves something
        else later puts it back, so what is taken must go stale by itself as well.
        """
        loaded = self.pop(name, None)
        key = self.session_key
        if loaded is None or key is None:
            return None
        with transaction.atomic():
            row = self._one(_LOCK, [digest_of(key), IDLE, ABSOLUTE])
            if row is None:
                return None
            data = self._unsealed(key, row[0])
            if data.pop(name, None) != loaded:
                return None
            self._run(_LEAVE, [self._sealed(key, data), digest_of(key)])
        return loaded

    def cycle_key(self) -> None:
        """Go on under a new token; the old one is worthless from now on.

        The row stays, and with it the moment of the sign-in that 30 days are counted from.
        """
        data = self._session  # type: ignore[attr-defined]  # missing in the stubs
        old = self.session_key
        if old is None:
            self.create()
            self._session_cache = data
            return
        new = self._get_new_session_key()  # type: ignore[attr-defined]
        renewed = self._run(_RENEW, [digest_of(new), self._sealed(new, data), digest_of(old)])
        if not renewed:
            # Ended meanwhile: it must not come back to life under another token.
            self.flush()
            return
        self._session_key = new
        self.must_rotate = False
        self.modified = True

    def delete(self, session_key: str | None = None) -> None:
        """End a session, this one unless another token is given."""
        key = session_key or self.session_key
        if key:
            self._run(_DELETE, [digest_of(key)])

    @classmethod
    def clear_expired(cls) -> None:
        """The worker does this: `accounts.jobs`."""

    def _sealed(self, key: str, data: dict[str, Any]) -> bytes:
        return app_context().sealer.seal(
            self.serializer().dumps(data), session_context(digest_of(key))
        )

    def _unsealed(self, key: str, sealed: memoryview | bytes) -> dict[str, Any]:
        plain = app_context().sealer.unseal(bytes(sealed), session_context(digest_of(key)))
        data: dict[str, Any] = self.serializer().loads(plain)
        return data

    def _from(self) -> tuple[str | None, str]:
        client = self.client or Client(None, "")
        return client.ip, client.user_agent[:256]

    @staticmethod
    def _one(statement: str, values: list[Any]) -> tuple[Any, ...] | None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    @staticmethod
    def _run(statement: str, values: list[Any]) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return int(cursor.rowcount)


def _user_of(data: dict[str, Any]) -> int | None:
    value = data.get("_auth_user_id")
    return None if value is None else int(value)
