"""What pages of several rooms share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase

from privata.core.errors import NotFound

P = ParamSpec("P")


def missing_is_404(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Answer 404 for what is missing or another organization's: the two look alike."""

    @functools.wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error

    return answered


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of the page."""
    return request.headers.get("HX-Request") == "true"
