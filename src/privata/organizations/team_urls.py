"""Pages of the team, below `/<environment>/team/`."""

from __future__ import annotations

from django.urls import path

from privata.organizations.views import team

app_name = "team"

urlpatterns = [
    path("", team.listing, name="list"),
    path("roles", team.roles, name="roles"),
    path("invite", team.invite, name="invite"),
    path("invitations/<uuid:invitation_id>", team.invited, name="invited"),
    path("invitations/<uuid:invitation_id>/resend", team.resend, name="resend"),
    path("invitations/<uuid:invitation_id>/cancel", team.cancel, name="cancel"),
    path("<number:member_id>", team.member, name="member"),
    path("<number:member_id>/role", team.change_role, name="change_role"),
    path("<number:member_id>/deactivate", team.deactivate, name="deactivate"),
    path("<number:member_id>/reactivate", team.reactivate, name="reactivate"),
    path("<number:member_id>/remove", team.remove, name="remove"),
]
