"""The pages for what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "ui/error.html", {"title": title, "text": text}, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid token: usually a page left open over a sign-out."""
    text = "This page was open for too long. Go back, reload it and try again."
    return _page(request, 403, "That form has expired", text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "It does not exist, or it belongs to an organization you are not signed in to."
    return _page(request, 404, "Nothing here", text)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "Your role does not include this. An owner of your organization can change it."
    return _page(request, 403, "Not allowed", text)


def server_error(request: HttpRequest) -> HttpResponse:
    text = "The mistake is ours and has been logged. Nothing was changed; please try again."
    return _page(request, 500, "Something broke", text)
