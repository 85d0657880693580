"""Pages below `/docs`: the guides, the API reference, and what machines read. Open to all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import msgspec
from django.conf import settings as django_settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe
from markupsafe import Markup

from privata.docs.bruno import bruno_zip
from privata.docs.guides import grouped, guides
from privata.docs.llms import llms_text
from privata.docs.markdown import Document, inline, rendered
from privata.docs.postman import postman_collection
from privata.docs.reference import Reference, reference
from privata.infra.settings import settings

Json = dict[str, Any]

#: Downloads change with a release only; a while in a cache costs nobody anything.
PUBLIC = "public, max-age=300"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The list of guides."""
    groups = [
        (title, [(guide, inline(guide.lead)) for guide in found]) for title, found in grouped()
    ]
    return render(request, "docs/index.html", _frame(request, None) | {"shown": groups})


@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide."""
    found = guides().get(slug)
    if found is None:
        raise Http404
    shown = _rendered(slug)
    names = list(guides())
    at = names.index(slug)
    around = {
        "before": guides()[names[at - 1]] if at > 0 else None,
        "after": guides()[names[at + 1]] if at + 1 < len(names) else None,
    }
    return render(
        request,
        "docs/guide.html",
        _frame(request, slug) | {"guide": found, "shown": shown} | around,
    )


@require_safe
def guide_text(request: HttpRequest, slug: str) -> HttpResponse:
    """The guide as it was written, for those who read Markdown."""
    found = guides().get(slug)
    if found is None:
        raise Http404
    return _download(found.text.encode(), "text/markdown; charset=utf-8")


@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """The API reference."""
    base_url = settings().base_url
    made = {"reference": _reference(base_url), "shown": _reference_page(base_url)}
    return render(request, "docs/api.html", _frame(request, "api") | made)


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return _download(msgspec.json.encode(_document()), "application/json")


@require_safe
def postman(request: HttpRequest) -> HttpResponse:
    """The Postman collection."""
    return _download(msgspec.json.encode(postman_collection(_document())), "application/json")


@require_safe
def bruno(request: HttpRequest) -> HttpResponse:
    """The Bruno collection, zipped."""
    return _download(bruno_zip(_document()), "application/zip")


@require_safe
def llms(request: HttpRequest) -> HttpResponse:
    """What the documentation holds, for language models."""
    text = llms_text(_document(), settings().base_url)
    return _download(text.encode(), "text/plain; charset=utf-8")


def _frame(request: HttpRequest, current: str | None) -> Json:
    return {
        "groups": list(grouped()),
        "current": current,
        "signed_in": request.user.is_authenticated,
    }


def _document() -> Json:
    # By its name: a room does not know the programs that are put together out of the rooms.
    made = cast("Callable[[str], Json]", import_string(django_settings.API_DOCUMENT))
    return made(settings().base_url)


@cache
def _reference(base_url: str) -> Reference:
    return reference(_document())


@cache
def _reference_page(base_url: str) -> Markup:
    # The template escapes what it shows.
    made = render_to_string("docs/_reference.html", {"reference": _reference(base_url)})
    return Markup(made)  # noqa: S704


@cache
def _rendered(slug: str) -> Document:
    return rendered(guides()[slug].text, _rewritten)


def _rewritten(target: str) -> str | None:
    """Links between guides become links between pages; other files are not served."""
    if target.startswith(("https://", "http://", "#", "/")):
        return target
    name, hash_sign, anchor = target.partition("#")
    slug = name.removesuffix(".md")
    if slug not in guides():
        return None
    return reverse("docs:guide", args=[slug]) + hash_sign + anchor


def _download(content: bytes, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response.headers["Cache-Control"] = PUBLIC
    return response
