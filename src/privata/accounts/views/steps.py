"""A sign-in on its way: the password or the passkey is right, and further steps may ask for more.

    begin → second factor → new browser → signed in

A step that has nothing to ask is passed over. A sign-in that waits at a step stands in the session,
which is sealed, for a quarter of an hour; until its last step nobody is signed in. It ends with
what it was begun with: when the password is replaced, or the passkey that was shown is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import SESSION_KEY, login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare

from privata.accounts import devices, reading
from privata.accounts.models import User
from privata.accounts.views.browser import (
    device_is_known,
    finish_sign_in,
    forget_second_factor,
    note_second_factor,
)
from privata.accounts.views.people import person
from privata.accounts.views.places import client_of
from privata.infra.plane import app_context, wait

#: How long a sign-in may take from its password to its last step, seconds.
WAITS_S: Final = 900

#: How far another host's clock may be behind the one that noted a beginning, seconds.
CLOCK_TOLERANCE_S: Final = 60

_WAITING: Final = "sign_in"


class Step(StrEnum):
    """What a sign-in may be asked for after its password, in this order."""

    SECOND_FACTOR = "second_factor"
    NEW_DEVICE = "new_device"


#: The page that asks.
PAGES: Final = {
    Step.SECOND_FACTOR: "account_second_factor",
    Step.NEW_DEVICE: "account_new_device",
}


@dataclass(slots=True)
class SignIn:
    """Who signs in, and where to then.

    `auth_hash` stands for the password as it was at the beginning, `passkey` is the id of one that
    was shown. `state` is the step's own; call `keep` after a change.
    """

    user: User
    auth_hash: str
    started_at: float
    after: str | None
    signing_up: bool
    passkey: int | None
    step: Step = Step.SECOND_FACTOR
    state: dict[str, Any] = field(default_factory=dict)
    done: list[Step] = field(default_factory=list)

    @property
    def code_id(self) -> UUID | None:
        """The code for a new browser that was mailed last; None when the limit let none out."""
        code = self.state.get("code")
        return UUID(code) if code else None


def begin(
    request: HttpRequest,
    user: User,
    *,
    after: str | None,
    signing_up: bool = False,
    passkey: int | None = None,
) -> HttpResponse:
    """`user` has proved who they are, by a password or the `passkey` with this id: ask for what is
    missing, or sign them in and go to the page `after`."""
    if SESSION_KEY in request.session:
        # Of somebody deactivated since: Django signs them out, and leaves the session to them.
        request.session.flush()
    give_up(request)
    if not user.is_active:
        return redirect("account_login")
    if request.session.session_key:
        # A half-finished sign-in begins under a new token as well.
        request.session.cycle_key()
    if passkey is not None:
        note_second_factor(request, user)
    now = app_context().clock.now().timestamp()
    auth_hash = user.get_session_auth_hash()
    return _go_on(request, SignIn(user, auth_hash, now, after, signing_up, passkey))


def waiting(request: HttpRequest, step: Step | None = None) -> SignIn | None:
    """The sign-in of this browser that waits, at `step` if one is given; None without one."""
    kept = request.session.get(_WAITING)
    if kept is None or request.user.is_authenticated:
        return None
    age = app_context().clock.now().timestamp() - kept["started_at"]
    user = person(kept["user"])
    in_time = -CLOCK_TOLERANCE_S <= age <= WAITS_S
    if user is None or not user.is_active or not in_time or not _still_proved(kept, user):
        give_up(request)
        return None
    done = [Step(each) for each in kept["done"]]
    found = SignIn(**kept | {"user": user, "step": Step(kept["step"]), "done": done})
    return found if step in (None, found.step) else None


def _still_proved(kept: Mapping[str, Any], user: User) -> bool:
    """Whether what the sign-in began with still opens the account.

    No session to be ended names its person yet, so a change of the password ends it here. One that
    was begun by an earlier release has no hash, and ends as well.
    """
    if not constant_time_compare(kept.get("auth_hash", ""), user.get_session_auth_hash()):
        return False
    passkey = kept["passkey"]
    return passkey is None or any(passkey == one.id for one in _factors(user).passkeys)


def keep(request: HttpRequest, sign_in: SignIn) -> None:
    """Write a changed step down for the next request."""
    request.session[_WAITING] = {
        "user": sign_in.user.pk,
        "auth_hash": sign_in.auth_hash,
        "started_at": sign_in.started_at,
        "after": sign_in.after,
        "signing_up": sign_in.signing_up,
        "passkey": sign_in.passkey,
        "step": sign_in.step,
        "state": sign_in.state,
        "done": sign_in.done,
    }


def passed(request: HttpRequest, sign_in: SignIn) -> HttpResponse:
    """What the step asked for was right: on to the next one, or in."""
    sign_in.done.append(sign_in.step)
    return _go_on(request, sign_in)


def give_up(request: HttpRequest) -> None:
    """Forget a sign-in that waits, and what it has shown."""
    request.session.pop(_WAITING, None)
    forget_second_factor(request)


def send_code(request: HttpRequest, sign_in: SignIn) -> bool:
    """Mail a code for the new browser, which ends the one before; False at the limit of mails."""
    made = wait(
        devices.send_code(
            app_context(),
            email=sign_in.user.email,
            client=client_of(request),
            instead_of=sign_in.code_id,
        )
    )
    if made is not None:
        sign_in.state["code"] = str(made)
    return made is not None


def _go_on(request: HttpRequest, sign_in: SignIn) -> HttpResponse:
    # Also what had nothing to ask before: two-factor sign-in may have been turned on meanwhile.
    for step in Step:
        if step in sign_in.done:
            continue
        sign_in.step, sign_in.state = step, {}
        if _ASKS[step](request, sign_in):
            keep(request, sign_in)
            return redirect(PAGES[step])
    request.session.pop(_WAITING, None)
    login(request, sign_in.user)  # under a new token
    answer = redirect(sign_in.after or settings.LOGIN_REDIRECT_URL)
    finish_sign_in(request, answer, sign_in.user, signing_up=sign_in.signing_up)
    return answer


def _asks_second_factor(request: HttpRequest, sign_in: SignIn) -> bool:
    """Factors count once a recovery code was typed back; a passkey is a second factor in itself."""
    if sign_in.passkey is not None or sign_in.user.recovery_confirmed_at is None:
        return False
    return bool(_factors(sign_in.user).proofs)


def _factors(user: User) -> reading.Factors:
    return wait(reading.factors_of(app_context(), user.pk))


def _asks_new_device(request: HttpRequest, sign_in: SignIn) -> bool:
    """Nothing of a known browser, and nothing after a sign-up, which proved the address."""
    if (
        sign_in.signing_up
        or not app_context().settings.new_device_code
        or device_is_known(request, sign_in.user)
    ):
        return False
    send_code(request, sign_in)
    return True


_ASKS: Final[dict[Step, Callable[[HttpRequest, SignIn], bool]]] = {
    Step.SECOND_FACTOR: _asks_second_factor,
    Step.NEW_DEVICE: _asks_new_device,
}
