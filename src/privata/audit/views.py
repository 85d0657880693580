"""The audit log's pages: the list, one entry, the verification, the file."""

from __future__ import annotations

from typing import Any

from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from privata.access.tenants import Tenant
from privata.access.views import missing_is_404, requires
from privata.audit import reading
from privata.audit.export import Form, begin_export, exported
from privata.audit.filters import AuditFilter, parse_filter
from privata.audit.verify import verify_chain
from privata.core.roles import Permission
from privata.infra.plane import app_context, is_fragment, wait

#: More digits than any number has; a longer one is no number.
_MAX_DIGITS = 15

ACTOR_KINDS = {
    "user": ("Member", "user"),
    "key": ("API key", "key-round"),
    "operator": ("Operator", "shield-check"),
    "system": ("Platform", "server"),
}

_CONTENT_TYPES = {Form.CSV: "text/csv; charset=utf-8", Form.NDJSON: "application/x-ndjson"}


@require_safe
@requires(Permission.VIEW_AUDIT)
@missing_is_404
def listing(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """The log, a page at a time, newest first."""
    chosen = parse_filter(request.GET)
    shown = wait(
        reading.page_of(
            app_context(),
            tenant.organization_id,
            chosen,
            before=_number(request.GET.get("before", "")),
            after=_number(request.GET.get("after", "")),
        )
    )
    context: dict[str, Any] = {
        "page": shown,
        "chosen": chosen,
        "actions": wait(reading.actions_of(app_context(), tenant.organization_id)),
        "opened": _number(request.GET.get("open", "")),
        "messages": get_messages(request),
    }
    if context["opened"] is not None:
        context |= _entry(tenant, chosen, context["opened"])
    return _show(request, "audit/list.html", chosen, context)


@require_safe
@requires(Permission.VIEW_AUDIT)
@missing_is_404
def entry(request: HttpRequest, tenant: Tenant, seq: int) -> HttpResponse:
    """One entry with what it changed: in the drawer, or at its own address."""
    chosen = parse_filter(request.GET)
    template = "audit/_sheet.html" if is_fragment(request) else "audit/entry.html"
    return _show(request, template, chosen, _entry(tenant, chosen, seq))


@require_safe
@requires(Permission.VIEW_AUDIT)
def verification(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Walk the organization's chain now and say whether it holds."""
    verification = wait(verify_chain(app_context(), tenant.organization_id))
    template = "audit/_verification.html" if is_fragment(request) else "audit/verification.html"
    return render(request, template, {"verification": verification})


@require_POST
@requires(Permission.EXPORT_AUDIT)
def export(request: HttpRequest, tenant: Tenant, form: str) -> HttpResponseBase:
    """The entries that the filters show, as a file. It changes the log, so it is a POST."""
    try:
        wanted_form = Form(form)
    except ValueError:
        raise Http404 from None
    chosen = parse_filter(request.POST)
    up_to = wait(begin_export(app_context(), actor=tenant.actor, form=wanted_form, wanted=chosen))
    return StreamingHttpResponse(
        exported(app_context(), actor=tenant.actor, form=wanted_form, wanted=chosen, up_to=up_to),
        content_type=_CONTENT_TYPES[wanted_form],
        headers={"Content-Disposition": f'attachment; filename="audit.{wanted_form.value}"'},
    )


def _entry(tenant: Tenant, chosen: AuditFilter, seq: int) -> dict[str, Any]:
    found = wait(reading.entry_of(app_context(), tenant.organization_id, seq))
    around = {
        name: wait(
            reading.page_of(app_context(), tenant.organization_id, chosen, size=1, **{side: seq})
        ).entries
        for name, side in (("newer", "after"), ("older", "before"))
    }
    return {
        "entry": found,
        "newer": around["newer"][0].seq if around["newer"] else None,
        "older": around["older"][0].seq if around["older"] else None,
    }


def _show(
    request: HttpRequest, template: str, chosen: AuditFilter, context: dict[str, Any]
) -> HttpResponse:
    common = {"actor_kinds": ACTOR_KINDS, "chosen": chosen}
    return render(request, template, common | context)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None
