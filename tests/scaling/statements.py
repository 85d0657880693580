"""Every statement that the code sends: found where a method of a driver is called.

What is sent is worked out from the constants of its module. What is put together at run time stands
in `DYNAMIC`, with where its text is found instead.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

import privata
from privata.infra.database.due_work import DueSql
from privata.orders.api import COMPANIONS

#: Methods of asyncpg, psycopg and Django to which a statement is given.
SENDING: Final = frozenset(
    {"fetch", "fetchrow", "fetchval", "execute", "executemany", "cursor", "prepare", "raw"}
)

HANDED_ON: Final = "hands on what it was given"
ELSEWHERE: Final = "no table of partner data: people, the audit log, the ledger, the catalogue"
READ_BESIDE: Final = "made of a `DueSql` or a `Companion`, which are read beside this"
OPERATOR: Final = "an operator's command over all sealed rows, made of the list of sealed columns"
NO_STATEMENT: Final = "prepares an HTTP response"
AS_SENT: Final = "put together for each call: read as it was sent (`test_statements_as_sent.py`)"

#: Where no constant is sent, by module and function, and why that is enough.
DYNAMIC: Final = {
    "accounts.jobs.tidy_accounts": ELSEWHERE,
    "accounts.session_backend._one": ELSEWHERE,
    "accounts.session_backend._run": ELSEWHERE,
    "apikeys.admission._answer": READ_BESIDE,
    "apikeys.admission.read": READ_BESIDE,
    "audit.reading.every_entry": ELSEWHERE,
    "audit.reading.page_of": ELSEWHERE,
    "audit.verify._entries": ELSEWHERE,
    "dashboard.schema.applying._drop_left_over": ELSEWHERE,
    "dashboard.schema.grants._grant_retention": ELSEWHERE,
    "dashboard.schema.grants.grant": ELSEWHERE,
    "infra.database.due_work._claim_together": READ_BESIDE,
    "infra.database.due_work._told": READ_BESIDE,
    "infra.database.due_work.claim_of": READ_BESIDE,
    "infra.database.for_django.execute": HANDED_ON,
    "infra.secret_keys.columns.sealed_uses": OPERATOR,
    "infra.secret_keys.redigesting._replace": ELSEWHERE,
    "infra.secret_keys.redigesting.digest_uses": ELSEWHERE,
    "infra.secret_keys.redigesting.hanging": ELSEWHERE,
    "infra.secret_keys.resealing._batch": OPERATOR,
    "infra.secret_keys.resealing.put": OPERATOR,
    "ledger.verify._findings": ELSEWHERE,
    "orders.search.listing._edge": AS_SENT,
    "orders.search.listing._guide": AS_SENT,
    "orders.search.listing._rows": AS_SENT,
    "orders.search.listing._value": AS_SENT,
    "organizations.onboarding._write": ELSEWHERE,
    "providers.fakes.traps._streamed": NO_STATEMENT,
    "webhooks.deliveries.figures.count": AS_SENT,
    "webhooks.deliveries.figures.counts_of": AS_SENT,
    "webhooks.deliveries.figures.slices_of": AS_SENT,
    "webhooks.deliveries.reading._id": AS_SENT,
    "webhooks.deliveries.reading._rows": AS_SENT,
    "webhooks.deliveries.reading.oldest_ids": AS_SENT,
    "webhooks.endpoints.reading._secrets": AS_SENT,
    "webhooks.endpoints.reading.waiting_of": AS_SENT,
    "webhooks.engine.reconnecting.fetch": HANDED_ON,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, by its module and constant, or by its module and function."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Sent:
    """All that is sent: statements that are known, and the places where they are not."""

    statements: list[Statement]
    dynamic: set[str]


def sent_by_the_code() -> Sent:
    """Read all modules but tests and migrations."""
    root = Path(privata.__file__).parent
    statements = [
        Statement(f"orders.api.COMPANIONS[{n}].{form}", getattr(companion, form))
        for n, (_, companion) in enumerate(COMPANIONS)
        for form in ("statement", "apart")
    ]
    dynamic: set[str] = set()
    for path in sorted(root.rglob("*.py")):
        if {"tests", "migrations"} & set(path.parts):
            continue
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        text = path.read_text(encoding="utf-8")
        if not any(f".{method}(" in text for method in SENDING) and "DueSql(" not in text:
            continue
        module = importlib.import_module(f"privata.{name}")
        for label, sql in _sent_by(ast.parse(text), module):
            if sql is None:
                dynamic.add(f"{name}.{label}")
            else:
                statements.append(Statement(f"{name}.{label}", _for_the_parser(sql)))
        statements += _of_claims(name, module)
    return Sent(statements, dynamic)


def _sent_by(tree: ast.Module, module: ModuleType) -> Iterator[tuple[str, str | None]]:
    inside = {
        id(node): function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in SENDING or not node.args:
            continue
        given = node.args[0]
        try:
            sql = eval(compile(ast.Expression(given), "statement", "eval"), vars(module))
        except Exception:  # it needs what only the function knows
            sql = None
        function = inside.get(id(node), "")
        label = given.id if isinstance(given, ast.Name) and sql is not None else function
        yield label, sql if isinstance(sql, str) else None


def _of_claims(name: str, module: ModuleType) -> Iterator[Statement]:
    for label, value in vars(module).items():
        if isinstance(value, DueSql) and "." not in label and _is_made_in(value, name, label):
            yield Statement(f"{name}.{label}.who", value.who)
            yield Statement(f"{name}.{label}.together", value.together)
            yield Statement(f"{name}.{label}.apart", value.apart)


def _is_made_in(value: DueSql, name: str, label: str) -> bool:
    """Whether it is this module's, and not only imported by it."""
    text = Path(privata.__file__).parent.joinpath(*name.split(".")).with_suffix(".py").read_text()
    return f"{label}: Final = DueSql(" in text


def _for_the_parser(sql: str) -> str:
    """The statement with PostgreSQL's parameters instead of psycopg's."""
    return re.sub(r"%\(\w+\)s|%s", "$1", sql)
