"""The step of a sign-in that asks a new browser for a mailed code (docs/accounts.md)."""

from __future__ import annotations

from uuid import UUID

from allauth.account.stages import LoginStage
from django.http import HttpResponse
from django.shortcuts import redirect

from privata.accounts import devices
from privata.accounts.browser import device_is_known
from privata.accounts.models import User
from privata.accounts.places import place_of
from privata.infra.plane import kernel, wait


class NewDeviceStage(LoginStage):  # type: ignore[misc]  # allauth ships no types
    """Runs after password and second factor; its state is sealed in the session."""

    key = "new_device"
    urlname = "account_new_device"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Nothing to do for a known browser and after a sign-up, which proved the address."""
        user = self.login.user
        if not isinstance(user, User):
            return None, True
        if (
            self.login.signup
            or not kernel().settings.new_device_code
            or device_is_known(self.request, user)
        ):
            return None, True
        if "code" not in self.state:
            self.send()
        return redirect(self.urlname), True

    def send(self) -> bool:
        """Mail a code, which ends the one before; False where the limit is reached."""
        before = self.state.get("code")
        made = wait(
            devices.send_code(
                kernel(),
                email=self.login.user.email,
                place=place_of(self.request),
                instead_of=UUID(before) if before else None,
            )
        )
        if made is not None:
            self.state["code"] = str(made)
        return made is not None

    @property
    def code_id(self) -> UUID | None:
        """The code that was mailed last; None when the limit let none out."""
        code = self.state.get("code")
        return UUID(code) if code else None
