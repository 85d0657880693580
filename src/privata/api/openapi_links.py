"""Links of the OpenAPI document: which answer gives the next call its id."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

#: (operation, field of its answer or `list/0/field`, where it goes, operations that take it).
_LINKS: Final = (
    ("estimate", "quote_id", "body:quote_id", ("createOrder",)),
    ("createOrder", "order_id", "path:order_id", ("getOrder",)),
    (
        "createEndpoint",
        "endpoint_id",
        "path:endpoint_id",
        (
            "getEndpoint",
            "changeEndpoint",
            "rotateSecret",
            "sendTestEvent",
            "listUndelivered",
            "disableEndpoint",
        ),
    ),
    ("sendTestEvent", "delivery_id", "path:delivery_id", ("retryDelivery", "replayDelivery")),
    (
        "listDeliveries",
        "deliveries/0/delivery_id",
        "path:delivery_id",
        ("retryDelivery", "replayDelivery"),
    ),
    ("recover", "recovery_id", "path:recovery_id", ("getRecovery", "cancelRecovery")),
    (
        "requestPayout",
        "payout_id",
        "path:payout_id",
        ("confirmPayout", "cancelPayout", "getPayout"),
    ),
    ("listPayouts", "payouts/0/payout_id", "path:payout_id", ("getPayout",)),
    ("listPayouts", "next_cursor", "query:cursor", ("listPayouts",)),
    ("readEvents", "last", "query:after", ("readEvents",)),
    ("listDeliveries", "next_cursor", "query:cursor", ("listDeliveries",)),
)


def add_links(made: Json) -> None:
    """Add `links` to the answers that others build on; operations that are not there are left."""
    by_id = {
        operation["operationId"]: operation
        for item in made["paths"].values()
        for operation in item.values()
        if "operationId" in operation
    }
    for source, field, goes, targets in _LINKS:
        if source not in by_id:
            continue
        success = next(
            answer
            for status, answer in by_id[source]["responses"].items()
            if status.startswith("2")
        )
        for target in targets:
            if target in by_id:
                link = _link(target, field, goes)
                success.setdefault("links", {})[f"{target}By{field.rpartition('/')[2]}"] = link


def _link(target: str, field: str, goes: str) -> Json:
    where, _, name = goes.partition(":")
    value = f"$response.body#/{field}"
    if where == "body":
        return {"operationId": target, "requestBody": {name: value}}
    return {"operationId": target, "parameters": {name: value}}
