"""The rules of the house that no library checks, each seen to refuse."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "house_rules.py"


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house_rules", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "line",
    [
        "from allauth.account.internal.flows.login import perform_login",
        "from allauth.mfa.webauthn.internal import auth",
        "from allauth.mfa.webauthn import internal",
        "import pydantic._internal",
        "from starlette import _utils",
        "from fido2.server import _verify_origin_for_rp",
        "def late():\n    from django.db.models.sql._x import y",
    ],
)
def test_private_parts_of_others_are_refused(rules: ModuleType, line: str) -> None:
    assert list(rules.private_parts(line))


@pytest.mark.parametrize(
    "line",
    [
        "from __future__ import annotations",
        "from fido2.server import Fido2Server",
        "from privata.ui import _parts",
        "from . import _near",
        "import importlib.metadata as _metadata",
    ],
)
def test_public_and_own_parts_are_not(rules: ModuleType, line: str) -> None:
    assert not list(rules.private_parts(line))


@pytest.mark.parametrize(
    "line",
    [
        "now = timezone.now()",
        "now = django.utils.timezone.now()",
        "at = models.DateTimeField(default=timezone.now)",
        "now = datetime.now(UTC)",
        "now = datetime.datetime.now(UTC)",
        "now = datetime.utcnow()",
        "today = datetime.date.today()",
        "age = time.time() - began",
        "age = time.time_ns()",
        "from time import monotonic, time",
        "from django.utils.timezone import now",
    ],
)
def test_the_machines_clock_is_read_in_one_place(rules: ModuleType, line: str) -> None:
    """Views read it themselves: what they showed in a week could only be tested in a week."""
    found = list(rules.own_clock(f"import time\n{line}\n"))
    assert [number for number, _ in found] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "now = ctx.clock.now()",
        "now = self._clock.now()",
        "began = time.monotonic()",
        "from datetime import date, datetime, timezone",
        "import time",
        "from datetime import time",
        "midnight = datetime.combine(day, time.min)",
        "at = datetime.fromtimestamp(record.created, UTC)",
        "text = 'time.time()'",
        "now = datetime.now(UTC)  # wall clock: what the operator's shell shows",
    ],
)
def test_other_clocks_and_stated_reasons_are_free(rules: ModuleType, line: str) -> None:
    assert list(rules.own_clock(f"{line}\n")) == []


@pytest.mark.parametrize(
    "line",
    [
        "start = time.perf_counter()",
        "took = time.thread_time_ns() - start",
        "from time import process_time",
        "assert time.monotonic() - began < 2",
        "assert 1 <= clock.monotonic() - began <= 2, 'too slow'",
    ],
)
def test_no_test_asserts_a_duration(rules: ModuleType, line: str) -> None:
    assert list(rules.timed(line))


@pytest.mark.parametrize(
    "line",
    [
        "assert time.monotonic() < until",
        "refilled = int((time.monotonic() - began) * limit / 60) + 1",
        "await wait_for(ready, seconds=60)",
    ],
)
def test_waiting_with_a_deadline_is_free(rules: ModuleType, line: str) -> None:
    assert not list(rules.timed(line))


@pytest.mark.parametrize(
    "path", ["src/privata/x.py", "tests/test_x.py", "src/privata/tests/test_x.py"]
)
def test_tests_are_as_short_as_the_code(
    rules: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    """Four files of tests had outgrown what the code may have."""
    made = tmp_path / path
    made.parent.mkdir(parents=True)
    monkeypatch.setattr(rules, "ROOT", tmp_path)
    monkeypatch.setattr(rules, "tracked", lambda: [made])
    for lines, breaks in ((400, 0), (401, 1)):
        made.write_text("x = 1\n" * lines)
        assert rules.main() == breaks


@pytest.mark.parametrize(
    "line",
    [
        "rows = Endpoint.objects.filter(status='paused')",
        "mine = models.Endpoint.objects",
        "Endpoint._default_manager.all()",
        "Endpoint._base_manager.get(pk=1)",
        "from django.shortcuts import get_object_or_404, render",
    ],
)
def test_pages_read_no_rows_with_the_orm(rules: ModuleType, line: str) -> None:
    """Rules about rows stood in SQL for the APIs and in the ORM for pages, and they differed."""
    assert [number for number, _ in rules.orm_reads(f"import x\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "rows = wait(reading.endpoints(app_context(), partition))",
        "user.refresh_from_db(fields=['password'])",
        "from django.shortcuts import render",
        "text = 'Endpoint.objects'",
        "objects = []",
    ],
)
def test_the_read_side_and_the_sign_in_are_free(rules: ModuleType, line: str) -> None:
    assert not list(rules.orm_reads(line))


def test_the_modules_that_may_use_the_orm_do(rules: ModuleType) -> None:
    """The list only gets shorter."""
    for name in rules.ORM_MODULES:
        assert list(rules.orm_reads((rules.ROOT / name).read_text())), f"{name} needs no entry"


def test_the_house_keeps_its_rules(rules: ModuleType) -> None:
    assert rules.main() == 0
