"""Pages of the team, below `/<environment>/team/`."""

from __future__ import annotations

from django.urls import path

from privata.team import views

app_name = "team"

urlpatterns = [
    path("", views.listing, name="list"),
    path("roles", views.roles, name="roles"),
    path("invite", views.invite, name="invite"),
    path("invitations/<uuid:invitation_id>", views.invited, name="invited"),
    path("invitations/<uuid:invitation_id>/resend", views.resend, name="resend"),
    path("invitations/<uuid:invitation_id>/cancel", views.cancel, name="cancel"),
    path("<number:member_id>", views.member, name="member"),
    path("<number:member_id>/role", views.change_role, name="change_role"),
    path("<number:member_id>/deactivate", views.deactivate, name="deactivate"),
    path("<number:member_id>/reactivate", views.reactivate, name="reactivate"),
    path("<number:member_id>/remove", views.remove, name="remove"),
]
